package org.xenolith.core.backend;

import org.xenolith.devices.p9.SharedFolder;

/**
 * A folder of the host to attach.
 *
 * @param id number among the domain's shares, from 0
 * @param tag what the guest mounts it by
 * @param folder closed when the device is gone
 * @param path where it is, for those who look into the store
 */
public record Share(int id, String tag, SharedFolder folder, String path) {}

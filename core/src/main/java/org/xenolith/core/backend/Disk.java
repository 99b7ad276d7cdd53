package org.xenolith.core.backend;

import org.xenolith.devices.block.BlockImage;

/**
 * A disk to attach.
 *
 * @param name as the guest will see it
 * @param image what is on it; read-only images make read-only disks. It is closed when the device
 *     is gone
 * @param source where the content comes from, for those who look into the store
 * @param cdrom whether the guest is told that it is one
 */
public record Disk(DiskName name, BlockImage image, String source, boolean cdrom) {
    public Disk(DiskName name, BlockImage image, String source) {
        this(name, image, source, false);
    }
}

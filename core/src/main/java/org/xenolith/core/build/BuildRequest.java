package org.xenolith.core.build;

import org.xenolith.core.image.ElfImage;
import org.xenolith.core.image.XenNotes;

/**
 * What a domain is built from.
 *
 * @param initrd contents of the initial RAM disk; empty for none
 * @param pages guest frames the domain starts with
 * @param storePort the guest's event channel to xenstore
 * @param consolePort the guest's event channel to the console
 */
public record BuildRequest(
        ElfImage kernel,
        XenNotes notes,
        byte[] initrd,
        long pages,
        String commandLine,
        int storePort,
        int consolePort) {}

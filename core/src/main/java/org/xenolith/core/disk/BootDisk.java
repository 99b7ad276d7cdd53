package org.xenolith.core.disk;

import org.xenolith.core.config.DiskSpec;
import org.xenolith.devices.block.DiskImage;
import org.xenolith.devices.block.ImageFormat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/**
 * A disk that a guest's kernel is taken from at each of its starts, as pygrub does it: the guest
 * may have installed another one while it ran.
 *
 * @param initrd to be used instead of the disk's
 * @param arguments after those that the disk says
 */
public record BootDisk(DiskSpec disk, Optional<Path> initrd, String arguments) {
    /** A disk that boots as it says itself. */
    public static BootDisk of(DiskSpec disk) {
        return new BootDisk(disk, Optional.empty(), "");
    }

    /**
     * Looks into the disk as it is now, with what a guest wrote to its overlay.
     *
     * @throws IOException with a sentence when it is no disk, has nothing to boot, or has an
     *     overlay over another base
     */
    public DiskBoot read() throws IOException {
        Optional<Path> overlay = disk.overlay().filter(Files::exists);
        if (overlay.isPresent()) {
            DiskImage.requireBase(overlay.get(), disk.file());
        }
        DiskBoot found =
                overlay.isPresent()
                        ? DiskBoot.from(overlay.get(), ImageFormat.QCOW2)
                        : DiskBoot.from(disk.file(), disk.imageFormat());
        return new DiskBoot(
                found.kernel(),
                initrd.or(found::initrd),
                (found.commandLine() + " " + arguments).strip(),
                found.source());
    }
}

package org.xenolith.core.fleet;

import org.xenolith.core.config.DiskSpec;
import org.xenolith.core.disk.BootDisk;
import org.xenolith.core.disk.DiskBoot;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;

/**
 * What a guest boots from.
 *
 * @param commandLine what the kernel needs in any case; the user's arguments come after it
 * @param disk image of the first disk, which all guests of that name share and none may change
 * @param read the disk that the first three were read from just now
 */
public record BootFiles(
        Path kernel,
        Optional<Path> initrd,
        String commandLine,
        Optional<Path> disk,
        Optional<DiskSpec> read) {
    /** Files that are none of a disk's. */
    public BootFiles(Path kernel, Optional<Path> initrd, String commandLine, Optional<Path> disk) {
        this(kernel, initrd, commandLine, disk, Optional.empty());
    }

    /** Without a disk. */
    public BootFiles(Path kernel, Optional<Path> initrd, String commandLine) {
        this(kernel, initrd, commandLine, Optional.empty());
    }

    /**
     * What a disk boots as it is now.
     *
     * @throws IOException with a sentence when it is no disk, or has nothing to boot
     */
    static BootFiles of(DiskSpec bootable, Optional<Path> disk) throws IOException {
        DiskBoot boot = BootDisk.of(bootable).read();
        return new BootFiles(
                boot.kernel(), boot.initrd(), boot.commandLine(), disk, Optional.of(bootable));
    }
}

package org.xenolith.core.fleet;

import java.nio.file.Path;
import java.util.Optional;

/**
 * What a guest boots from.
 *
 * @param commandLine what the kernel needs in any case; the user's arguments come after it
 * @param disk image of the first disk, which all guests of that name share and none may change
 */
public record BootFiles(
        Path kernel, Optional<Path> initrd, String commandLine, Optional<Path> disk) {
    /** Without a disk. */
    public BootFiles(Path kernel, Optional<Path> initrd, String commandLine) {
        this(kernel, initrd, commandLine, Optional.empty());
    }
}

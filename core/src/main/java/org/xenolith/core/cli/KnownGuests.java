package org.xenolith.core.cli;

import org.xenolith.core.cli.output.StatusLine;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** The guests that can be booted by a name instead of by files. */
interface KnownGuests {
    /**
     * Files of a guest, ready to boot.
     *
     * @param commandLine what this guest needs; the user's arguments come after it
     * @param disk image of the guest's first disk
     * @param read the disk that the first three were read from just now
     */
    record Files(
            Path kernel,
            Optional<Path> initrd,
            String commandLine,
            Optional<Path> disk,
            Optional<Path> read) {
        /** A guest without a disk. */
        Files(Path kernel, Optional<Path> initrd, String commandLine) {
            this(kernel, initrd, commandLine, Optional.empty(), Optional.empty());
        }

        /** A guest with a disk, and files beside it. */
        Files(Path kernel, Optional<Path> initrd, String commandLine, Path disk) {
            this(kernel, initrd, commandLine, Optional.of(disk), Optional.empty());
        }
    }

    /** All names; the first boots when none is given. */
    List<String> names();

    /**
     * Finds the files of a guest, or makes them.
     *
     * @param latest whether to look for newer files than those at hand
     * @param status shows what is going on, where it takes long
     */
    Files prepare(String name, boolean latest, StatusLine status) throws IOException;

    /**
     * A kernel for a system that lies on the guest's first disk, with an initial RAM disk that
     * mounts it and becomes its init.
     */
    Files prepareForRoot(StatusLine status) throws IOException;
}

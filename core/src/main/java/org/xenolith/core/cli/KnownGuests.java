package org.xenolith.core.cli;

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
     */
    record Files(Path kernel, Optional<Path> initrd, String commandLine, Optional<Path> disk) {
        /** A guest without a disk. */
        Files(Path kernel, Optional<Path> initrd, String commandLine) {
            this(kernel, initrd, commandLine, Optional.empty());
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

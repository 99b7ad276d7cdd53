package org.xenolith.core.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** The guests that can be booted by a name instead of by files. */
interface GuestImages {
    /** The guest that boots when no name is given. */
    String OWN_GUEST = "guest";

    /**
     * Files of a guest, ready to boot.
     *
     * @param commandLine what this guest needs; the user's arguments come after it
     */
    record Files(Path kernel, Optional<Path> initrd, String commandLine) {}

    /** All names, {@link #OWN_GUEST} first. */
    List<String> names();

    /**
     * Makes or finds the files of a guest.
     *
     * @param status shows what is going on, where it takes long
     */
    Files prepare(String name, StatusLine status) throws IOException;
}

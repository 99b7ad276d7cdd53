package org.xenolith.core.boot;

import org.xenolith.devices.terminal.ConsoleIo;

import java.io.IOException;
import java.nio.file.Path;

/** Something that lets one saved guest go on, to its end. */
@FunctionalInterface
public interface Restorer {
    /**
     * Goes on with the guest in a file, on the disks and networks that it had, and returns as
     * {@link Machine#boot} does. What the guest boots when it starts again, and whether, is in the
     * file too.
     *
     * @param restarts hears of each further start
     * @throws IOException if the file is no snapshot, or a disk or network is not to be had
     * @throws BootFailed if there is no memory for it, or its disks are not what they were, or it
     *     cannot start again
     */
    Outcome restore(Path file, RestoreOptions options, ConsoleIo console, Restarts restarts)
            throws IOException;
}

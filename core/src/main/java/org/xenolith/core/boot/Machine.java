package org.xenolith.core.boot;

import org.xenolith.devices.terminal.ConsoleIo;

import java.io.IOException;

/** Something that boots one guest and runs it to its end, over reboots if its owner wants. */
@FunctionalInterface
public interface Machine {
    /**
     * Boots the guest and returns when it has ended for good, was left by its user, or ran out of
     * time. A guest that could not start is an {@link Outcome.Crashed} or an exception, whose
     * message is one sentence for the user. {@link BootOptions#actions} says whether it starts
     * again when it ends; it does with the devices that it had.
     *
     * @param restarts hears of each further start
     * @throws IOException if an image cannot be read or is no image
     * @throws EndedWithLosses if the guest ended well, and what it wrote to a disk, or its trace,
     *     could not be kept
     * @throws BootFailed if the guest cannot be built from valid images, for example in too little
     *     memory, or cannot start again
     */
    Outcome boot(BootOptions options, ConsoleIo console, Restarts restarts) throws IOException;
}

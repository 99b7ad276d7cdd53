package org.xenolith.core.machine;

import org.xenolith.devices.terminal.ConsoleIo;

import java.io.IOException;
import java.util.function.BooleanSupplier;

/** Something that boots one guest and runs it to its end, over reboots if its user wants. */
@FunctionalInterface
public interface Machine {
    /**
     * Boots the guest and returns when it has ended for good, was left by its user, or ran out of
     * time. A guest that could not start is an {@link Outcome.Crashed} or an exception, whose
     * message is one sentence for the user.
     *
     * @param bootsAgain asked at each reboot of the guest: true for another boot, with the devices
     *     that it had
     * @throws IOException if an image cannot be read or is no image
     * @throws BootFailed if the guest cannot be built from valid images, for example in too little
     *     memory
     */
    Outcome boot(BootOptions options, ConsoleIo console, BooleanSupplier bootsAgain)
            throws IOException;
}

package org.xenolith.core.cli;

import org.xenolith.core.machine.Machine;
import org.xenolith.devices.terminal.TerminalSession;

import java.io.IOException;
import java.nio.file.Path;
import java.util.function.Supplier;

/**
 * What the commands call.
 *
 * @param console opened when a guest boots, closed when it has ended
 * @param errorIsTerminal whether a status line may rewrite itself
 */
record Services(
        Machine machine,
        GuestImages images,
        Inspector inspector,
        Supplier<TerminalSession> console,
        boolean errorIsTerminal) {

    /** Tells what an image file is, in lines for the terminal. */
    @FunctionalInterface
    interface Inspector {
        String describe(Path file) throws IOException;
    }
}

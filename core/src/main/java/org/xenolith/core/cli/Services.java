package org.xenolith.core.cli;

import org.xenolith.core.boot.Machine;
import org.xenolith.core.boot.Restorer;
import org.xenolith.core.control.ControlFolder;
import org.xenolith.devices.terminal.TerminalSession;

import java.io.IOException;
import java.nio.file.Path;
import java.util.function.Supplier;

/**
 * What the commands call.
 *
 * @param console opened when a guest boots, closed when it has ended
 * @param sockets where running processes listen
 * @param errorIsTerminal whether a status line may rewrite itself
 */
record Services(
        Machine machine,
        Restorer restorer,
        KnownGuests images,
        Inspector inspector,
        Supplier<TerminalSession> console,
        ControlFolder sockets,
        boolean errorIsTerminal) {

    /** Tells what an image file is. */
    @FunctionalInterface
    interface Inspector {
        Inspection inspect(Path file) throws IOException;
    }

    /**
     * @param text lines for the terminal
     * @param bootable whether {@code vmm boot} takes the file
     */
    record Inspection(String text, boolean bootable) {}
}

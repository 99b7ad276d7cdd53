package org.xenolith.core.cli;

import org.xenolith.core.machine.BootFailed;
import org.xenolith.devices.terminal.TerminalSession;

import java.io.IOException;
import java.util.List;

/** The one place where the commands meet what they call. */
final class Wiring {
    private Wiring() {}

    static Services services() {
        return new Services(
                (_, _) -> {
                    throw new BootFailed("This version cannot boot a guest yet.");
                },
                new NoImages(),
                _ -> {
                    throw new IOException("This version cannot inspect images yet.");
                },
                TerminalSession::open,
                System.console() != null && System.console().isTerminal());
    }

    /** Knows the name of our own guest and refuses to make it. */
    private static final class NoImages implements GuestImages {
        @Override
        public List<String> names() {
            return List.of(OWN_GUEST);
        }

        @Override
        public Files prepare(String name, StatusLine status) {
            throw new BootFailed("This version has no guest of its own yet.");
        }
    }
}

package org.xenolith.core.cli;

import com.google.gson.JsonObject;

import org.xenolith.core.control.ControlClient;
import org.xenolith.core.control.ControlException;
import org.xenolith.core.control.ControlFolder;
import org.xenolith.devices.terminal.InputListener;
import org.xenolith.devices.terminal.TerminalSession;

import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

import java.io.IOException;
import java.io.OutputStream;
import java.util.function.Supplier;

/** {@code vmm console GUEST}: this terminal becomes one more console of the guest. */
@Command(
        name = "console",
        header = "Attaches this terminal to a running guest's console.",
        description = {"", "Ctrl-] leaves; the guest runs on.", ""})
final class ConsoleCommand extends GuestVerb {
    @Parameters(paramLabel = "GUEST", description = "Name or id.")
    private String guest;

    private final Supplier<TerminalSession> terminal;

    ConsoleCommand(ControlFolder folder, Supplier<TerminalSession> terminal) {
        super(folder);
        this.terminal = terminal;
    }

    @Override
    void perform(RunningHosts hosts) throws IOException, ControlException {
        RunningHosts.Found found = hosts.find(guest);
        JsonObject request = RunningHosts.request("console");
        ControlClient client = found.client();
        found.ask(request);
        try (TerminalSession session = terminal.get()) {
            if (session.interactive()) {
                spec.commandLine()
                        .getErr()
                        .println("Console of " + found.name() + "; Ctrl-] leaves.");
            }
            session.start(new Keys(client));
            byte[] bytes = new byte[4096];
            for (int n = read(client, bytes); n > 0; n = read(client, bytes)) {
                session.write(bytes, 0, n);
            }
        }
    }

    /** Leaving closes the connection under the reader. */
    private static int read(ControlClient client, byte[] bytes) {
        try {
            return client.output().read(bytes);
        } catch (IOException left) {
            return -1;
        }
    }

    /** What is typed here goes to the guest. */
    private record Keys(ControlClient client) implements InputListener {
        @Override
        public void typed(byte[] bytes, int length) {
            try {
                OutputStream input = client.input();
                input.write(bytes, 0, length);
                input.flush();
            } catch (IOException gone) {
                leave();
            }
        }

        /** A pipe that ends has said what it had to say; what the guest answers is still shown. */
        @Override
        public void endOfInput() {}

        @Override
        public void leave() {
            try {
                client.close();
            } catch (IOException gone) {
                // Closed is closed.
            }
        }
    }
}

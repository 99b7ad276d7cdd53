package org.xenolith.core.cli.verb;

import com.google.gson.JsonObject;

import org.xenolith.core.cli.value.TimeSpan;
import org.xenolith.core.control.ControlClient;
import org.xenolith.core.control.ControlException;
import org.xenolith.core.control.ControlFolder;
import org.xenolith.devices.terminal.InputListener;
import org.xenolith.devices.terminal.TerminalSession;

import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

import java.io.IOException;
import java.io.OutputStream;
import java.time.Duration;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;

/** {@code vmm console GUEST}: this terminal becomes one more console of the guest. */
@Command(
        name = "console",
        header = "Attaches this terminal to a running guest's console.",
        description = {
            "",
            "Ctrl-] leaves; the guest runs on. Of a guest that has ended it shows what there is.",
            "Input that is no terminal is typed to its end; the answer is over when the guest has"
                    + " said nothing for a while.",
            ""
        },
        footer = {"", "Example:", "  echo 'sleep 5; date' | vmm console web --wait 10s"})
final class ConsoleCommand extends GuestVerb {
    @Parameters(paramLabel = "GUEST", description = "Name or id.")
    private String guest;

    @Option(
            names = "--wait",
            paramLabel = "TIME",
            defaultValue = "1s",
            converter = TimeSpan.class,
            description =
                    "Leaves when the input has ended and the guest has said nothing for so long."
                            + " Default: 1s.")
    private Duration patience;

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
        TerminalSession session = terminal.get();
        try (session) {
            if (session.interactive()) {
                spec.commandLine()
                        .getErr()
                        .println("Console of " + found.name() + "; Ctrl-] leaves.");
            }
            Keys keys = new Keys(client, patience);
            session.start(keys);
            byte[] bytes = new byte[4096];
            for (int n = read(client, bytes); n > 0; n = read(client, bytes)) {
                keys.answered();
                session.write(bytes, 0, n);
            }
        }
        tellLost(session);
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
    private static final class Keys implements InputListener {
        private final ControlClient client;
        private final Duration patience;

        /** {@link System#nanoTime} when the guest was last heard, or spoken to. */
        private volatile long heardNanos = System.nanoTime();

        Keys(ControlClient client, Duration patience) {
            this.client = client;
            this.patience = patience;
        }

        void answered() {
            heardNanos = System.nanoTime();
        }

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

        /**
         * A pipe that ends has said what it had to say, and a script waits for the answer. Xen's
         * client leaves at once, before most guests have answered.
         */
        @Override
        public void endOfInput() {
            answered();
            long silence = 0;
            while (silence < patience.toNanos()) {
                LockSupport.parkNanos(patience.toNanos() - silence);
                silence = System.nanoTime() - heardNanos;
            }
            leave();
        }

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

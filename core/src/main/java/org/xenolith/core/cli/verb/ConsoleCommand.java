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

    @Option(
            names = "--at-most",
            paramLabel = "TIME",
            defaultValue = "1m",
            converter = TimeSpan.class,
            description =
                    "Leaves so long after the input's end though the guest goes on talking, but not"
                            + " before --wait is over. Default: 1m.")
    private Duration longest;

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
        Keys keys = new Keys(client, patience, longest);
        try (session) {
            if (session.interactive()) {
                spec.commandLine()
                        .getErr()
                        .println("Console of " + found.name() + "; Ctrl-] leaves.");
            }
            session.start(keys);
            byte[] bytes = new byte[4096];
            for (int n = read(client, bytes); n > 0; n = read(client, bytes)) {
                keys.answered();
                session.write(bytes, 0, n);
            }
        }
        if (keys.hasLeftTalking) {
            spec.commandLine()
                    .getErr()
                    .println("vmm: " + found.name() + " goes on talking: --at-most is over.");
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
        private final Duration longest;

        /** The input has ended long ago, and the guest has not fallen silent. */
        private volatile boolean hasLeftTalking;

        /** {@link System#nanoTime} when the guest was last heard, or spoken to. */
        private volatile long heardNanos = System.nanoTime();

        Keys(ControlClient client, Duration patience, Duration longest) {
            this.client = client;
            this.patience = patience;
            this.longest = longest.compareTo(patience) < 0 ? patience : longest;
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
         * client leaves at once, before most guests have answered. A guest that writes a log to its
         * console never falls silent.
         */
        @Override
        public void endOfInput() {
            answered();
            long ended = System.nanoTime();
            long silence = 0;
            long left = longest.toNanos();
            while (silence < patience.toNanos() && left > 0) {
                LockSupport.parkNanos(Math.min(patience.toNanos() - silence, left));
                long now = System.nanoTime();
                silence = now - heardNanos;
                left = longest.toNanos() - (now - ended);
            }
            hasLeftTalking = silence < patience.toNanos();
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

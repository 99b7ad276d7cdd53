package org.xenolith.core.cli;

import static java.nio.charset.StandardCharsets.US_ASCII;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;
import org.xenolith.core.boot.BootOptions;
import org.xenolith.core.boot.Machine;
import org.xenolith.core.boot.Outcome;
import org.xenolith.core.boot.Restorer;
import org.xenolith.core.cli.output.StatusLine;
import org.xenolith.core.control.ControlFolder;
import org.xenolith.devices.terminal.TerminalSession;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;

/** A {@code vmm} that boots nothing: tests see what it would, and say what comes of it. */
abstract class FakeVmm {
    final List<BootOptions> booted = new ArrayList<>();
    final Deque<Outcome.Ending> endings = new ArrayDeque<>();
    Duration delay = Duration.ZERO;
    final ByteArrayOutputStream console = new ByteArrayOutputStream();
    OutputStream terminal = console;
    final StringWriter out = new StringWriter();
    final StringWriter err = new StringWriter();
    boolean debug;
    Machine machine =
            (options, io, restarts) -> {
                booted.add(options);
                io.write("hello\n".getBytes(US_ASCII), 0, 6);
                Outcome.Ending ending =
                        endings.isEmpty() ? new Outcome.PoweredOff() : endings.remove();
                while (!endings.isEmpty()) {
                    restarts.startsAgain(ending, delay);
                    ending = endings.remove();
                }
                return new Outcome(ending, options.statistics() ? "7 instructions" : "");
            };

    final List<String> restored = new ArrayList<>();
    Restorer restorer =
            (file, options, io, restarts) -> {
                restored.add(file + " " + options);
                return new Outcome(
                        endings.isEmpty() ? new Outcome.PoweredOff() : endings.remove(), "");
            };

    @TempDir Path folder;
    Path kernel;
    Path initrd;

    @BeforeEach
    void makeFiles() throws IOException {
        kernel = Files.writeString(folder.resolve("vmlinuz"), "\177ELF kernel");
        initrd = Files.writeString(folder.resolve("initrd.img"), "initrd");
    }

    int vmm(String... arguments) {
        Services services =
                new Services(
                        (options, io, restarts) -> machine.boot(options, io, restarts),
                        (file, options, io, restarts) ->
                                restorer.restore(file, options, io, restarts),
                        new TwoGuests(),
                        file ->
                                new Services.Inspection(
                                        Files.size(file) + " bytes\n", file.equals(kernel)),
                        () -> TerminalSession.on(InputStream.nullInputStream(), terminal),
                        ControlFolder.in(folder.resolve("sockets")),
                        false);
        return new Vmm(services, new PrintWriter(out, true), new PrintWriter(err, true), debug)
                .run(arguments);
    }

    private static final class TwoGuests implements KnownGuests {
        @Override
        public List<String> names() {
            return List.of("guest", "debian");
        }

        @Override
        public Files prepare(String name, boolean latest, StatusLine status) {
            if (name.equals("guest")) {
                return new Files(Path.of("guest.elf"), Optional.empty(), "own");
            }
            if (name.equals("debian")) {
                status.step(latest ? "Looking for news" : "Packing");
                status.progress(1, 2);
                return new Files(
                        Path.of("debian.vmlinuz"),
                        Optional.of(Path.of("debian.cpio")),
                        "debian defaults");
            }
            throw new AssertionError(name);
        }

        @Override
        public Files prepareForRoot(StatusLine status) {
            return new Files(
                    Path.of("debian.vmlinuz"), Optional.of(Path.of("hand-over.cpio")), "root");
        }
    }
}

package org.xenolith.core.machine;

import static org.assertj.core.api.Assertions.assertThat;

import org.xenolith.core.boot.BootOptions;
import org.xenolith.core.boot.Outcome;
import org.xenolith.core.image.Initramfs;
import org.xenolith.core.image.debian.BootInput;
import org.xenolith.core.image.debian.DebianImage;
import org.xenolith.core.image.debian.DebianInput;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/** Somebody at the keyboard of a Debian guest, which runs in live time. */
final class DebianSession implements AutoCloseable {
    private static final Duration PATIENCE = Duration.ofSeconds(110);
    private static final String INTERRUPT = "\3"; // Ctrl-C

    private final GuestConsole console = new GuestConsole();
    private final ExecutorService thread = Executors.newSingleThreadExecutor();
    private final Future<Outcome> end;

    private DebianSession(BootOptions options) {
        end = thread.submit(() -> run(options));
    }

    private Outcome run(BootOptions options) throws IOException {
        try {
            return new VmmMachine().boot(options, console);
        } finally {
            console.end();
        }
    }

    /** Boots to the shell; skips the test where there is no kernel. */
    static DebianSession boot(int vcpus) throws Exception {
        BootInput input = DebianInput.orSkip();
        return boot(input, input.initrd(), vcpus);
    }

    /** As {@link #boot(int)}, with more files in the guest. */
    static DebianSession boot(int vcpus, Initramfs files, Path folder) throws Exception {
        BootInput input = DebianInput.orSkip();
        Path initrd = folder.resolve("initrd-with-files");
        files.appendTo(input.initrd(), initrd);
        return boot(input, initrd, vcpus);
    }

    /** Starts a guest that has something to say, and to be asked, before there is a shell. */
    static DebianSession start(BootOptions options) {
        return new DebianSession(options);
    }

    /** Waits until a text is on the console, from the guest's start on. */
    void await(String text) throws Exception {
        await(text, 0);
    }

    /** As {@link #await(String)}, for what takes longer than a boot. */
    void await(String text, Duration patience) throws Exception {
        await(text, 0, patience);
    }

    void type(String text) throws InterruptedException {
        console.type(text);
    }

    /** Waits until the guest ends by itself. */
    Outcome end() throws InterruptedException, ExecutionException {
        return end.get();
    }

    private static DebianSession boot(BootInput input, Path initrd, int vcpus) throws Exception {
        DebianSession session =
                new DebianSession(
                        BootFixture.options(
                                input.kernel(),
                                initrd,
                                input.defaultCommandLine(),
                                256 * BootFixture.MIB,
                                vcpus,
                                false));
        session.await(DebianImage.PROMPT, 0);
        // Messages of the kernel stay in its log instead of standing among what programs print.
        session.run("dmesg -n 1");
        return session;
    }

    private void await(String text, long position) throws Exception {
        await(text, position, PATIENCE);
    }

    private void await(String text, long position, Duration patience) throws Exception {
        boolean shown = console.awaitText(text, position, patience);
        if (!shown && console.isEnded()) {
            // It is about to end if it has not yet; an exception says more than the console.
            assertThat(end.get()).as("end before '%s': %s", text, console.text()).isNull();
        }
        assertThat(shown).as("'%s' on the console, which shows: %s", text, console.text()).isTrue();
    }

    /**
     * Types a command of at most one line of the terminal.
     *
     * @return what it printed, lines ended by line feeds alone
     */
    String run(String command) throws Exception {
        return outputOf(command, "");
    }

    /** As {@link #run}, but Ctrl-C is typed when the command has printed a text. */
    String runAndInterrupt(String command, String text) throws Exception {
        return outputOf(command, text);
    }

    private String outputOf(String command, String interruptAt) throws Exception {
        long start = console.position();
        console.type(command + "\n");
        if (!interruptAt.isEmpty()) {
            await("\n" + interruptAt, start);
            console.type(INTERRUPT);
        }
        await(DebianImage.PROMPT, start);
        String shown = console.textFrom(start).replace("\r\n", "\n");
        int output = shown.indexOf('\n') + 1; // behind the echo of what was typed
        return shown.substring(output, shown.lastIndexOf(DebianImage.PROMPT));
    }

    String text() {
        return console.text();
    }

    Outcome powerOff() throws InterruptedException, ExecutionException {
        console.type("poweroff -f\n");
        return end.get();
    }

    /** Powers off, if need be, and waits. */
    @Override
    public void close() throws Exception {
        if (!end.isDone()) {
            powerOff();
        }
        thread.close();
    }
}

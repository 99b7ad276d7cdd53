package org.xenolith.core.machine;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.xenolith.core.boot.BootOptions;
import org.xenolith.core.boot.Outcome;
import org.xenolith.core.image.Initramfs;
import org.xenolith.core.image.debian.HearthImage;
import org.xenolith.core.image.debian.HearthInput;
import org.xenolith.guests.GuestImages;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/** hearth runs Debian's BusyBox, from its first prompt to the end. */
class HearthBootTest {
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final String CTRL_C = "\u0003";
    private static final String CTRL_D = "\u0004";

    @TempDir Path folder;

    private final GuestConsole console = new GuestConsole();
    private final ExecutorService threads = Executors.newSingleThreadExecutor();
    private Future<Outcome> run;

    private void boot(long mebibytes, int vcpus, String commandLine) throws Exception {
        boot(mebibytes, vcpus, commandLine, HearthInput.orSkip());
    }

    private void boot(long mebibytes, int vcpus, String commandLine, Path initrd) throws Exception {
        Path kernel = folder.resolve(GuestImages.HEARTH);
        Files.write(kernel, GuestImages.read(GuestImages.HEARTH));
        BootOptions options =
                BootFixture.options(
                        kernel, initrd, commandLine, mebibytes * BootFixture.MIB, vcpus, false);
        run = threads.submit(() -> new VmmMachine().boot(options, console));
    }

    private void bootToPrompt(int vcpus) throws Exception {
        boot(16, vcpus, "");
        awaitPrompt(0);
        shell("stty columns 999"); // the shell's echo of what is typed shall be one line
    }

    private void awaitPrompt(long position) throws InterruptedException {
        assertThat(console.awaitText(HearthImage.PROMPT, position, PATIENCE))
                .as(console::text)
                .isTrue();
    }

    /** Types a command; what it prints, up to the next prompt. */
    private String shell(String command) throws InterruptedException {
        long start = console.position();
        console.type(command + "\r");
        awaitPrompt(start);
        String output = console.textFrom(start);
        return output.substring(output.indexOf("\r\n") + 2, output.lastIndexOf(HearthImage.PROMPT))
                .replace("\r", "");
    }

    private void powerOff() throws Exception {
        console.type("poweroff\r");
        assertThat(run.get().ending()).isInstanceOf(Outcome.PoweredOff.class);
    }

    @AfterEach
    void stop() {
        threads.shutdownNow();
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    void pipesScriptsAndProcessesWork(int vcpus) throws Exception {
        bootToPrompt(vcpus);
        assertThat(shell("seq 1 1000 | grep 7 | wc -l")).isEqualTo("271\n");
        assertThat(shell("echo $((6 * 7)) > f; cat f f")).isEqualTo("42\n42\n");
        assertThat(shell("ls /")).contains("bin", "dev", "init", "proc");
        assertThat(shell("ps")).contains("[net]").contains("sh -l");
        assertThat(
                        shell(
                                "printf '#!/bin/sh\\n"
                                        + "for i in a b; do echo $i$1; done\\n"
                                        + "' > s; chmod +x s"))
                .isEmpty();
        assertThat(shell("./s x")).isEqualTo("ax\nbx\n");
        assertThat(shell("nosuchprogram; echo status $?")).contains("status 127");
        assertThat(shell("grep processor /proc/cpuinfo | wc -l")).isEqualTo(vcpus + "\n");
        powerOff();
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    void aStormOfForksLeavesNoPageBehind(int vcpus) throws Exception {
        bootToPrompt(vcpus);
        String storm = "f() { [ $1 = 0 ] || { f $(($1 - 1)) & f $(($1 - 1)) & wait; }; }; f 4";
        String free = "grep MemFree /proc/meminfo";
        shell("set +m");
        shell(storm);
        long before = number(shell(free));
        shell(storm);
        shell(storm);
        // Memory for small objects is kept by the page; processes are given back whole.
        assertThat(number(shell(free))).isGreaterThan(before - 64);
        powerOff();
    }

    private static long number(String text) {
        return Long.parseLong(text.replaceAll("[^0-9]", ""));
    }

    /** The usual RAM disk with a C program from beside the tests added. */
    private Path initrdWith(String name) throws Exception {
        HostProgram program = HostProgram.orSkip(folder, name);
        Path initrd = folder.resolve("initrd");
        new Initramfs()
                .file("bin/" + name, 0755, program.bytes())
                .appendTo(HearthInput.orSkip(), initrd);
        return initrd;
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    void aProgramFindsWhatItExpectsOfLinux(int vcpus) throws Exception {
        Path initrd = initrdWith("linux-process");
        boot(20, vcpus, "run=\"linux-process one 'two words'\"", initrd);
        assertThat(run.get().ending()).isInstanceOf(Outcome.PoweredOff.class);
        assertThat(console.text()).contains("as on Linux").contains("ended with status 0");
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    @Tag("proof")
    void programsThatMakeWildCallsEndAndTheKernelGoesOn(int vcpus) throws Exception {
        long seed = System.nanoTime() % 100_000;
        boot(32, vcpus, "run=\"wild-calls 100 " + seed + "\"", initrdWith("wild-calls"));
        assertThat(run.get().ending())
                .as("seed %d: %s", seed, console.text())
                .isInstanceOf(Outcome.PoweredOff.class);
        assertThat(console.text())
                .as("seed %d", seed)
                .contains("100 children made wild calls")
                .contains("ended with status 0");
    }

    @Test
    void withoutAnInitialRamDiskItHasAShellOfItsOwn() throws Exception {
        boot(8, 1, "", null);
        assertThat(console.awaitText("hearth> ", PATIENCE)).as(console::text).isTrue();
        console.type("help\rcat /proc/uptime\rpoweroff\r");
        assertThat(run.get().ending()).isInstanceOf(Outcome.PoweredOff.class);
        assertThat(console.text()).contains("this list");
    }

    @Test
    void whatAChildWritesItsParentDoesNotSee() throws Exception {
        bootToPrompt(1);
        assertThat(shell("x=parent; (x=child; echo $x); echo $x")).isEqualTo("child\nparent\n");
        powerOff();
    }

    @Test
    void ctrlCEndsWhatRunsInFrontAndTheShellGoesOn() throws Exception {
        bootToPrompt(1);
        long start = console.position();
        console.type("echo ready; while :; do :; done\r");
        assertThat(console.awaitText("\nready", start, PATIENCE)).isTrue();
        interrupt();
        start = console.position();
        console.type("echo again; sleep 1000\r");
        assertThat(console.awaitText("\nagain", start, PATIENCE)).isTrue();
        interrupt();
        assertThat(shell("trap 'echo caught' TERM; kill $$; echo alive")).contains("caught\nalive");
        powerOff();
    }

    /** Waits for the prompt that follows, which may come before typing has returned. */
    private void interrupt() throws InterruptedException {
        long start = console.position();
        console.type(CTRL_C);
        awaitPrompt(start);
    }

    @Test
    void theEndOfInputEndsTheShellAndWithItTheDomain() throws Exception {
        bootToPrompt(1);
        console.type(CTRL_D);
        assertThat(run.get().ending()).isInstanceOf(Outcome.PoweredOff.class);
    }

    @Test
    void aCommandOfTheCommandLineRunsInEightMebibytes() throws Exception {
        boot(8, 1, "run=\"free | head -2; uname -n\" hostname=eight");
        assertThat(run.get().ending()).isInstanceOf(Outcome.PoweredOff.class);
        assertThat(console.text()).contains("\neight\r\n").contains("ended with status 0");
    }

    @Test
    void theFirstProcessIsNotKilledByMistake() throws Exception {
        bootToPrompt(1);
        assertThat(shell("kill -9 1; echo alive")).isEqualTo("alive\n");
        powerOff();
    }

    @Test
    void rebootIsToldApartFromPowerOff() throws Exception {
        bootToPrompt(1);
        console.type("reboot\r");
        assertThat(run.get().ending()).isInstanceOf(Outcome.Rebooted.class);
    }
}

package org.xenolith.core.machine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.xenolith.core.boot.BootFailed;
import org.xenolith.core.boot.BootOptions;
import org.xenolith.core.boot.EventActions;
import org.xenolith.core.boot.Outcome;
import org.xenolith.core.boot.RestoreOptions;
import org.xenolith.core.config.GuestConfig.Action;
import org.xenolith.core.image.debian.HearthImage;
import org.xenolith.core.image.debian.HearthInput;
import org.xenolith.core.saved.SavedGuest;
import org.xenolith.core.snapshot.DomainSnapshot;
import org.xenolith.cpu.translate.Tier;
import org.xenolith.guests.GuestImages;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/** A guest that was restored starts anew as the one that was saved would have. */
@Timeout(90)
class RestoredRebootBootTest {
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final String LANTERN_PROMPT = "lantern> ";

    @TempDir Path folder;

    private final GuestConsole console = new GuestConsole();
    private final List<Outcome.Ending> endings = Collections.synchronizedList(new ArrayList<>());
    private final ExecutorService threads = Executors.newSingleThreadExecutor();

    @AfterEach
    void stop() {
        threads.shutdownNow();
    }

    private static void expect(GuestConsole console, String text, long position)
            throws InterruptedException {
        assertThat(console.awaitText(text, position, PATIENCE)).as(console::text).isTrue();
    }

    /** Boots a guest to its prompt and saves it. */
    private Path saved(BootOptions options, String prompt) throws Exception {
        Path file = folder.resolve("saved");
        GuestConsole before = new GuestConsole();
        try (Host host = Host.start(64 * BootFixture.MIB, 1);
                Guest guest = host.create(options, before)) {
            guest.start();
            expect(before, prompt, 0);
            guest.saveAndEnd(file);
        }
        return file;
    }

    private BootOptions.Builder lantern() {
        return BootFixture.options(
                BootFixture.lantern(folder), null, "", 8 * BootFixture.MIB, 1, false)
                .toBuilder();
    }

    private Future<Outcome> restore(Path file, boolean noReboot) {
        RestoreOptions how =
                new RestoreOptions(false, Optional.of(PATIENCE), false, Tier.standard(), noReboot);
        return threads.submit(
                () ->
                        new VmmMachine()
                                .restore(file, how, console, (ending, _) -> endings.add(ending)));
    }

    private void type(String line, String answer) throws InterruptedException {
        long position = console.position();
        console.type(line + "\r");
        expect(console, answer, position + line.length());
    }

    @Test
    void restoredGuestRebootsWithItsKernelItsArgumentsAndItsProcessors() throws Exception {
        Path kernel = folder.resolve(GuestImages.HEARTH);
        Files.write(kernel, GuestImages.read(GuestImages.HEARTH));
        BootOptions hearth =
                BootFixture.options(
                        kernel, HearthInput.orSkip(), "told=so", 16 * BootFixture.MIB, 2, false);
        Path file = saved(hearth, HearthImage.PROMPT);

        Future<Outcome> end = restore(file, false);
        type("echo $((6 * 7))", "\n42\r\n" + HearthImage.PROMPT);
        type("reboot", HearthImage.PROMPT);
        assertThat(endings).containsExactly(new Outcome.Rebooted());
        type("cat /proc/cmdline", "told=so");
        type("echo cpus $(grep -c processor /proc/cpuinfo)", "\ncpus 2\r\n");
        console.type("poweroff\r");
        assertThat(end.get().ending()).isEqualTo(new Outcome.PoweredOff());
    }

    @Test
    void guestThatIsSavedOnceMoreAfterItsRestoreRebootsToo() throws Exception {
        Path first = saved(lantern().commandLine("run=echo fresh").build(), LANTERN_PROMPT);
        Path second = folder.resolve("again");
        GuestConsole before = new GuestConsole();
        try (Host host = Host.start(64 * BootFixture.MIB, 1);
                Guest guest = host.restore(first, asSaved(first), before)) {
            guest.start();
            before.type("echo on\n");
            expect(before, LANTERN_PROMPT, 0);
            guest.saveAndEnd(second);
        }
        Future<Outcome> end = restore(second, false);
        console.type("reboot\n");
        expect(console, "fresh", 0);
        expect(console, LANTERN_PROMPT, 0);
        console.type("poweroff\n");
        assertThat(end.get().ending()).isEqualTo(new Outcome.PoweredOff());
    }

    private static BootOptions asSaved(Path file) throws Exception {
        DomainSnapshot snapshot = DomainSnapshot.open(file);
        RestoreOptions how =
                new RestoreOptions(false, Optional.of(PATIENCE), false, Tier.standard());
        return SavedGuest.parse(snapshot.configuration()).options(snapshot.description(), how);
    }

    @Test
    void guestWhoseKernelIsGoneSaysSoWhenItReboots() throws Exception {
        BootOptions options = lantern().build();
        Path file = saved(options, LANTERN_PROMPT);
        Files.delete(options.kernel());

        Future<Outcome> end = restore(file, false);
        type("echo still", "\nstill");
        console.type("reboot\n");
        assertThatThrownBy(end::get)
                .cause()
                .isInstanceOf(BootFailed.class)
                .hasMessage(
                        "The guest rebooted and cannot be started again: %s: there is no such file"
                                .formatted(options.kernel()));
    }

    @Test
    void guestOfAFileThatDoesNotSayWhatItBootsGoesOnUntilItReboots() throws Exception {
        Path file = saved(lantern().build(), LANTERN_PROMPT);
        Path old = folder.resolve("old");
        try (Host host = Host.start(64 * BootFixture.MIB, 1);
                Guest guest =
                        host.restore(
                                file,
                                lantern().kernel(BootOptions.UNKNOWN_KERNEL).build(),
                                new GuestConsole())) {
            guest.startPaused();
            guest.saveAndEnd(old);
        }
        Future<Outcome> end = restore(old, false);
        type("echo still", "\nstill");
        console.type("reboot\n");
        assertThatThrownBy(end::get)
                .cause()
                .isInstanceOf(BootFailed.class)
                .hasMessage(
                        "The guest rebooted and cannot be started again: the file that it was"
                                + " restored from does not say what it boots");
        assertThat(endings).isEmpty();
    }

    @Test
    void rebootIsTheEndForWhoeverWantsItSo() throws Exception {
        Path file = saved(lantern().build(), LANTERN_PROMPT);
        Future<Outcome> end = restore(file, true);
        console.type("reboot\n");
        assertThat(end.get().ending()).isEqualTo(new Outcome.Rebooted());
        assertThat(endings).isEmpty();
    }

    @Test
    void whatItsOwnerWantedOfACrashAndARebootIsInTheFile() throws Exception {
        EventActions actions = new EventActions(Action.DESTROY, Action.DESTROY, Action.RESTART);
        Path file = saved(lantern().actions(actions).build(), LANTERN_PROMPT);
        Future<Outcome> end = restore(file, false);
        console.type("crash ud\n");
        expect(console, LANTERN_PROMPT, 0);
        assertThat(endings).singleElement().isInstanceOf(Outcome.Crashed.class);
        console.type("reboot\n");
        assertThat(end.get().ending()).isEqualTo(new Outcome.Rebooted());
    }
}

package org.xenolith.core.machine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.xenolith.core.boot.BootFailed;
import org.xenolith.core.boot.BootOptions;
import org.xenolith.core.boot.Outcome;
import org.xenolith.core.domain.DomainSuspend;
import org.xenolith.core.image.debian.BootInput;
import org.xenolith.core.image.debian.DebianImage;
import org.xenolith.core.image.debian.DebianInput;
import org.xenolith.core.snapshot.DomainSnapshot;
import org.xenolith.core.snapshot.SnapshotException;
import org.xenolith.core.statistics.RamHash;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.zip.CRC32C;

/** A guest saved anywhere and restored elsewhere goes on to the same end. */
@Timeout(value = 5, unit = TimeUnit.MINUTES)
class SnapshotBootTest {
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final long MEMORY = 8 * BootFixture.MIB;
    private static final String COMMANDS =
            "run=mem;xenstore;sleep 30;hypercall 100;spin 2;events;sleep 5;poweroff";
    private static final int SAVES = 24;

    @TempDir Path folder;

    /** How a run ended: all that two equal runs have in common. */
    private record End(long instructions, long ramHash, String console) {}

    private BootOptions lantern(String commandLine, boolean virtual) {
        return BootFixture.options(
                BootFixture.lantern(folder), null, commandLine, MEMORY, 1, virtual);
    }

    private static End end(Guest guest, String console) {
        Outcome outcome = guest.await(Optional.of(PATIENCE));
        assertThat(outcome.ending()).isInstanceOf(Outcome.PoweredOff.class);
        return new End(guest.domain().retired(), RamHash.of(guest.domain().frames()), console);
    }

    private static End undisturbed(BootOptions options) throws IOException {
        try (Host host = Host.start(1L << 30, 1)) {
            GuestConsole console = new GuestConsole();
            Guest guest = host.create(options, console);
            guest.start();
            End end = end(guest, "");
            return new End(end.instructions, end.ramHash, console.text());
        }
    }

    /** Saves at a number of instructions and ends the guest there. */
    private static String runAndSave(BootOptions options, long instructions, Path file)
            throws Exception {
        try (Host host = Host.start(1L << 30, 1)) {
            GuestConsole console = new GuestConsole();
            Guest guest = host.create(options, console);
            var stands = guest.pauseAt(instructions);
            guest.start();
            assertThat(stands.await(60, TimeUnit.SECONDS)).isTrue();
            guest.save(file);
            return console.text();
        }
    }

    private static End restoreAndRun(BootOptions options, Path file, String consoleBefore)
            throws IOException {
        try (Host host = Host.start(1L << 30, 1)) {
            GuestConsole console = new GuestConsole();
            Guest guest = host.restore(file, options, console);
            guest.start();
            End end = end(guest, "");
            return new End(end.instructions, end.ramHash, consoleBefore + console.text());
        }
    }

    private void savedAnywhereEndsAlike(BootOptions options, int saves) throws Exception {
        long seed = Long.getLong("xenolith.seed", System.nanoTime());
        System.out.println("snapshots with -Dxenolith.seed=" + seed);
        Random random = new Random(seed);
        End whole = undisturbed(options);
        Path file = folder.resolve("saved");
        for (int i = 0; i < saves; i++) {
            long at = random.nextLong(whole.instructions * 99 / 100);
            String before = runAndSave(options, at, file);
            assertThat(restoreAndRun(options, file, before))
                    .as("saved at %d, seed %d", at, seed)
                    .isEqualTo(whole);
        }
    }

    @Test
    void lanternSavedAtAnyPollPointEndsWithTheSameInstructionCountAndMemory() throws Exception {
        savedAnywhereEndsAlike(lantern(COMMANDS, true), SAVES);
    }

    @Test
    @Tag("proof")
    void debianSavedAtAnyPollPointEndsWithTheSameInstructionCountAndMemory() throws Exception {
        BootInput input = DebianInput.orSkip();
        for (int vcpus : new int[] {1, 2}) {
            BootOptions options =
                    BootFixture.options(
                            input.kernel(),
                            input.initrd(),
                            input.defaultCommandLine() + " run=true",
                            128 * BootFixture.MIB,
                            vcpus,
                            true);
            savedAnywhereEndsAlike(options, 5);
        }
    }

    @Test
    void savedGuestGoesOnAsIfNothingHadBeen() throws Exception {
        BootOptions options = lantern(COMMANDS, true);
        End whole = undisturbed(options);
        try (Host host = Host.start(1L << 30, 1)) {
            GuestConsole console = new GuestConsole();
            Guest guest = host.create(options, console);
            var stands = guest.pauseAt(whole.instructions / 2);
            guest.start();
            assertThat(stands.await(60, TimeUnit.SECONDS)).isTrue();
            guest.save(folder.resolve("checkpoint"));
            guest.unpause();
            End end = end(guest, "");
            assertThat(new End(end.instructions, end.ramHash, console.text())).isEqualTo(whole);
        }
    }

    /** It can be found, and paused, before it is told to start. */
    @Test
    void pauseOfAGuestThatDoesNotRunYetOutlivesItsStart() throws Exception {
        BootOptions options = lantern(COMMANDS, true);
        Path file = folder.resolve("saved");
        runAndSave(options, 100_000, file);
        try (Host host = Host.start(1L << 30, 1);
                Guest restored = host.restore(file, options, new GuestConsole())) {
            restored.pause();
            restored.start();
            assertStandsUntilUnpaused(restored);
        }
        try (Host host = Host.start(1L << 30, 1);
                Guest booted = host.create(options, new GuestConsole())) {
            booted.pause();
            booted.start();
            assertStandsUntilUnpaused(booted);
        }
    }

    @Test
    void pauseOfAGuestThatWasSavedInItsSuspendOutlivesItsStart() throws Exception {
        BootOptions options = lantern(COMMANDS, true);
        Path file = folder.resolve("saved");
        runAndSave(options, 100_000, file);
        try (Host host = Host.start(1L << 30, 1);
                Guest restored = host.restore(file, options, new GuestConsole())) {
            restored.domain().suspending().restore(Optional.of(new DomainSuspend.Suspension(0, 0)));
            restored.pause();
            restored.startAsItWas();
            assertThat(restored.isSuspended()).isFalse();
            assertStandsUntilUnpaused(restored);
        }
    }

    private static void assertStandsUntilUnpaused(Guest guest) {
        assertThat(guest.isPaused()).isTrue();
        long retired = guest.domain().retired();
        guest.whileStill(() -> true); // nor does a look set it going
        assertThat(guest.isPaused()).isTrue();
        assertThat(guest.domain().retired()).isEqualTo(retired);
        guest.unpause();
        assertThat(guest.await(Optional.of(PATIENCE)).ending())
                .isInstanceOf(Outcome.PoweredOff.class);
    }

    @Test
    void copyRunsBesideItsOriginalUnderAnotherId() throws Exception {
        try (Host host = Host.start(1L << 30, 2)) {
            GuestConsole console = new GuestConsole();
            Guest guest = host.create(lantern("", false), console);
            guest.start();
            assertThat(console.awaitText("lantern> ", PATIENCE)).isTrue();
            Path file = folder.resolve("live");
            guest.save(file);
            GuestConsole copyConsole = new GuestConsole();
            Guest copy = host.restore(file, lantern("", false), copyConsole);
            copy.start();
            assertThat(copy.id()).isNotEqualTo(guest.id());
            // In this order: what passes between the two looks makes the original no younger.
            long ofCopy = copy.domain().clock().systemTimeNanos(0);
            assertThat(ofCopy).isPositive().isLessThan(guest.domain().clock().systemTimeNanos(0));
            copyConsole.type("echo copied; xenstore name; time\n");
            assertThat(copyConsole.awaitText("\ncopied", PATIENCE)).isTrue();
            console.type("echo original\n");
            assertThat(console.awaitText("\noriginal", PATIENCE)).isTrue();
            assertThat(console.text()).doesNotContain("\ncopied");
            assertThat(host.store().list("/local/domain"))
                    .contains("" + guest.id(), "" + copy.id());
            copyConsole.type("poweroff\n");
            assertThat(copy.await(Optional.of(PATIENCE)).ending())
                    .isInstanceOf(Outcome.PoweredOff.class);
        }
    }

    // ---- suspends that the guest knows of

    private static void runs(GuestConsole console, String command, String expected)
            throws InterruptedException {
        console.type(command + "\n");
        assertThat(console.awaitText("\n" + expected, PATIENCE))
                .as("console: %s", console.text())
                .isTrue();
    }

    private static BootOptions debian(BootInput input, int vcpus) {
        return BootFixture.debian(input, "", 128 * BootFixture.MIB, vcpus);
    }

    @Test
    void debianSuspendsItselfAndGoesOnWhenThatIsCancelled() throws Exception {
        BootInput input = DebianInput.orSkip();
        try (Host host = Host.start(1L << 30, 2)) {
            GuestConsole console = new GuestConsole();
            Guest guest = host.create(debian(input, 2), console);
            guest.start();
            assertThat(console.awaitText(DebianImage.PROMPT, PATIENCE)).isTrue();
            for (int i = 1; i <= 2; i++) {
                assertThat(guest.suspend(PATIENCE)).isTrue();
                long retired = guest.domain().retired();
                guest.save(folder.resolve("suspended"));
                assertThat(guest.domain().retired()).isEqualTo(retired);
                guest.cancelSuspend();
                runs(console, "echo on$((" + i + "*11))", "on" + i * 11);
            }
            assertThat(console.text()).doesNotContain("Call Trace");
        }
    }

    @Test
    void debianRestoredAfterItsSuspendBindsEverythingAnew() throws Exception {
        BootInput input = DebianInput.orSkip();
        Path file = folder.resolve("suspended");
        try (Host host = Host.start(1L << 30, 2)) {
            GuestConsole console = new GuestConsole();
            Guest guest = host.create(debian(input, 2), console);
            guest.start();
            assertThat(console.awaitText(DebianImage.PROMPT, PATIENCE)).isTrue();
            runs(console, "kept=mem$((40+2)); echo $kept", "mem42");
            assertThat(guest.suspend(PATIENCE)).isTrue();
            guest.save(file);
        }
        try (Host host = Host.start(1L << 30, 2)) {
            GuestConsole console = new GuestConsole();
            Guest guest = host.restore(file, debian(input, 2), console);
            guest.start();
            assertThat(guest.isSuspended()).isTrue();
            guest.resumeFresh();
            runs(console, "echo again $kept", "again mem42");
            runs(console, "taskset 2 true; sleep 1; echo cpus $(nproc)", "cpus 2");
            // The watch on control/shutdown is one of the things bound anew.
            assertThat(guest.suspend(PATIENCE)).as("console: %s", console.text()).isTrue();
            guest.resumeFresh();
            runs(console, "echo third $kept", "third mem42");
            assertThat(console.text()).doesNotContain("Call Trace");
        }
    }

    // ---- files that are no snapshots

    private Path sound() throws Exception {
        Path file = folder.resolve("sound");
        runAndSave(lantern(COMMANDS, true), 1_000_000, file);
        return file;
    }

    private void isRefused(byte[] content, String how) throws IOException {
        Path file = Files.write(folder.resolve("bad"), content);
        try (Host host = Host.start(1L << 30, 1)) {
            long free = host.pool().freeFrames();
            assertThatThrownBy(() -> host.restore(file, lantern("", true), new GuestConsole()), how)
                    .isInstanceOf(SnapshotException.class)
                    .message()
                    .as(how)
                    .doesNotContain("\n")
                    .doesNotContain("Exception")
                    .isNotEmpty();
            assertThat(host.guests()).isEmpty();
            assertThat(host.store().list("/local/domain")).doesNotContain("1");
            assertThat(host.pool().freeFrames()).as(how).isEqualTo(free);
        }
    }

    @Test
    void truncatedSnapshotIsRefusedWhereverItIsCut() throws Exception {
        byte[] whole = Files.readAllBytes(sound());
        Random random = new Random(1);
        isRefused(new byte[0], "empty");
        for (int i = 0; i < 20; i++) {
            int length = i < 5 ? i * 4 + 3 : random.nextInt(whole.length);
            isRefused(Arrays.copyOf(whole, length), "cut at " + length);
        }
        isRefused(Arrays.copyOf(whole, whole.length + 1), "a byte more");
    }

    @Test
    void snapshotWithAnyBitTurnedIsRefused() throws Exception {
        byte[] whole = Files.readAllBytes(sound());
        Random random = new Random(2);
        for (int i = 0; i < 40; i++) {
            byte[] turned = whole.clone();
            int at = i < 12 ? i : random.nextInt(whole.length);
            turned[at] ^= (byte) (1 << random.nextInt(8));
            isRefused(turned, "bit turned in byte " + at);
        }
    }

    /** Where sections of a file begin, and how long their payloads are. */
    private static List<int[]> sections(byte[] file) {
        ByteBuffer in = ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN);
        List<int[]> sections = new ArrayList<>();
        for (int at = 16; at < file.length; ) {
            int length = in.getInt(at + 4);
            sections.add(new int[] {at, length});
            at += 8 + length + 4;
        }
        return sections;
    }

    /** Changes bytes of a section and makes its checksum right again. */
    private static byte[] forged(byte[] whole, int[] section, Random random) {
        byte[] file = whole.clone();
        for (int i = 1 + random.nextInt(3); i > 0; i--) {
            int at = section[0] + 8 + random.nextInt(section[1]);
            file[at] = (byte) (random.nextBoolean() ? random.nextInt() : file[at] ^ 1);
        }
        CRC32C crc = new CRC32C();
        crc.update(file, section[0], 8 + section[1]);
        ByteBuffer.wrap(file)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putInt(section[0] + 8 + section[1], (int) crc.getValue());
        return file;
    }

    @Test
    void forgedSnapshotIsRefusedOrHarmsNobodyButItsOwnGuest() throws Exception {
        byte[] whole = Files.readAllBytes(sound());
        List<int[]> sections = sections(whole).stream().filter(section -> section[1] > 0).toList();
        long seed = Long.getLong("xenolith.seed", System.nanoTime());
        System.out.println("forged snapshots with -Dxenolith.seed=" + seed);
        Random random = new Random(seed);
        int refused = 0;
        try (Host host = Host.start(1L << 30, 2)) {
            GuestConsole console = new GuestConsole();
            Guest neighbour = host.create(lantern("", false), console);
            neighbour.start();
            assertThat(console.awaitText("lantern> ", PATIENCE)).isTrue();
            long free = host.pool().freeFrames();
            for (int i = 0; i < 150; i++) {
                int[] section = sections.get(i % sections.size());
                Path file = folder.resolve("forged");
                Files.write(file, forged(whole, section, random));
                try (Guest guest = host.restore(file, lantern("", true), new GuestConsole())) {
                    guest.start();
                    guest.await(Optional.of(Duration.ofMillis(20)));
                    assertThat(guest.domain().ending().crash())
                            .as("forgery %d, seed %d", i, seed)
                            .doesNotContain("defect of the VMM");
                } catch (SnapshotException | BootFailed refusal) {
                    assertThat(refusal.getMessage()).doesNotContain("\n");
                    refused++;
                }
                assertThat(host.pool().freeFrames()).as("forgery %d", i).isEqualTo(free);
                assertThat(host.guests()).containsExactly(neighbour);
            }
            console.type("echo unharmed\n");
            assertThat(console.awaitText("\nunharmed", PATIENCE)).isTrue();
        }
        assertThat(refused).isBetween(10, 140);
    }

    @Test
    void snapshotOfAnotherVersionSaysWhichOneCanBeRestored() throws Exception {
        byte[] other = Files.readAllBytes(sound());
        other[8] = 9;
        Path file = Files.write(folder.resolve("other"), other);
        assertThatThrownBy(() -> DomainSnapshot.open(file))
                .hasMessage("The snapshot has version 9, but only version 2 can be restored");
    }

    @Test
    void whatIsNoSnapshotIsNamedSo() throws Exception {
        assertThatThrownBy(() -> DomainSnapshot.open(BootFixture.lantern(folder)))
                .hasMessage("This is no snapshot of a domain");
        assertThatThrownBy(() -> DomainSnapshot.open(folder))
                .isInstanceOf(SnapshotException.class)
                .hasMessage("This is a directory, not a snapshot");
        assertThatThrownBy(() -> DomainSnapshot.open(folder.resolve("nothing")))
                .isInstanceOf(SnapshotException.class)
                .hasMessage("There is no such file");
    }
}

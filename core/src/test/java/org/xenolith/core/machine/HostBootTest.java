package org.xenolith.core.machine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.gson.JsonObject;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.xenolith.core.backend.NetworkInterface;
import org.xenolith.core.boot.BootFailed;
import org.xenolith.core.boot.BootOptions;
import org.xenolith.core.boot.GuestDevices;
import org.xenolith.core.boot.Outcome;
import org.xenolith.core.domain.Domain;
import org.xenolith.core.image.KernelImage;
import org.xenolith.core.snapshot.SnapshotException;
import org.xenolith.devices.console.ConsoleLog;
import org.xenolith.devices.net.EthernetFrame;
import org.xenolith.devices.net.NetworkSpec;
import org.xenolith.devices.net.SwitchPort;
import org.xenolith.devices.terminal.ConsoleIo;
import org.xenolith.devices.terminal.InputListener;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;

/** Several guests on one host: they come, stand still, go and leave nothing behind. */
@Timeout(value = 2, unit = TimeUnit.MINUTES)
class HostBootTest {
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final long MEMORY = 8 * BootFixture.MIB;

    @TempDir Path folder;

    private Guest boot(Host host, String commandLine, GuestConsole console) throws IOException {
        Guest guest =
                host.create(
                        BootFixture.options(
                                BootFixture.lantern(folder), null, commandLine, MEMORY, 1, false),
                        console);
        guest.start();
        return guest;
    }

    @Test
    void pausedGuestStandsStillAndGoesOnAfterwards() throws Exception {
        try (Host host = Host.start(1L << 30, 2)) {
            GuestConsole console = new GuestConsole();
            Guest guest = boot(host, "", console);
            assertThat(console.awaitText("lantern> ", PATIENCE)).isTrue();
            guest.pause();
            long retired = guest.domain().retired();
            console.type("echo after the pause\n");
            assertThat(console.text()).doesNotContain("after the pause");
            assertThat(guest.domain().retired()).isEqualTo(retired);
            guest.unpause();
            assertThat(console.awaitText("\nafter the pause", PATIENCE)).isTrue();
        }
    }

    @Test
    void guestThatIsHeldBackStandsUntilItIsAdmitted() throws Exception {
        try (Host host = Host.start(1L << 30, 2)) {
            Guest guest = boot(host, "", new GuestConsole());
            guest.holdBack();
            assertThat(guest.isPaused()).isTrue();
            guest.admit();
            assertThat(guest.isPaused()).isFalse();
        }
    }

    @Test
    void guestThatSomebodyPausesWhileItIsHeldBackIsNotLetGoWhenItIsAdmitted() throws Exception {
        try (Host host = Host.start(1L << 30, 2)) {
            Guest guest = boot(host, "", new GuestConsole());
            guest.holdBack();
            guest.pause();
            guest.admit();
            assertThat(guest.isPaused()).as("somebody wants it so").isTrue();
            guest.unpause();
            assertThat(guest.isPaused()).isFalse();
        }
    }

    @Test
    void guestThatSomebodyLetGoWhileItWasHeldBackStaysPausedWhenItIsPausedLater() throws Exception {
        try (Host host = Host.start(1L << 30, 2)) {
            Guest guest = boot(host, "", new GuestConsole());
            guest.holdBack();
            guest.unpause();
            assertThat(guest.isPaused()).as("somebody wants it to go on at once").isFalse();
            guest.pause();
            guest.admit();
            assertThat(guest.isPaused()).isTrue();
        }
    }

    /** Until the thread waits for a lock, or has ended. */
    private static void startAndAwaitBlocked(Thread thread) {
        thread.start();
        while (thread.isAlive() && thread.getState() != Thread.State.BLOCKED) {
            Thread.onSpinWait();
        }
    }

    @Test
    void pauseThatComesWhileSomebodyLooksAtTheGuestHoldsWhenTheLookIsOver() throws Exception {
        try (Host host = Host.start(1L << 30, 2)) {
            Guest guest = boot(host, "", new GuestConsole());
            Thread other = new Thread(guest::pause);
            guest.whileStill(
                    () -> {
                        startAndAwaitBlocked(other);
                        return guest;
                    });
            other.join();
            assertThat(guest.isPaused()).isTrue();
        }
    }

    /** Who saves has the lock: it would find the guest alive, and then its frames gone. */
    @Test
    void nobodySavesAGuestBetweenTheFirstStepOfItsCloseAndItsEnd() throws Exception {
        try (Host host = Host.start(1L << 30, 2)) {
            Guest guest = boot(host, "", new GuestConsole());
            AtomicBoolean locked = new AtomicBoolean();
            guest.domain().ending().onEnd(() -> locked.set(Thread.holdsLock(guest)));
            guest.close();
            assertThat(locked).isTrue();
            assertThatThrownBy(() -> guest.save(folder.resolve("late")))
                    .isInstanceOf(SnapshotException.class);
        }
    }

    @Test
    void guestThatIsClosedKeepsNoDecodedCode() throws Exception {
        try (Host host = Host.start(1L << 30, 2)) {
            GuestConsole console = new GuestConsole();
            Guest guest = boot(host, "", console);
            assertThat(console.awaitText("lantern> ", PATIENCE)).isTrue();
            assertThat(guest.domain().code().heapBytes()).isPositive();
            guest.close();
            assertThat(guest.domain().code().heapBytes()).isZero();
        }
    }

    @Test
    void guestThatCannotBeClosedKeepsNoOtherOpen() throws Exception {
        Host host = Host.start(1L << 30, 2);
        boot(host, "", new GuestConsole());
        Guest second = boot(host, "", new GuestConsole());
        boot(host, "", new GuestConsole());
        second.onClose(
                () -> {
                    throw new IllegalStateException("its disk is gone");
                });
        assertThatThrownBy(host::close).hasMessageContaining("its disk is gone");
        assertThat(host.guests()).isEmpty();
    }

    @Test
    void interfaceThatComesWhileItsGuestIsClosedIsNotPluggedIn() throws Exception {
        try (Host host = Host.start(1L << 30, 2)) {
            Guest guest = boot(host, "", new GuestConsole());
            AtomicBoolean plugged = new AtomicBoolean();
            NetworkInterface late = nic("00:16:3e:00:00:01", plugged);
            guest.close();
            assertThatThrownBy(() -> guest.devices().attach(late))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("domain %d has ended", guest.id());
            assertThat(plugged).isFalse();
        }
    }

    @Test
    void interfaceThatCannotBeAttachedLeavesThePortAgain() throws Exception {
        try (Host host = Host.start(1L << 30, 2)) {
            Guest guest = boot(host, "", new GuestConsole());
            AtomicBoolean plugged = new AtomicBoolean();
            NetworkInterface addressless = nic(null, plugged);
            assertThatThrownBy(() -> guest.devices().attach(addressless))
                    .isInstanceOf(NullPointerException.class);
            assertThat(plugged).isFalse();
        }
    }

    /** Who misses it in the list uses its disk. */
    @Test
    void guestIsListedUntilItsDevicesAreClosedAndNoNeighbourBeginsToShareWithIt() throws Exception {
        try (Host host = Host.start(1L << 30, 2)) {
            Guest guest = boot(host, "", new GuestConsole());
            List<Guest> listed = new ArrayList<>();
            List<Optional<Domain>> known = new ArrayList<>();
            guest.onClose(
                    () -> {
                        listed.addAll(host.guests());
                        known.add(Optional.ofNullable(host.domain(guest.id())));
                    });
            guest.close();
            assertThat(listed).containsExactly(guest);
            assertThat(known).containsExactly(Optional.empty());
            assertThat(host.guests()).isEmpty();
        }
    }

    @Test
    void guestThatIsDestroyedWhileItsDisksAreFlushedDoesNotStartAgain() throws Exception {
        try (Host host = Host.start(1L << 30, 2)) {
            Guest guest = boot(host, "run=reboot", new GuestConsole());
            guest.onClose(guest::destroy);
            AtomicBoolean told = new AtomicBoolean();
            Lives lives =
                    new Lives(
                            host,
                            guest,
                            new GuestConsole(),
                            (_, _) ->
                                    assertThat(told.getAndSet(true)).as("another life").isFalse());
            assertThat(lives.follow().ending()).isEqualTo(new Outcome.Rebooted());
        }
    }

    /** Who misses it there takes its address, and the guest's end does not wait for it. */
    @Test
    void deviceIsNotGoneFromTheListsBeforeWhatIsBehindItIsClosed() throws Exception {
        try (Host host = Host.start(1L << 30, 2)) {
            Guest guest = boot(host, "", new GuestConsole());
            List<String> listed = new ArrayList<>();
            NetworkInterface nic =
                    nic(
                            "00:16:3e:00:00:01",
                            () -> {
                                guest.devices().devices().forEach(each -> listed.add("device"));
                                listed.addAll(host.store().list(vifs(guest)));
                            });
            guest.devices().attach(nic).detach().get();
            assertThat(listed).as("when it was closed").containsExactly("device", "0");
            assertThat(guest.devices().devices()).isEmpty();
            assertThat(host.store().read(vifs(guest) + "/0")).isEmpty();
        }
    }

    /** Not started. */
    private Guest created(Host host) throws Exception {
        return host.create(
                BootFixture.options(BootFixture.lantern(folder), null, "", MEMORY, 1, false),
                new GuestConsole());
    }

    private static String vifs(Guest guest) {
        return "/local/domain/0/backend/vif/" + guest.id();
    }

    @Test
    void interfaceIsAmongWhatTheGuestStartsWithNextBeforeItCanBeSeenAndDetached() throws Exception {
        try (Host host = Host.start(1L << 30, 2)) {
            Guest guest = created(host);
            List<Integer> remembered = new ArrayList<>();
            host.store()
                    .watch(
                            vifs(guest),
                            _ -> {
                                if (host.store().read(vifs(guest) + "/0/state").isPresent()) {
                                    remembered.add(
                                            guest.configuration().devices().networks().size());
                                }
                            });
            JsonObject request = new JsonObject();
            request.addProperty("network", "none");
            new InterfaceVerbs(host, guest).attach(request);
            assertThat(remembered).isNotEmpty().containsOnly(1);
        }
    }

    /** Whoever finds it may attach to its console, or give it the number of a device to come. */
    @Test
    void guestIsNotListedBeforeItHasItsConsoleAndItsDevices() throws Exception {
        try (Host host = Host.start(1L << 30, 2)) {
            List<Guest> listed = new ArrayList<>();
            host.store().watch("@introduceDomain", _ -> listed.addAll(host.guests()));
            host.store().watch("/local/domain/0", _ -> listed.addAll(host.guests()));
            BootOptions options =
                    BootFixture.options(BootFixture.lantern(folder), null, "", MEMORY, 1, false)
                            .with(
                                    new GuestDevices(
                                            List.of(),
                                            List.of(NetworkSpec.parse("none")),
                                            List.of()));
            Guest guest = host.create(options, new GuestConsole());
            assertThat(host.store().list(vifs(guest))).containsExactly("0");
            assertThat(listed).isEmpty();
            assertThat(host.guests()).containsExactly(guest);
        }
    }

    @Test
    void interfaceThatCouldNotBeAttachedDoesNotComeWithTheNextStart() throws Exception {
        try (Host host = Host.start(1L << 30, 2)) {
            Guest guest = boot(host, "", new GuestConsole());
            guest.close();
            DeviceAttacher late = new DeviceAttacher(host, guest);
            assertThatThrownBy(() -> late.attachNetwork(NetworkSpec.parse("none")))
                    .isInstanceOf(IllegalArgumentException.class);
            assertThat(guest.configuration().devices().networks()).isEmpty();
        }
    }

    /** Its plug tells whether it is in. */
    private static NetworkInterface nic(String mac, AtomicBoolean plugged) {
        NetworkInterface nic = nic(mac, () -> plugged.set(false));
        return new NetworkInterface(
                nic.id(),
                nic.mac(),
                nic.mtu(),
                nic.network(),
                endpoint -> {
                    plugged.set(true);
                    return nic.plug().apply(endpoint);
                });
    }

    /** Runs something when it is unplugged. */
    private static NetworkInterface nic(String mac, Runnable unplugged) {
        SwitchPort port =
                new SwitchPort() {
                    @Override
                    public boolean send(EthernetFrame frame) {
                        frame.release();
                        return true;
                    }

                    @Override
                    public void resume() {}

                    @Override
                    public void close() {
                        unplugged.run();
                    }
                };
        return new NetworkInterface(0, mac, NetworkInterface.DEFAULT_MTU, "none", _ -> port);
    }

    @Test
    void lastWordsOfAGuestAreReadEvenIfTheTerminalLagsBehind() throws Exception {
        try (Host host = Host.start(1L << 30, 2)) {
            LaggingConsole console = new LaggingConsole();
            Guest guest =
                    host.create(
                            BootFixture.options(
                                    BootFixture.lantern(folder), null, "", MEMORY, 1, false),
                            console);
            guest.start();
            assertThat(console.seen.awaitText("lantern> ", PATIENCE)).isTrue();
            console.lags = true;
            byte[] line = "crash ud\n".getBytes(StandardCharsets.US_ASCII);
            console.keys.typed(line, line.length);
            assertThat(guest.await(Optional.of(PATIENCE)).ending())
                    .isInstanceOf(Outcome.Crashed.class);
            assertThat(console.seen.text()).contains("lantern> crash ud");
        }
    }

    /** A terminal that has no room from some time on. */
    private static final class LaggingConsole implements ConsoleIo {
        private final ConsoleLog seen = new ConsoleLog();
        private volatile InputListener keys;
        private volatile boolean lags;

        @Override
        public void write(byte[] bytes, int offset, int length) {
            seen.write(bytes, offset, length);
        }

        @Override
        public int room() {
            return lags ? 0 : Integer.MAX_VALUE;
        }

        @Override
        public void whenRoom(Runnable again) {
            if (!lags) {
                again.run();
            }
        }

        @Override
        public void start(InputListener listener) {
            keys = listener;
        }
    }

    @Test
    void idOfAGuestIsAnothersOnlyWhenNothingGoesByItAnyMore() throws Exception {
        try (Host host = Host.start(1L << 30, 2)) {
            GuestConsole console = new GuestConsole();
            Guest guest = boot(host, "", console);
            assertThat(console.awaitText("lantern> ", PATIENCE)).isTrue();
            Path file = folder.resolve("saved");
            guest.save(file);
            BootOptions options = guest.options();
            List<Guest> copies = new ArrayList<>();
            guest.onClose(() -> copies.add(restore(host, file, options)));
            guest.close();
            assertThat(copies.getFirst().id()).isNotEqualTo(guest.id());
            assertThat(restore(host, file, options).id()).isEqualTo(guest.id());
        }
    }

    private static Guest restore(Host host, Path file, BootOptions options) {
        try {
            return host.restore(file, options, new GuestConsole());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Test
    void guestOfWhichOnePartCannotBeClosedHasItsOtherPartsClosedAndItsMemoryKept()
            throws Exception {
        try (Host host = Host.start(1L << 30, 2)) {
            long free = host.pool().freeFrames();
            Guest guest = boot(host, "", new GuestConsole());
            List<String> undone = new ArrayList<>();
            guest.onClose(() -> undone.add("first"));
            IllegalStateException cause = new IllegalStateException("a disk is stuck");
            guest.onClose(
                    () -> {
                        throw cause;
                    });
            guest.onClose(() -> undone.add("last"));
            boolean[] sentAway = new boolean[1];
            guest.console().attach((_, _, _) -> {}, () -> sentAway[0] = true);
            assertThatThrownBy(guest::close).hasRootCause(cause);
            assertThat(undone).containsExactly("last", "first");
            assertThat(sentAway[0]).as("console").isTrue();
            assertThat(host.pool().freeFrames()).isLessThan(free);
        }
    }

    @Test
    void busyGuestIsDestroyedAndItsNeighbourDoesNotNotice() throws Exception {
        try (Host host = Host.start(1L << 30, 2)) {
            Guest busy = boot(host, "run=spin 100000", new GuestConsole());
            GuestConsole console = new GuestConsole();
            Guest neighbour = boot(host, "", console);
            assertThat(console.awaitText("lantern> ", PATIENCE)).isTrue();
            busy.destroy();
            assertThat(busy.await(Optional.empty()).ending()).isInstanceOf(Outcome.Destroyed.class);
            busy.close();
            assertThat(host.guests()).containsExactly(neighbour);
            console.type("echo still here\n");
            assertThat(console.awaitText("\nstill here", PATIENCE)).isTrue();
        }
    }

    @Test
    void guestThatCannotBeBuiltGivesBackEveryFrame() throws Exception {
        try (Host host = Host.start(1L << 30, 2)) {
            long free = host.pool().freeFrames();
            BootOptions tooManyVcpus =
                    BootFixture.options(BootFixture.lantern(folder), null, "", MEMORY, 33, false);
            assertThatThrownBy(() -> host.create(tooManyVcpus, new GuestConsole()))
                    .isInstanceOf(RuntimeException.class);
            assertThat(host.pool().freeFrames()).isEqualTo(free);
        }
    }

    @Test
    void guestsThatCameAndWentGiveBackEveryFrame() throws Exception {
        try (Host host = Host.start(1L << 30, 2)) {
            long free = host.pool().freeFrames();
            for (int round = 0; round < 10; round++) {
                List<Guest> guests = new ArrayList<>();
                for (int i = 0; i < 10; i++) {
                    guests.add(boot(host, "run=mem;poweroff", new GuestConsole()));
                }
                for (Guest guest : guests) {
                    assertThat(guest.await(Optional.of(PATIENCE)).ending())
                            .isInstanceOf(Outcome.PoweredOff.class);
                    guest.close();
                }
            }
            assertThat(host.pool().freeFrames()).isEqualTo(free);
            assertThat(host.store().list("/local/domain")).doesNotContain("1", "100");
        }
    }

    @Test
    void guestsAreFoundByNameAndById() throws Exception {
        try (Host host = Host.start(1L << 30, 2)) {
            Guest guest = boot(host, "", new GuestConsole());
            assertThat(host.guest("test")).contains(guest);
            assertThat(host.guest("1")).contains(guest);
            assertThat(host.guest("2")).isEmpty();
            guest.close();
            assertThat(host.guest("test")).isEmpty();
        }
    }

    @Test
    void lanternEndsWhenItIsAskedAtItsPromptAndInItsSleep() throws Exception {
        try (Host host = Host.start(1L << 30, 2)) {
            GuestConsole console = new GuestConsole();
            Guest atPrompt = boot(host, "", console);
            assertThat(console.awaitText("lantern> ", PATIENCE)).isTrue();
            atPrompt.request(Guest.Request.REBOOT);
            assertThat(atPrompt.await(Optional.of(PATIENCE)).ending())
                    .isInstanceOf(Outcome.Rebooted.class);

            GuestConsole other = new GuestConsole();
            Guest asleep = boot(host, "run=sleep 1000000", other);
            assertThat(other.awaitText("lantern> sleep", PATIENCE)).isTrue();
            asleep.request(Guest.Request.POWEROFF);
            assertThat(asleep.await(Optional.of(PATIENCE)).ending())
                    .isInstanceOf(Outcome.PoweredOff.class);
        }
    }

    @Test
    void guestAskedBeforeItsKernelListensIsToldLater() throws Exception {
        try (Host host = Host.start(1L << 30, 2)) {
            Guest guest = created(host);
            guest.request(Guest.Request.POWEROFF);
            guest.start();
            assertThat(guest.await(Optional.of(PATIENCE)).ending())
                    .isInstanceOf(Outcome.PoweredOff.class);
        }
    }

    /** A sentence for the terminal, and no error of ours. */
    @Test
    void guestWithAnAddressThatAnotherOneHasIsRefusedInOneSentence() throws Exception {
        GuestDevices devices =
                new GuestDevices(
                        List.of(),
                        List.of(NetworkSpec.parse("nat,mac=00:16:3e:00:00:01")),
                        List.of());
        BootOptions options =
                BootFixture.options(BootFixture.lantern(folder), null, "", MEMORY, 1, false)
                        .with(devices);
        try (Host host = Host.start(1L << 30, 2)) {
            Guest first = host.create(options, new GuestConsole());
            assertThatThrownBy(() -> host.create(options, new GuestConsole()))
                    .isInstanceOf(BootFailed.class)
                    .hasMessageStartingWith("MAC address 00:16:3e:00:00:01 is already on port ");
            assertThat(host.guests()).containsExactly(first);
        }
    }

    @Test
    void kernelOfManyGuestsIsUnpackedOnceUntilItsFileChanges() throws Exception {
        Path kernel = BootFixture.lantern(folder);
        ImageCache images = new ImageCache();
        KernelImage first = images.kernel(kernel);
        assertThat(images.kernel(kernel)).isSameAs(first);
        Files.setLastModifiedTime(kernel, FileTime.fromMillis(0));
        assertThat(images.kernel(kernel)).isNotSameAs(first);
        Files.delete(kernel);
        assertThatThrownBy(() -> images.kernel(kernel))
                .hasMessageContaining("there is no such file");
    }
}

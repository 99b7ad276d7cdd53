package org.xenolith.core.fleet;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.xenolith.core.boot.BootFailed;
import org.xenolith.core.boot.Outcome;
import org.xenolith.core.boot.RestoreOptions;
import org.xenolith.core.control.ControlException;
import org.xenolith.core.machine.Guest;
import org.xenolith.core.machine.HostVerbs;
import org.xenolith.core.machine.ResidentMemory;
import org.xenolith.core.machine.VmmMachine;
import org.xenolith.core.xenstore.Xenstore;
import org.xenolith.cpu.translate.Tier;
import org.xenolith.devices.terminal.ConsoleIo;
import org.xenolith.devices.terminal.InputListener;

import java.io.IOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Fleets of our own small guest: how they start, what becomes of who dies, how they stop. */
@Timeout(value = 3, unit = TimeUnit.MINUTES)
class FleetBootTest {
    private static final Duration LONG = Duration.ofSeconds(90);
    private static final long BEAT_MICROS = 100_000;
    private static final Pattern BEAT =
            Pattern.compile("steady +\\| beat (\\d+), (\\d+) us late\n");

    private static final String LANTERNS =
            """
            [defaults]
            image = "lantern"
            memory = "8M"
            network = []

            """;

    @TempDir Path folder;

    private RunningFleet fleet(String toml) {
        return fleet(toml, LONG);
    }

    private RunningFleet fleet(String toml, Duration shutdownTimeout) {
        return new RunningFleet(
                RunningFleet.toml(LANTERNS + toml), RunningFleet.lantern(folder), shutdownTimeout);
    }

    @Test
    void fleetIsOverWhenAllGuestsHavePoweredOff() throws Exception {
        try (RunningFleet fleet =
                fleet(
                        """
                        [guest.worker]
                        count = 3
                        cmdline = "run=echo done;poweroff"
                        """)) {
            assertThat(fleet.start().ended()).isTrue();
            assertThat(fleet.consoles.text())
                    .contains("worker1 | done\n")
                    .contains("worker2 | done\n")
                    .contains("worker3 | done\n");
            assertThat(fleet.said.text()).contains("vmm: worker2 powered off.\n");
            assertThat(fleet.foundWhenSaid("vmm: worker2 powered off."))
                    .as("whoever reads it may use what it had")
                    .doesNotContain("worker2");
        }
    }

    /** Whoever reads that it starts again may find that he does not want it to. */
    @Test
    void guestThatIsDestroyedBeforeItHasGivenBackWhatItHadDoesNotStartAgain() throws Exception {
        try (RunningFleet fleet =
                fleet(
                        """
                        [guest.turning]
                        cmdline = "run=reboot"
                        """)) {
            HostVerbs verbs = new HostVerbs(fleet.fleet.host());
            fleet.onSaid(
                    sentence -> {
                        if (sentence.equals("vmm: turning rebooted and is started again.")) {
                            destroy(verbs, "turning");
                        } else {
                            fleet.fleet.shutdown();
                        }
                    });
            assertThat(fleet.start().ended()).isTrue();
            assertThat(fleet.said.text())
                    .startsWith(
                            """
                            vmm: turning rebooted and is started again.
                            vmm: turning does not start again: it was destroyed or shut down.
                            """);
        }
    }

    private static void destroy(HostVerbs verbs, String guest) {
        JsonObject request = new JsonObject();
        request.addProperty("guest", guest);
        try {
            verbs.perform("destroy", request);
        } catch (ControlException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void guestThatCannotStartIsOneSentenceAndTheOthersRun() throws Exception {
        try (RunningFleet fleet =
                fleet(
                        """
                        [guest.small]
                        memory = "512K"
                        [guest.lost]
                        image = "nowhere"
                        [guest.fine]
                        cmdline = "run=poweroff"
                        """)) {
            assertThat(fleet.start().ended()).as("ended as they should").isFalse();
            assertThat(fleet.said.text().lines())
                    .hasSize(3)
                    .anyMatch(line -> line.startsWith("vmm: small cannot start: "))
                    .contains(
                            "vmm: lost cannot start: 'nowhere' is neither a known guest nor a"
                                    + " file.",
                            "vmm: fine powered off.");
        }
    }

    @Test
    void crashIsReportedAndTheOthersRunOn() throws Exception {
        try (RunningFleet fleet =
                fleet(
                        """
                        [guest.bad]
                        cmdline = "run=crash ud"
                        [guest.good]
                        cmdline = "run=echo here"
                        """)) {
            fleet.start();
            fleet.awaitShown("good | here\n");
            fleet.awaitSaid("vmm: bad crashed (The guest shut itself down with reason crash).");
            assertThat(fleet.said.text()).contains("rip ");
            assertThat(fleet.fleet.host().guests()).extracting(Guest::name).contains("good");
            fleet.fleet.shutdown();
            assertThat(fleet.ended()).as("ended as they should").isFalse();
            assertThat(fleet.consoles.text()).contains("the host wants us to power off");
        }
    }

    @Test
    void crashedGuestStartsAgainAndItsNeighbourMissesNoBeat() throws Exception {
        try (HostPulse pulse = new HostPulse();
                RunningFleet fleet =
                        fleet(
                                """
                                [guest.steady]
                                cmdline = "run=beat 100"
                                [guest.mortal]
                                cmdline = "run=spin 50;crash pf"
                                on-crash = "restart"
                                """)) {
            fleet.start();
            fleet.awaitSaid(
                    "mortal crashed (The guest shut itself down with reason crash) and is"
                            + " started again.");
            fleet.awaitSaid("is started again in 1 s.");
            fleet.awaitSaid("is started again in 2 s.");
            fleet.awaitSaid("is started again in 4 s.");
            fleet.fleet.shutdown();
            assertThat(fleet.ended()).as("a guest between two lives has not failed").isTrue();
            List<Long> missed = missedBeats(fleet.consoles.text(), BEAT_MICROS);
            assertThat(missed.stream().mapToLong(count -> count + 1).sum()).isGreaterThan(25);
            long lateHost = 2 * pulse.worstMicros() / BEAT_MICROS;
            assertThat(missed).allMatch(count -> count <= 1 + lateHost);
        }
    }

    /** Beats that passed before the due one was printed, once the boot of all is over. */
    private static List<Long> missedBeats(String text, long periodMicros) {
        List<Long> missed = new ArrayList<>();
        Matcher beat = BEAT.matcher(text);
        for (int expected = 1; beat.find(); expected++) {
            assertThat(Integer.parseInt(beat.group(1))).isEqualTo(expected);
            missed.add(Long.parseLong(beat.group(2)) / periodMicros);
        }
        return missed;
    }

    @Test
    void guestBetweenTwoLivesIsListedAndItsCrashCountsWhenItIsEnded() throws Exception {
        try (RunningFleet fleet =
                fleet(
                        """
                        [guest.mortal]
                        count = 2
                        cmdline = "run=crash pf"
                        on-crash = "restart"
                        """)) {
            fleet.start();
            HostVerbs verbs = new HostVerbs(fleet.fleet.host());
            for (String[] each : new String[][] {{"mortal1", "destroy"}, {"mortal2", "shutdown"}}) {
                fleet.awaitSaid(
                        each[0]
                                + " crashed (The guest shut itself down with reason crash)"
                                + " and is started again in 8 s.");
                JsonObject request = new JsonObject();
                request.addProperty("guest", each[0]);
                while (!verbs.perform("list", request).toString().contains("waiting")) {
                    Thread.onSpinWait();
                }
                assertThat(verbs.perform("list", new JsonObject()).toString())
                        .contains("\"name\":\"" + each[0] + "\"");
                assertThatThrownBy(() -> verbs.perform("stat", request))
                        .hasMessageMatching(each[0] + " has ended, and starts again in [1-8] s\\.");
                verbs.perform(each[1], request);
                String staysDown =
                        "vmm: %s does not start again: it was destroyed or shut down."
                                .formatted(each[0]);
                fleet.awaitSaid(staysDown);
                assertThat(fleet.foundWhenSaid(staysDown)).doesNotContain(each[0]);
                assertThatThrownBy(() -> verbs.perform(each[1], request))
                        .hasMessage("No guest is called '" + each[0] + "'.");
            }
            assertThat(fleet.ended()).as("their last lives ended by crashes").isFalse();
            assertThat(fleet.said.text()).doesNotContain("in 16 s").contains("rip ");
        }
    }

    @Test
    void rebootIsAnotherStart() throws Exception {
        try (RunningFleet fleet =
                fleet(
                        """
                        [guest.turning]
                        cmdline = "run=reboot"
                        """)) {
            fleet.start();
            fleet.awaitSaid("vmm: turning rebooted and is started again.");
            fleet.awaitSaid("vmm: turning rebooted and is started again in 1 s.");
            fleet.fleet.shutdown();
            assertThat(fleet.ended()).isTrue();
        }
    }

    @Test
    void rebootedGuestHasTheInterfaceThatWasAttachedWhileItRan() throws Exception {
        try (RunningFleet fleet = fleet("[guest.web1]")) {
            fleet.start().awaitShown("Type help.");
            HostVerbs verbs = new HostVerbs(fleet.fleet.host());
            JsonObject request = new JsonObject();
            request.addProperty("guest", "web1");
            request.addProperty("network", "none,mac=00:16:3e:00:00:07");
            int number = verbs.perform("network-attach", request).getAsInt();
            JsonElement before = verbs.perform("network-list", request);
            assertThat(before.toString())
                    .contains("\"id\":" + number)
                    .contains("\"mac\":\"00:16:3e:00:00:07\"");
            long position = fleet.consoles.position();
            verbs.perform("reboot", request);
            assertThat(fleet.consoles.awaitText("Type help.", position, LONG)).isTrue();
            assertThat(fleet.fleet.host().guest("web1").map(Guest::id)).contains(2);
            assertThat(verbs.perform("network-list", request).toString())
                    .as("the same but for the guest's number in its paths")
                    .isEqualTo(before.toString().replace("vif/1/", "vif/2/"));
            fleet.fleet.shutdown();
            assertThat(fleet.ended()).isTrue();
        }
    }

    @Test
    void savedGuestGoesOnElsewhereWithItsPortAndItsActionsWhileTheFleetRuns() throws Exception {
        int port = freePort();
        Path file = folder.resolve("saved");
        try (RunningFleet fleet =
                fleet(
                        """
                        [guest.other]
                        [guest.web]
                        cmdline = "run=echo here"
                        network = "nat"
                        forward = ["%d:80"]
                        on-crash = "restart"
                        """
                                .formatted(port))) {
            fleet.start().awaitShown("web   | here\n");
            assertThat(isListening(port)).isTrue();
            fleet.fleet.host().guest("web").orElseThrow().saveAndEnd(file);
            fleet.awaitSaid("vmm: web was saved to " + file + ".");
            assertThat(isListening(port)).isFalse();

            Script console = new Script("crash ud\n", "reboot\n", "poweroff\n");
            List<Outcome.Ending> endings = new ArrayList<>();
            RestoreOptions how =
                    new RestoreOptions(false, Optional.of(LONG), false, Tier.standard());
            Outcome outcome =
                    new VmmMachine()
                            .restore(file, how, console, (ending, _) -> endings.add(ending));
            assertThat(endings).hasSize(2);
            assertThat(endings.getFirst()).isInstanceOf(Outcome.Crashed.class);
            assertThat(endings.getLast()).isEqualTo(new Outcome.Rebooted());
            assertThat(outcome.ending()).isEqualTo(new Outcome.PoweredOff());
            fleet.fleet.shutdown();
            assertThat(fleet.ended()).isTrue();
        }
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }

    private static boolean isListening(int port) throws IOException {
        try (Socket _ = new Socket(InetAddress.getLoopbackAddress(), port)) {
            return true;
        } catch (ConnectException e) {
            return false;
        }
    }

    /** Somebody who types one line in each life of a guest, and does not look. */
    private static final class Script implements ConsoleIo {
        private final Deque<String> lines;

        Script(String... lines) {
            this.lines = new ArrayDeque<>(List.of(lines));
        }

        @Override
        public void write(byte[] bytes, int offset, int length) {}

        @Override
        public void start(InputListener listener) {
            byte[] line = lines.remove().getBytes(StandardCharsets.US_ASCII);
            listener.typed(line, line.length);
        }
    }

    @Test
    void preservedGuestStaysUntilItIsDestroyed() throws Exception {
        try (RunningFleet fleet =
                fleet(
                        """
                        [guest.corpse]
                        cmdline = "run=crash bp;crash ud"
                        on-crash = "preserve"
                        """)) {
            fleet.start();
            fleet.awaitSaid("and is preserved: 'vmm destroy corpse' removes it.");
            Guest corpse = fleet.fleet.host().guest("corpse").orElseThrow();
            assertThat(corpse.state()).isEqualTo("----c-");
            corpse.destroy();
            assertThat(fleet.ended()).as("it did crash").isFalse();
        }
    }

    @Test
    void shutdownAsksEveryGuest() throws Exception {
        try (RunningFleet fleet =
                fleet(
                        """
                        [guest.idle]
                        [guest.asleep]
                        cmdline = "run=echo good night;sleep 1000000"
                        """)) {
            fleet.start();
            fleet.awaitShown("asleep | good night");
            fleet.fleet.shutdown();
            assertThat(fleet.ended()).isTrue();
            assertThat(fleet.said.text()).contains("vmm: asking 2 guests to power off;");
        }
    }

    /** As Linux drops it while it suspends itself. */
    @Test
    void guestThatHasNotHeardTheFirstRequestToPowerOffIsAskedAgain() throws Exception {
        Fleet.Patience quick =
                new Fleet.Patience(Duration.ofMillis(500), Fleet.Patience.STANDARD.copiesWait());
        try (RunningFleet fleet =
                new RunningFleet(
                        RunningFleet.toml(
                                LANTERNS + "[guest.one]\ncmdline = 'run=echo up;sleep 1000000'\n"),
                        RunningFleet.lantern(folder),
                        Duration.ofSeconds(10),
                        quick)) {
            fleet.start();
            fleet.awaitShown("up\n");
            Guest guest = fleet.fleet.host().guests().getFirst();
            guest.pause();
            fleet.fleet.shutdown();
            takeBackRequest(fleet.fleet.host().store(), guest);
            guest.unpause();
            assertThat(fleet.ended())
                    .as("it has powered off, after: %s", fleet.said.text())
                    .isTrue();
        }
    }

    /** The guest finds that its node has changed, and nothing in it. */
    private static void takeBackRequest(Xenstore store, Guest guest) {
        String node = "/local/domain/%d/control/shutdown".formatted(guest.id());
        while (store.readBytes(node).filter(value -> value.length > 0).isEmpty()) {
            Thread.onSpinWait();
        }
        store.writeBytes(node, new byte[0]);
    }

    @Test
    void whoDoesNotPowerOffInTimeIsDestroyed() throws Exception {
        try (RunningFleet fleet =
                fleet(
                        """
                        [guest.deaf]
                        cmdline = "run=echo busy;spin 1000000"
                        [guest.obedient]
                        """,
                        Duration.ofSeconds(4))) {
            fleet.start();
            fleet.awaitShown("busy\n");
            fleet.fleet.shutdown();
            assertThat(fleet.ended()).as("ended as they should").isFalse();
            assertThat(fleet.said.text())
                    .contains("vmm: deaf does not power off and is destroyed.")
                    .doesNotContain("obedient does not");
        }
    }

    @Test
    void secondShutdownDestroysAtOnce() throws Exception {
        try (RunningFleet fleet =
                fleet(
                        """
                        [guest.deaf]
                        cmdline = "run=echo busy;spin 1000000"
                        """)) {
            fleet.start();
            fleet.awaitShown("busy\n");
            fleet.fleet.shutdown();
            fleet.fleet.shutdown();
            assertThat(fleet.ended()).isFalse();
        }
    }

    @Test
    void guestWhoseDisksTakeLongToFlushHoldsUpNobodyElsesShutdown() throws Exception {
        try (RunningFleet fleet =
                fleet(
                        """
                        [guest.slow]
                        [guest.other]
                        cmdline = "run=echo here"
                        """)) {
            fleet.start().awaitShown("other | here\n");
            CountDownLatch closing = new CountDownLatch(1);
            CountDownLatch flushed = new CountDownLatch(1);
            Guest slow = fleet.fleet.host().guest("slow").orElseThrow();
            slow.onClose(
                    () -> {
                        closing.countDown();
                        awaitUninterruptibly(flushed);
                    });
            slow.destroy();
            closing.await();
            try {
                Thread.ofVirtual().start(fleet.fleet::shutdown);
                fleet.awaitSaid("vmm: asking 1 guest to power off;");
                fleet.awaitShown("the host wants us to power off");
                while (fleet.fleet.host().guest("other").isPresent()) {
                    Thread.onSpinWait();
                }
            } finally {
                flushed.countDown();
            }
            assertThat(fleet.ended()).isTrue();
        }
    }

    private static void awaitUninterruptibly(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Test
    void timeOverEndsTheFleet() throws Exception {
        try (RunningFleet fleet = fleet("[guest.idle]")) {
            assertThat(fleet.start(Optional.of(Duration.ofSeconds(1))).ended()).isFalse();
            assertThat(fleet.said.text()).contains("the time is over");
        }
    }

    @Test
    void guestsThatDoNotFitUnderTheLimitAreOneSentenceBeforeAnythingStarts() {
        assertThatThrownBy(
                        () ->
                                new RunningFleet(
                                        RunningFleet.toml(
                                                """
                                                memory-limit = "30M"
                                                [defaults]
                                                image = "lantern"
                                                memory = "8M..64M"
                                                network = []
                                                [guest.worker]
                                                count = 4
                                                """),
                                        RunningFleet.lantern(folder),
                                        LONG))
                .isInstanceOf(BootFailed.class)
                .hasMessage(
                        "the guests start with 32 MiB together, which is more than the"
                                + " memory-limit of 30 MiB");
    }

    @Test
    void balloonsShareOutWhatTheLimitLeaves() throws Exception {
        try (RunningFleet fleet =
                new RunningFleet(
                        RunningFleet.toml(
                                """
                                memory-limit = "40M"
                                [defaults]
                                image = "lantern"
                                memory = "8M..64M"
                                network = []
                                [guest.worker]
                                count = 2
                                """),
                        RunningFleet.lantern(folder),
                        LONG)) {
            fleet.start();
            while (targetsKib(fleet).stream().anyMatch(kib -> kib <= 8 << 10)) {
                TimeUnit.MILLISECONDS.sleep(20);
            }
            List<Long> targets = targetsKib(fleet);
            assertThat(targets).hasSize(2);
            assertThat(targets.get(0) + targets.get(1)).isLessThanOrEqualTo(40 << 10);
        }
    }

    private static List<Long> targetsKib(RunningFleet fleet) {
        List<Long> targets =
                fleet.fleet.host().guests().stream()
                        .map(guest -> guest.balloon().targetKib())
                        .toList();
        return targets.size() < 2 ? List.of(0L) : targets;
    }

    @Test
    void hundredGuestsRunAtOnceInTheMemoryTheyTouch() throws Exception {
        try (RunningFleet fleet =
                fleet(
                        """
                        [guest.worker]
                        count = 100
                        cmdline = "run=echo is up"
                        """)) {
            fleet.start();
            for (int i = 1; i <= 100; i++) {
                fleet.awaitShown(
                        "worker%d ".formatted(i)
                                + (i < 100 ? i < 10 ? "  " : " " : "")
                                + "| is up\n");
            }
            assertThat(fleet.fleet.host().guests()).hasSize(100).noneMatch(Guest::hasEnded);
            assertThat(ResidentMemory.ofPoolKib())
                    .as("KiB of the pool that the host holds for 800 MiB of guests")
                    .isLessThan(100 * 1024);
            System.out.printf(
                    "100 lanterns of 8 MiB: pool %,d KiB, process %,d KiB%n",
                    ResidentMemory.ofPoolKib(), ResidentMemory.ofProcessKib());
            fleet.fleet.shutdown();
            assertThat(fleet.ended()).isTrue();
        }
    }
}

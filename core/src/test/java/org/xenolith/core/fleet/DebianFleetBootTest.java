package org.xenolith.core.fleet;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.xenolith.core.config.FleetConfig;
import org.xenolith.core.control.ControlException;
import org.xenolith.core.control.Verbs;
import org.xenolith.core.image.debian.BootInput;
import org.xenolith.core.image.debian.DebianImage;
import org.xenolith.core.image.debian.DebianInput;
import org.xenolith.core.machine.Guest;
import org.xenolith.core.machine.HostVerbs;
import org.xenolith.core.machine.ResidentMemory;
import org.xenolith.devices.console.ConsoleLog;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/** Many Debian guests in one process, and more memory promised than there is. */
@Tag("proof")
@Timeout(value = 15, unit = TimeUnit.MINUTES)
class DebianFleetBootTest {
    private static final Duration PATIENCE = Duration.ofMinutes(5);
    private static final long MIB_KIB = 1024;

    /** Somebody at a guest's console. */
    private record Seat(Guest guest, ConsoleLog log, Verbs.Attachment attachment) {
        static Seat at(RunningFleet running, Guest guest) {
            ConsoleLog log = new ConsoleLog();
            try {
                HostVerbs verbs = new HostVerbs(running.fleet.host());
                return new Seat(guest, log, verbs.attach(guest.name(), log, log::close));
            } catch (ControlException e) {
                throw new AssertionError(guest.name(), e);
            }
        }

        void await(String text) throws InterruptedException {
            assertThat(log.awaitText(text, PATIENCE))
                    .as("'%s' of %s: %s", text, guest.name(), log.text())
                    .isTrue();
        }

        void type(String command) {
            byte[] bytes = (command + "\n").getBytes(StandardCharsets.US_ASCII);
            attachment.keys().typed(bytes, bytes.length);
        }
    }

    private static RunningFleet start(FleetConfig config) {
        BootInput input = DebianInput.orSkip();
        BootFiles files =
                new BootFiles(
                        input.kernel(), Optional.of(input.initrd()), input.defaultCommandLine());
        return new RunningFleet(config, _ -> Optional.of(files), Duration.ofMinutes(2)).start();
    }

    /** Waits until all have their prompt. */
    private static List<Seat> seats(RunningFleet running, int count) throws InterruptedException {
        while (running.fleet.host().guests().size() < count) {
            TimeUnit.MILLISECONDS.sleep(50);
        }
        List<Seat> seats = new ArrayList<>();
        for (Guest guest : running.fleet.host().guests()) {
            seats.add(Seat.at(running, guest));
        }
        for (Seat seat : seats) {
            seat.await(DebianImage.PROMPT);
        }
        return seats;
    }

    @Test
    void twentyGuestsRunAtOnceInFourGibibytes() throws Exception {
        FleetConfig config =
                RunningFleet.toml(
                        """
                        [guest.debian]
                        image = "debian"
                        memory = "128M"
                        network = []
                        count = 20
                        """);
        long begin = System.nanoTime();
        try (RunningFleet running = start(config)) {
            List<Seat> seats = seats(running, 20);
            double seconds = (System.nanoTime() - begin) / 1e9;
            seats.forEach(seat -> seat.type("echo $((6*7)) of $(hostname)"));
            for (Seat seat : seats) {
                seat.await("42 of debian");
            }
            assertThat(ResidentMemory.ofProcessKib()).isLessThan(4096 * MIB_KIB);
            System.out.printf(
                    "20 Debian guests of 128 MiB: all prompts after %.1f s, pool %,d KiB, process"
                            + " %,d KiB%n",
                    seconds, ResidentMemory.ofPoolKib(), ResidentMemory.ofProcessKib());
            running.fleet.shutdown();
            assertThat(running.ended()).as(running.said.text()).isTrue();
            for (Seat seat : seats) {
                assertThat(seat.log.text())
                        .doesNotContain("Call Trace")
                        .doesNotContain("Out of memory");
            }
        }
    }

    @Test
    void tenGuestsAreTwiceAsLargeAsTheLimitAndNothingIsKilled() throws Exception {
        long limitKib = 1280 * MIB_KIB;
        FleetConfig config =
                RunningFleet.toml(
                        """
                        memory-limit = "1280M"
                        [guest.debian]
                        image = "debian"
                        memory = "96M..256M"
                        network = []
                        count = 10
                        """);
        try (RunningFleet running = start(config)) {
            List<Seat> seats = seats(running, 10);
            requireAgents(seats);
            for (Seat seat : seats) {
                seat.type("dmesg -n 4; mount -o remount,size=200M /tmp; echo ready $((6*7))");
                seat.await("ready 42");
            }
            // Each in turn has its great moment: 90 MiB more, at a pace that a balloon can follow.
            for (Seat seat : seats) {
                seat.type(
                        "for i in 1 2 3 4 5 6 7 8 9; do dd if=/dev/zero of=/tmp/$i bs=1M count=10"
                                + " 2>/dev/null; sleep 1; done; ls /tmp | wc -l | sed s/^/full/");
                seat.await("full9");
                assertThat(sumOfCurrentKib(seats)).isLessThanOrEqualTo(limitKib);
                seat.type("rm /tmp/?; echo empty $((6*7))");
                seat.await("empty 42");
            }
            assertThat(seats).noneMatch(seat -> seat.guest.hasEnded());
            running.fleet.shutdown();
            assertThat(running.ended()).as(running.said.text()).isTrue();
            for (Seat seat : seats) {
                assertThat(seat.log.text())
                        .doesNotContain("Out of memory")
                        .doesNotContain("oom-kill")
                        .doesNotContain("Call Trace");
            }
        }
    }

    private static long sumOfCurrentKib(List<Seat> seats) {
        return seats.stream().mapToLong(seat -> seat.guest.balloon().currentKib()).sum();
    }

    /** Without an agent a guest does not say what it needs, and the policy cannot follow it. */
    private static void requireAgents(List<Seat> seats) throws InterruptedException {
        for (int i = 0; i < 100; i++) {
            if (seats.stream().allMatch(seat -> seat.guest.balloon().availableKib().isPresent())) {
                return;
            }
            TimeUnit.MILLISECONDS.sleep(100);
        }
        abort("SKIPPED: the guests write no data/memory-available, so nobody knows their need");
    }
}

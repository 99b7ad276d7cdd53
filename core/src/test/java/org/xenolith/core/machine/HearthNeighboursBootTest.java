package org.xenolith.core.machine;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.xenolith.core.boot.BootOptions;
import org.xenolith.core.boot.GuestDevices;
import org.xenolith.core.boot.Outcome;
import org.xenolith.core.image.debian.HearthImage;
import org.xenolith.core.image.debian.HearthInput;
import org.xenolith.devices.net.NetworkSpec;
import org.xenolith.guests.GuestImages;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/**
 * Many hearths on one bridge in one JVM: each has an address, pings its neighbour, serves a page
 * and fetches the neighbour's, while the host takes memory from all of them and gives it back.
 */
@Timeout(value = 8, unit = TimeUnit.MINUTES)
class HearthNeighboursBootTest {
    private static final Duration PATIENCE = Duration.ofMinutes(4);
    private static final long MIB_KIB = 1024;
    private static final long FULL_KIB = 16 * MIB_KIB, SMALL_KIB = 10 * MIB_KIB;

    @TempDir Path folder;

    private record Hearth(Guest guest, GuestConsole console) {
        /** Types a command whose output ends with the answer. */
        void await(String answer, long position) throws InterruptedException {
            assertThat(console.awaitText(answer, position, PATIENCE)).as(console::text).isTrue();
        }
    }

    @Test
    void fourPingAndServeWhileTheirMemoryIsBallooned() throws Exception {
        pingAndServeWhileBallooned(4);
    }

    @Test
    @Tag("proof")
    void fiftyPingAndServeWhileTheirMemoryIsBallooned() throws Exception {
        pingAndServeWhileBallooned(50);
    }

    private static final long MOST_RESIDENT_KIB = 10 << 10;

    private void pingAndServeWhileBallooned(int count) throws Exception {
        Path initrd = HearthInput.orSkip();
        Path kernel = folder.resolve(GuestImages.HEARTH);
        Files.write(kernel, GuestImages.read(GuestImages.HEARTH));
        long started = System.nanoTime();
        try (Host host = Host.start(count * FULL_KIB * 1024 + (64L << 20), 2)) {
            List<Hearth> hearths = new ArrayList<>();
            for (int i = 0; i < count; i++) {
                GuestConsole console = new GuestConsole();
                Guest guest = host.create(options(kernel, initrd, i), console);
                guest.start();
                hearths.add(new Hearth(guest, console));
            }
            for (Hearth hearth : hearths) {
                hearth.await(HearthImage.PROMPT, 0);
            }
            long allThere = System.nanoTime();
            for (Hearth hearth : hearths) {
                JsonObject request = new JsonObject();
                request.addProperty("guest", hearth.guest().id());
                request.addProperty("kib", SMALL_KIB);
                new HostVerbs(host).perform("mem-set", request);
            }
            visitNeighbours(hearths);
            awaitSize(hearths, SMALL_KIB);
            hearths.forEach(hearth -> hearth.guest().balloon().setTargetKib(FULL_KIB));
            visitNeighbours(hearths);
            awaitSize(hearths, FULL_KIB);
            System.err.printf(
                    "%d hearths: all at their prompts after %d ms; pool %,d KiB resident%n",
                    count,
                    TimeUnit.NANOSECONDS.toMillis(allThere - started),
                    ResidentMemory.ofPoolKib());
            // A kernel that goes through all its pages before it uses one again costs twice that.
            assertThat(ResidentMemory.ofPoolKib())
                    .as("KiB resident: pages that no guest has needed")
                    .isLessThan(count * MOST_RESIDENT_KIB);
            for (Hearth hearth : hearths) {
                hearth.guest().request(Guest.Request.POWEROFF);
            }
            for (Hearth hearth : hearths) {
                assertThat(hearth.guest().await(Optional.of(PATIENCE)).ending())
                        .as(hearth.console()::text)
                        .isInstanceOf(Outcome.PoweredOff.class);
            }
        }
    }

    private static BootOptions options(Path kernel, Path initrd, int index) {
        String name = "hearth" + index;
        return BootOptions.of(name, kernel, FULL_KIB * 1024)
                .initrd(Optional.of(initrd))
                .commandLine("ip=" + address(index) + "/24 serve hostname=" + name)
                .devices(new GuestDevices(List.of(), List.of(NetworkSpec.parse("none")), List.of()))
                .build();
    }

    private static String address(int index) {
        return "10.0.0." + (index + 1);
    }

    /** All at once: what one waits for, its neighbour has to do at the same time. */
    private static void visitNeighbours(List<Hearth> hearths) throws InterruptedException {
        List<Long> positions = new ArrayList<>();
        for (int i = 0; i < hearths.size(); i++) {
            String neighbour = address((i + 1) % hearths.size());
            positions.add(hearths.get(i).console().position());
            hearths.get(i)
                    .console()
                    // The neighbour may be at its prompt before its network is connected.
                    .type(
                            ("until ping -c 1 -W 5 %1$s >/dev/null; do :; done; echo pinged;"
                                            + " wget -q -O - http://%1$s/ | grep -c Served;"
                                            + " echo visited $((6 * 7))\r")
                                    .formatted(neighbour));
        }
        for (int i = 0; i < hearths.size(); i++) {
            Hearth hearth = hearths.get(i);
            hearth.await("visited 42", positions.get(i));
            assertThat(hearth.console().textFrom(positions.get(i)))
                    .contains("\npinged")
                    .contains("\n1\r\n");
        }
    }

    private static void awaitSize(List<Hearth> hearths, long kib) throws InterruptedException {
        long end = System.nanoTime() + PATIENCE.toNanos();
        for (Hearth hearth : hearths) {
            while (hearth.guest().balloon().currentKib() != kib) {
                assertThat(System.nanoTime()).as("the balloon arrives in time").isLessThan(end);
                TimeUnit.MILLISECONDS.sleep(20);
            }
        }
    }
}

package org.xenolith.core.machine;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.xenolith.core.boot.BootOptions;
import org.xenolith.core.boot.GuestDevices;
import org.xenolith.core.boot.Outcome;
import org.xenolith.core.image.debian.HearthImage;
import org.xenolith.core.image.debian.HearthInput;
import org.xenolith.core.mm.SharedFrames;
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
 * Hearths whose host holds what they have in common only once, while they work and when one ends.
 */
@Timeout(value = 6, unit = TimeUnit.MINUTES)
class MemorySharingBootTest {
    private static final Duration PATIENCE = Duration.ofMinutes(3);
    private static final int COUNT = 3;
    private static final long MEMORY_BYTES = 16L << 20;

    /** A kernel, its RAM disk and what runs have more than 1 MiB that is the same in all. */
    private static final long PAGES_IN_COMMON = 256;

    @TempDir Path folder;

    private record Hearth(Guest guest, GuestConsole console) {
        void await(String answer, long position) throws InterruptedException {
            assertThat(console.awaitText(answer, position, PATIENCE)).as(console::text).isTrue();
        }

        String run(String command) throws InterruptedException {
            long position = console.position();
            console.type(command + "; echo done $((6 * 7))\r");
            await("done 42", position);
            return console.textFrom(position);
        }
    }

    @Test
    void hearthsThatShareTheirPagesWorkOnEachForItself() throws Exception {
        Path initrd = HearthInput.orSkip();
        Path kernel = folder.resolve(GuestImages.HEARTH);
        Files.write(kernel, GuestImages.read(GuestImages.HEARTH));
        try (Host host = Host.start(COUNT * MEMORY_BYTES + (64L << 20), 2)) {
            SharedFrames shared = host.pool().shared();
            List<Hearth> hearths = start(host, kernel, initrd);
            host.shareMemory();
            awaitShared(hearths);
            assertThat(shared.savedFrames()).isGreaterThan((COUNT - 1) * PAGES_IN_COMMON);

            for (Hearth hearth : hearths) {
                writeAndCompare(hearth);
            }
            awaitShared(hearths);
            visitNeighbours(hearths);

            Hearth first = hearths.removeFirst();
            powerOff(first);
            for (Hearth hearth : hearths) {
                writeAndCompare(hearth);
            }
            for (Hearth hearth : hearths) {
                powerOff(hearth);
            }
            assertThat(shared.frames()).as("nobody is left to share").isZero();
        }
    }

    private static List<Hearth> start(Host host, Path kernel, Path initrd) throws Exception {
        List<Hearth> hearths = new ArrayList<>();
        for (int i = 0; i < COUNT; i++) {
            GuestConsole console = new GuestConsole();
            BootOptions options =
                    BootOptions.of("hearth" + i, kernel, MEMORY_BYTES)
                            .initrd(Optional.of(initrd))
                            .commandLine("ip=" + address(i) + "/24 serve hostname=hearth" + i)
                            .devices(network())
                            .build();
            Guest guest = host.create(options, console);
            guest.start();
            hearths.add(new Hearth(guest, console));
        }
        for (Hearth hearth : hearths) {
            hearth.await(HearthImage.PROMPT, 0);
        }
        return hearths;
    }

    private static GuestDevices network() {
        return new GuestDevices(List.of(), List.of(NetworkSpec.parse("none")), List.of());
    }

    private static String address(int index) {
        return "10.0.0." + (index + 1);
    }

    private static void awaitShared(List<Hearth> hearths) throws InterruptedException {
        long end = System.nanoTime() + PATIENCE.toNanos();
        for (Hearth hearth : hearths) {
            while (hearth.guest().domain().frames().sharedPages() < PAGES_IN_COMMON) {
                assertThat(System.nanoTime()).as("pages are found in time").isLessThan(end);
                TimeUnit.MILLISECONDS.sleep(20);
            }
        }
    }

    /**
     * Fills pages with what only this guest has, beside those that it shares, and reads all back.
     */
    private static void writeAndCompare(Hearth hearth) throws InterruptedException {
        String name = hearth.guest().name();
        String answer =
                hearth.run(
                        ("rm -f /a /b; i=0; while [ $i -lt 2000 ]; do echo %1$s $i; i=$((i+1));"
                             + " done > /a; cp /a /b; cmp /a /b && echo same; grep -c '^%1$s ' /b;"
                             + " grep -vc '^%1$s ' /b")
                                .formatted(name));
        assertThat(answer).contains("\nsame\r\n2000\r\n0\r\n");
    }

    private static void visitNeighbours(List<Hearth> hearths) throws InterruptedException {
        for (int i = 0; i < hearths.size(); i++) {
            String neighbour = address((i + 1) % hearths.size());
            String answer =
                    hearths.get(i)
                            .run("wget -q -O - http://%s/ | grep -c Served".formatted(neighbour));
            assertThat(answer).contains("\n1\r\n");
        }
    }

    private static void powerOff(Hearth hearth) throws InterruptedException {
        hearth.guest().request(Guest.Request.POWEROFF);
        assertThat(hearth.guest().await(Optional.of(PATIENCE)).ending())
                .as(hearth.console()::text)
                .isInstanceOf(Outcome.PoweredOff.class);
        hearth.guest().close();
    }
}

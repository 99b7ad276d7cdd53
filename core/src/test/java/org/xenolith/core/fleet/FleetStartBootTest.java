package org.xenolith.core.fleet;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.xenolith.guests.GuestImages;

import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** What a guest's own files do to the start of a fleet: they may break what reads them. */
@Timeout(value = 3, unit = TimeUnit.MINUTES)
class FleetStartBootTest {
    @TempDir Path folder;

    private RunningFleet fleet(ImageCatalogue images, String toml) {
        String defaults = "[defaults]\nimage = \"lantern\"\nmemory = \"8M\"\nnetwork = []\n";
        return new RunningFleet(RunningFleet.toml(defaults + toml), images, Duration.ofSeconds(90));
    }

    /** Knows lantern, and one image more. */
    private ImageCatalogue lanternAnd(ImageCatalogue other) {
        ImageCatalogue lantern = RunningFleet.lantern(folder);
        return name -> (name.equals(GuestImages.LANTERN) ? lantern : other).find(name);
    }

    @Test
    void guestWhoseFilesBreakTheirReaderIsOneSentenceAndTheOthersRun() throws Exception {
        ImageCatalogue images =
                lanternAnd(
                        name -> {
                            if (name.equals("large")) {
                                throw new OutOfMemoryError("Java heap space");
                            }
                            throw new ArithmeticException("long overflow");
                        });
        try (RunningFleet fleet =
                fleet(
                        images,
                        """
                        [guest.a]
                        image = "large"
                        [guest.b]
                        image = "damaged"
                        [guest.fine]
                        cmdline = "run=poweroff"
                        """)) {
            assertThat(fleet.start().ended()).as("ended as they should").isFalse();
            assertThat(fleet.said.text().lines())
                    .containsExactlyInAnyOrder(
                            "vmm: a cannot start: java.lang.OutOfMemoryError: Java heap space.",
                            "vmm: b cannot start: java.lang.ArithmeticException: long overflow.",
                            "vmm: fine powered off.");
        }
    }

    @Test
    void fleetIsDestroyedWhileAGuestsDiskIsStillRead() throws Exception {
        CountDownLatch reading = new CountDownLatch(1);
        CountDownLatch mayEnd = new CountDownLatch(1);
        ImageCatalogue lantern = RunningFleet.lantern(folder);
        ImageCatalogue images =
                lanternAnd(
                        name -> {
                            reading.countDown();
                            await(mayEnd);
                            return lantern.find(GuestImages.LANTERN);
                        });
        try (RunningFleet fleet =
                fleet(
                        images,
                        """
                        [guest.slow]
                        image = "large"
                        """)) {
            fleet.start();
            await(reading);
            fleet.fleet.shutdown();
            // Returns, though the guest is not there yet.
            fleet.fleet.shutdown();
            mayEnd.countDown();
            assertThat(fleet.ended()).as("nothing was started, nothing had to be ended").isTrue();
            assertThat(fleet.consoles.text()).isEmpty();
        } finally {
            mayEnd.countDown();
        }
    }

    private static void await(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}

package org.xenolith.core.machine;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.xenolith.core.boot.BootOptions;
import org.xenolith.core.boot.Outcome;
import org.xenolith.core.image.debian.BootInput;
import org.xenolith.core.image.debian.DebianImage;
import org.xenolith.core.image.debian.DebianInput;

import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;

/** A running Debian gives memory back and gets it again, and the process's memory follows. */
@Timeout(value = 4, unit = TimeUnit.MINUTES)
class DebianBalloonBootTest {
    private static final Duration PATIENCE = Duration.ofSeconds(110);
    private static final long MIB_KIB = 1024;

    private final GuestConsole console = new GuestConsole();

    @Test
    void memoryTargetMovesTheGuestAndTheProcess() throws Exception {
        BootInput input = DebianInput.orSkip();
        BootOptions options = BootFixture.debian(input, "", 256 * BootFixture.MIB, 1);
        try (Host host = Host.start(options.memoryBytes() + Host.OVERHEAD_BYTES, 1)) {
            Guest guest = host.create(options, console);
            guest.start();
            assertThat(console.awaitText(DebianImage.PROMPT, PATIENCE)).isTrue();
            await(() -> guest.balloon().availableKib().isPresent());
            assertThat(guest.balloon().availableKib().getAsLong())
                    .as("KiB that the guest could spare, by its own word")
                    .isBetween(64 * MIB_KIB, 256 * MIB_KIB);
            // File pages are memory that the guest can give back and the host really holds.
            fill("first");
            long full = ResidentMemory.ofPoolKib();
            assertThat(full).isGreaterThan(112 * MIB_KIB);
            run("rm /tmp/*; echo freed $((7*6))", "freed 42");

            guest.balloon().setTargetKib(96 * MIB_KIB);
            await(() -> guest.balloon().currentKib() == 96 * MIB_KIB);
            host.pool().trim();
            assertThat(ResidentMemory.ofPoolKib())
                    .as("resident KiB after the guest shrank, %d before", full)
                    .isLessThan(full - 80 * MIB_KIB);

            guest.balloon().setTargetKib(256 * MIB_KIB);
            await(() -> guest.balloon().currentKib() == 256 * MIB_KIB);
            long small = ResidentMemory.ofPoolKib();
            fill("second");
            assertThat(ResidentMemory.ofPoolKib())
                    .as("resident KiB after the guest grew and used it, %d before", small)
                    .isGreaterThan(small + 80 * MIB_KIB);
            console.type("poweroff -f\n");
            assertThat(guest.await(Optional.of(PATIENCE)).ending())
                    .isInstanceOf(Outcome.PoweredOff.class);
        }
        assertThat(console.text()).doesNotContain("Call Trace").doesNotContain("Out of memory");
    }

    private void fill(String mark) throws InterruptedException {
        run(
                "dd if=/dev/zero of=/tmp/"
                        + mark
                        + " bs=1M count=112 2>/dev/null; echo "
                        + mark
                        + " full $((6*7))",
                mark + " full 42");
    }

    private void run(String command, String answer) throws InterruptedException {
        console.type(command + "\n");
        assertThat(console.awaitText(answer, PATIENCE)).as(console.text()).isTrue();
    }

    private static void await(BooleanSupplier condition) throws InterruptedException {
        long end = System.nanoTime() + PATIENCE.toNanos();
        while (!condition.getAsBoolean()) {
            assertThat(System.nanoTime()).as("the balloon arrives in time").isLessThan(end);
            TimeUnit.MILLISECONDS.sleep(20);
        }
    }
}

package org.xenolith.core.machine;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.xenolith.core.boot.BootOptions;
import org.xenolith.core.boot.Outcome;
import org.xenolith.core.image.debian.BootInput;
import org.xenolith.core.image.debian.DebianInput;
import org.xenolith.cpu.translate.Tier;

import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/** A Debian boot does the same whoever executes it: interpreter, translator, or both. */
@Tag("proof")
@Timeout(value = 15, unit = TimeUnit.MINUTES)
class DebianTiersBootTest {
    private static final long MANY_ENTRIES = 100_000;

    /** Of wall time, on a machine that may have other things to do. */
    private static final Duration PATIENCE = Duration.ofMinutes(12);

    @Test
    void aTranslatedBootEndsAsAnInterpretedOne() throws IOException {
        BootInput input = DebianInput.orSkip();
        List<String> interpreted = TierRuns.end(virtualRun(input, 1, Tier.INTERP));
        assertThat(TierRuns.end(virtualRun(input, 1, Tier.JIT))).isEqualTo(interpreted);
        System.out.println("interpreted and translated: " + interpreted);
    }

    @Test
    void aTranslatedBootWithFourCpusEndsAsAnInterpretedOne() throws IOException {
        BootInput input = DebianInput.orSkip();
        List<String> interpreted = TierRuns.end(virtualRun(input, 4, Tier.INTERP));
        assertThat(TierRuns.end(virtualRun(input, 4, Tier.JIT))).isEqualTo(interpreted);
        System.out.println("interpreted and translated: " + interpreted);
    }

    @Test
    void lockStepFindsNoDifferenceInAWholeBoot() throws IOException {
        Outcome verified = virtualRun(DebianInput.orSkip(), 1, Tier.VERIFY);
        assertThat(TierRuns.compared(verified)).isGreaterThan(MANY_ENTRIES);
        System.out.println(
                "lock step: %,d entries compared, %s"
                        .formatted(TierRuns.compared(verified), TierRuns.end(verified)));
    }

    private static Outcome virtualRun(BootInput input, int vcpus, Tier tier) throws IOException {
        BootOptions options =
                BootOptions.of("test", input.kernel(), 128 * BootFixture.MIB)
                        .initrd(Optional.of(input.initrd()))
                        .commandLine(input.defaultCommandLine() + " run=nproc")
                        .vcpus(vcpus)
                        .timeout(Optional.of(PATIENCE))
                        .virtualTime(true)
                        .statistics(true)
                        .build()
                        .withTier(tier);
        GuestConsole console = new GuestConsole();
        Outcome outcome = new VmmMachine().boot(options, console);
        assertThat(outcome.ending()).as(console.text()).isInstanceOf(Outcome.PoweredOff.class);
        assertThat(console.text()).contains("\n" + vcpus + "\r");
        return outcome;
    }
}

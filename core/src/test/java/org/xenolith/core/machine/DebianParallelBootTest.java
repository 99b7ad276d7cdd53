package org.xenolith.core.machine;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.xenolith.core.boot.Outcome;
import org.xenolith.core.image.Initramfs;

import java.nio.file.Path;
import java.util.concurrent.TimeUnit;

/** Debian with four CPUs that run in parallel, all of them busy while CPUs come and go. */
@Tag("proof")
@Timeout(value = 10, unit = TimeUnit.MINUTES)
class DebianParallelBootTest {
    private static final int ROUNDS = 4;

    private static final String STORM =
            """
            for i in $(seq 15); do (echo $i | cat | tr 0-9 a-j >/dev/null) & done; wait
            """;

    private static final String LOAD =
            """
            digest=$(dd if=/dev/zero bs=64k count=12 2>/dev/null | sha256sum)
            for job in 1 2 3 4; do
                (sh /t/storm; echo storm >>/tmp/ended) &
                (now=$(dd if=/dev/zero bs=64k count=12 2>/dev/null | sha256sum)
                    [ "$now" = "$digest" ] && echo digest >>/tmp/ended) &
            done
            cd /sys/devices/system/cpu
            for cpu in 1 2 3; do echo 0 >cpu$cpu/online; done
            for cpu in 1 2 3; do echo 1 >cpu$cpu/online; done
            wait
            sort /tmp/ended | uniq -c; rm /tmp/ended; cat online
            """;

    private static final String COMPLAINTS =
            """
            dmesg | grep -E 'WARNING:|BUG:|Oops|Call Trace|detected stall|soft lockup'
            """;

    @Test
    void fourBusyCpusLoseNothingWhileCpusGoAndCome(@TempDir Path folder) throws Exception {
        Initramfs files = new Initramfs();
        files.file("t/storm", 0755, STORM).file("t/load", 0755, LOAD);
        files.file("t/complaints", 0755, COMPLAINTS);
        try (DebianSession debian = DebianSession.boot(4, files, folder)) {
            for (int round = 1; round <= ROUNDS; round++) {
                long start = System.nanoTime();
                assertThat(debian.run("sh /t/load").replaceAll(" +", " "))
                        .as("round %d", round)
                        .isEqualTo(" 4 digest\n 4 storm\n0-3\n");
                System.err.printf(
                        "*** parallel load, round %d: %.1f s%n",
                        round, (System.nanoTime() - start) / 1e9);
            }
            assertThat(debian.run("sh /t/complaints")).isEmpty();
            assertThat(debian.powerOff().ending()).isInstanceOf(Outcome.PoweredOff.class);
        }
    }
}

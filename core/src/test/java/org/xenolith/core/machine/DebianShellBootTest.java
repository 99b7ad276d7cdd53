package org.xenolith.core.machine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.xenolith.core.boot.Outcome;
import org.xenolith.core.image.Initramfs;
import org.xenolith.devices.host.HostNeeds;

import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What people do in a shell, in one Debian guest with two CPUs. Its kernel must stay content. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@Timeout(value = 4, unit = TimeUnit.MINUTES)
class DebianShellBootTest {
    private static final double CLOCK_TOLERANCE = 0.02;

    private static final String SIGNALS =
            """
            trap 'echo got INT' INT; kill -INT $$
            trap 'echo got ALRM' ALRM; (sleep 0.2; kill -ALRM $$) & wait $!; echo waited $?; wait
            trap 'echo got CHLD' CHLD; sleep 0.1 & wait; trap - CHLD
            sleep 100 & kill -TERM $!; wait $! 2>/dev/null; echo killed $?
            timeout -s KILL 0.3 sleep 100 2>/dev/null; echo timeout $?
            """;

    private static final String PIPES =
            """
            seq 1 1000 | sort -rn | tail -n 1
            mkfifo /tmp/fifo; (echo through the fifo >/tmp/fifo &); cat /tmp/fifo
            yes | head -c 1000000 | tr -d '\\n' | wc -c
            echo a b c | while read -r first rest; do echo "$rest $first"; done
            """;

    private static final String DIGESTS =
            """
            printf %s abc | sha256sum
            dd if=/dev/zero of=/tmp/zeros bs=64k count=128 2>&1 | head -n 2
            sha256sum </tmp/zeros
            dd if=/tmp/zeros bs=1 skip=8388600 2>/dev/null | wc -c
            rm /tmp/zeros
            """;

    private static final String HOTPLUG =
            """
            cd /sys/devices/system/cpu
            echo 0 >cpu1/online; cat online
            echo 1 >cpu1/online; cat online
            taskset 2 cut -d' ' -f39 /proc/self/stat
            """;

    private Optional<HostProgram> floatingPoint;
    private Optional<HostProgram> i386;
    private DebianSession debian;

    @BeforeAll
    void boot(@TempDir Path folder) throws Exception {
        Initramfs files = new Initramfs();
        files.file("t/signals", 0755, SIGNALS).file("t/pipes", 0755, PIPES);
        files.file("t/digests", 0755, DIGESTS).file("t/hotplug", 0755, HOTPLUG);
        floatingPoint = HostProgram.build(folder, "floating-point");
        if (floatingPoint.isPresent()) {
            files.file("t/floating-point", 0755, floatingPoint.get().bytes());
        }
        i386 = HostProgram.buildI386(folder, "i386-process");
        if (i386.isPresent()) {
            files.file("t/i386-process", 0755, i386.get().bytes());
        }
        debian = DebianSession.boot(2, files, folder);
    }

    @AfterEach
    void kernelHasNoComplaint() throws Exception {
        assertThat(debian.run("dmesg | grep -E 'WARNING:|BUG:|Oops|Call Trace'")).isEmpty();
    }

    @AfterAll
    void powerOff() throws Exception {
        if (debian != null) {
            assertThat(debian.powerOff().ending()).isInstanceOf(Outcome.PoweredOff.class);
            debian.close();
        }
    }

    @Test
    void signalsReachTheirHandlersAndEndProcesses() throws Exception {
        assertThat(debian.run("sh /t/signals"))
                .isEqualTo(
                        """
                        got INT
                        got ALRM
                        waited 142
                        got CHLD
                        killed 143
                        timeout 137
                        """);
    }

    /** A shell of its own says when it runs: it is in the foreground before it prints. */
    @Test
    void interruptKeyEndsWhatRunsInTheForeground() throws Exception {
        debian.runAndInterrupt("sh -c 'echo running; sleep 100'", "running");
        assertThat(debian.run("echo $?")).isEqualTo("130\n");
    }

    @Test
    void pipesCarryWhatIsWrittenIntoThem() throws Exception {
        assertThat(debian.run("sh /t/pipes"))
                .isEqualTo(
                        """
                        1
                        through the fifo
                        500000
                        b c a
                        """);
    }

    @Test
    void digestsOfKnownDataAreKnown() throws Exception {
        assertThat(debian.run("sh /t/digests"))
                .isEqualTo(
                        """
                        ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  -
                        128+0 records in
                        128+0 records out
                        2daeb1f36095b44b318410b3f4e8b5d989dcc7bb023d1426c492dab0a3053e74  -
                        8
                        """);
    }

    @Test
    void cLibraryPrintsAndReadsFloatingPointAsOnTheHost() throws Exception {
        HostNeeds.require(floatingPoint.isPresent(), HostProgram.COMPILER);
        String onTheHost = floatingPoint.get().run();
        assertThat(onTheHost).doesNotContain("DIFFERENT").hasLineCount(584);
        assertThat(debian.run("/t/floating-point")).isEqualTo(onTheHost);
    }

    @Test
    void processesOfTheI386Run() throws Exception {
        HostNeeds.require(i386.isPresent(), HostProgram.COMPILER);
        assertThat(debian.run("/t/i386-process; echo status $?"))
                .isEqualTo(
                        """
                        signal 0000000b at 12345678 trap 0000000e cs 00000023
                        signal 00000008 trap 00000000
                        of its thread abcd1234
                        child 00002a00
                        status 7
                        """);
    }

    @RepeatedTest(3)
    void cpuThatWentOfflineComesBackAndRunsProcesses() throws Exception {
        assertThat(debian.run("sh /t/hotplug")).isEqualTo("0\n0-1\n1\n");
    }

    /** Over ten seconds; a host that was busy elsewhere may wake the guest late, but not always. */
    @Test
    void guestSecondsAreHostSeconds() throws Exception {
        Seconds measured = measure();
        for (int i = 0; i < 2 && measured.slept > 10 * (1 + CLOCK_TOLERANCE); i++) {
            System.err.println("*** clocks measured once more: " + measured);
            measured = measure();
        }
        assertThat(measured.guest)
                .as("by the guest's clock: %s", measured)
                .isBetween(
                        measured.least * (1 - CLOCK_TOLERANCE),
                        measured.most * (1 + CLOCK_TOLERANCE));
        assertThat(measured.slept / 10)
                .as("length of a sleep of ten seconds: %s", measured)
                .isCloseTo(1, within(CLOCK_TOLERANCE));
    }

    /**
     * The same stretch of time by two clocks, and a sleep of ten seconds in it by the guest's.
     *
     * @param least by the host's clock between the two looks at the guest's
     * @param most the same with the looks, which a busy host makes long
     */
    private record Seconds(double guest, double least, double most, double slept) {}

    private Seconds measure() throws Exception {
        long before = System.nanoTime();
        double guestStart = uptime();
        long hostStart = System.nanoTime();
        String timed = debian.run("time sleep 10");
        long hostEnd = System.nanoTime();
        double guestEnd = uptime();
        long after = System.nanoTime();
        Matcher slept = Pattern.compile("real\\s+(\\d+)m\\s*([\\d.]+)s").matcher(timed);
        assertThat(slept.find()).as(timed).isTrue();
        return new Seconds(
                guestEnd - guestStart,
                (hostEnd - hostStart) / 1e9,
                (after - before) / 1e9,
                Integer.parseInt(slept.group(1)) * 60 + Double.parseDouble(slept.group(2)));
    }

    private double uptime() throws Exception {
        return Double.parseDouble(debian.run("cut -d' ' -f1 /proc/uptime").strip());
    }
}

package org.xenolith.core.machine;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.xenolith.core.boot.BootOptions;
import org.xenolith.core.boot.Outcome;
import org.xenolith.core.image.Initramfs;
import org.xenolith.core.image.debian.BootInput;
import org.xenolith.core.image.debian.DebianInput;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Debian 12's stock cloud kernel, unmodified, to its shell. */
@Timeout(value = 4, unit = TimeUnit.MINUTES)
class DebianBootTest {
    @TempDir Path folder;

    private final GuestConsole console = new GuestConsole();

    @Test
    void fourCpusComeOnlineAndTheShellWorks() throws Exception {
        try (DebianSession debian = DebianSession.boot(4)) {
            assertThat(debian.run("nproc")).isEqualTo("4\n");
            assertThat(debian.run("echo $((6*7))")).isEqualTo("42\n");
            assertThat(debian.run("dmesg | grep -cE 'WARN|BUG:|Oops'")).isEqualTo("0\n");
            assertThat(debian.powerOff().ending()).isInstanceOf(Outcome.PoweredOff.class);
            assertThat(debian.text()).doesNotContain("Call Trace");
        }
    }

    @Test
    void commandOfTheKernelsArgumentRunsAndForksFiveHundredTimes() throws IOException {
        BootInput input = DebianInput.orSkip();
        String script =
                """
                #!/bin/sh
                i=0
                while [ $i -lt 500 ]; do /bin/busybox true; i=$((i+1)); done
                echo forked $i
                awk 'BEGIN { printf("%.15g %.3e\\n", 355 / 113, 2 / 3) }'
                dmesg | grep -E 'WARNING:|BUG:|Oops'
                echo dmesg read
                """;
        Path initrd = folder.resolve("initrd");
        new Initramfs()
                .file("script", 0755, script.getBytes(StandardCharsets.UTF_8))
                .appendTo(input.initrd(), initrd);
        BootOptions options =
                BootFixture.options(
                        input.kernel(),
                        initrd,
                        input.defaultCommandLine() + " run=/script",
                        128 * BootFixture.MIB,
                        1,
                        false);
        Outcome outcome = new VmmMachine().boot(options, console);
        assertThat(outcome.ending()).isInstanceOf(Outcome.PoweredOff.class);
        assertThat(console.text())
                .contains("forked 500")
                .contains("3.14159292035398 6.667e-01")
                .contains("dmesg read")
                .doesNotContain("WARNING:")
                .doesNotContain("Oops");
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 4})
    @Tag("proof")
    void twoBootsInVirtualTimeEndAlike(int vcpus) throws IOException {
        BootInput input = DebianInput.orSkip();
        List<String> end = virtualRun(input, vcpus);
        assertThat(virtualRun(input, vcpus)).isEqualTo(end).anyMatch(l -> l.startsWith("ram "));
    }

    private static List<String> virtualRun(BootInput input, int vcpus) throws IOException {
        BootOptions options =
                BootFixture.options(
                        input.kernel(),
                        input.initrd(),
                        input.defaultCommandLine() + " run=nproc",
                        128 * BootFixture.MIB,
                        vcpus,
                        true);
        GuestConsole console = new GuestConsole();
        Outcome outcome = new VmmMachine().boot(options, console);
        assertThat(outcome.ending()).isInstanceOf(Outcome.PoweredOff.class);
        assertThat(console.text()).contains("\n" + vcpus + "\r");
        return TierRuns.end(outcome);
    }
}

package org.xenolith.core.machine;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.xenolith.core.image.Initramfs;
import org.xenolith.core.image.debian.BootInput;
import org.xenolith.core.image.debian.DebianImage;
import org.xenolith.core.image.debian.DebianInput;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;

/** Debian 12's stock cloud kernel, unmodified, to its shell. */
@Timeout(value = 4, unit = TimeUnit.MINUTES)
class DebianBootTest {
    private static final Duration PATIENCE = Duration.ofSeconds(110);

    @TempDir Path folder;

    private final GuestConsole console = new GuestConsole();

    @Test
    void fourCpusComeOnlineAndTheShellWorks() throws Exception {
        BootInput input = DebianInput.orSkip();
        BootOptions options = BootFixture.debian(input, "", 256 * BootFixture.MIB, 4);
        try (ExecutorService threads = Executors.newSingleThreadExecutor()) {
            Future<Outcome> run = threads.submit(() -> new VmmMachine().boot(options, console));
            assertThat(console.awaitText(DebianImage.PROMPT, PATIENCE))
                    .as("console so far: %s", console.text())
                    .isTrue();
            console.type("echo cpus $(nproc), shell $((6*7)); dmesg | grep -cE 'WARN|BUG:|Oops'\n");
            assertThat(console.awaitText("cpus 4, shell 42", PATIENCE)).isTrue();
            console.type("poweroff -f\n");
            assertThat(run.get().ending()).isInstanceOf(Outcome.PoweredOff.class);
        }
        assertThat(console.text()).doesNotContain("Call Trace");
    }

    @Test
    void scriptForksPipesComputesAndKeepsTime() throws IOException {
        BootInput input = DebianInput.orSkip();
        String script =
                """
                #!/bin/sh
                i=0
                while [ $i -lt 500 ]; do /bin/busybox true; i=$((i+1)); done
                echo forked $i
                seq 1 1000 | sort -rn | head -1
                printf %s abc | sha256sum
                awk 'BEGIN { printf("%.15g %.3e\\n", 355 / 113, 2 / 3) }'
                dd if=/dev/zero bs=64k count=64 2>/dev/null | wc -c
                sleep 100 & p=$!
                kill -TERM $p
                wait $p
                echo killed $?
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
                .contains("\n1000\r")
                .contains("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
                .contains("3.14159292035398 6.667e-01")
                .contains("\n4194304\r")
                .contains("killed 143")
                .contains("dmesg read")
                .doesNotContain("WARNING:")
                .doesNotContain("Oops");
    }

    @Test
    @Tag("proof")
    void twoBootsInVirtualTimeEndAlike() throws IOException {
        BootInput input = DebianInput.orSkip();
        assertThat(virtualRun(input)).isEqualTo(virtualRun(input)).contains("ram ");
    }

    private static String virtualRun(BootInput input) throws IOException {
        Path kernel = input.kernel();
        BootOptions options =
                BootFixture.options(
                        kernel,
                        input.initrd(),
                        input.defaultCommandLine() + " run=true",
                        128 * BootFixture.MIB,
                        1,
                        true);
        Outcome outcome = new VmmMachine().boot(options, new GuestConsole());
        assertThat(outcome.ending()).isInstanceOf(Outcome.PoweredOff.class);
        return outcome.statistics();
    }
}

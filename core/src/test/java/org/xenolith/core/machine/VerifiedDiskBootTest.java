package org.xenolith.core.machine;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.xenolith.core.boot.BootOptions;
import org.xenolith.core.boot.GuestDevices;
import org.xenolith.core.boot.Outcome;
import org.xenolith.core.config.DiskSpec;
import org.xenolith.core.image.Initramfs;
import org.xenolith.core.image.debian.BootInput;
import org.xenolith.core.image.debian.DebianInput;

import java.io.RandomAccessFile;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Shuffled direct writes of a guest, read back by the guest and judged by qemu-img. */
@Timeout(value = 4, unit = TimeUnit.MINUTES)
class VerifiedDiskBootTest {
    private static final long DISK_BYTES = 32 * BootFixture.MIB;
    private static final String SCRIPT =
            """
            #!/bin/sh
            /verify-disk /dev/xvda &
            /verify-disk /dev/xvdb &
            wait
            """;

    @TempDir Path folder;

    private final GuestConsole console = new GuestConsole();

    @Test
    @Tag("ci")
    void whatTwoProgramsWriteAtOnceIsReadBackFromQcow2AndRaw() throws Exception {
        HostTool.require("qemu-img");
        BootInput debian = DebianInput.orSkip();
        HostProgram program = HostProgram.orSkip(folder, "verify-disk");
        Path qcow2 = folder.resolve("disk.qcow2");
        Path raw = folder.resolve("disk.raw");
        HostTool.run("qemu-img", "create", "-q", "-f", "qcow2", "" + qcow2, "" + DISK_BYTES);
        try (RandomAccessFile file = new RandomAccessFile(raw.toFile(), "rw")) {
            file.setLength(DISK_BYTES);
        }
        Path initrd = folder.resolve("initrd");
        new Initramfs()
                .file("verify-disk", 0755, program.bytes())
                .file("script", 0755, SCRIPT)
                .appendTo(debian.initrd(), initrd);
        BootOptions options =
                BootFixture.options(
                                debian.kernel(),
                                initrd,
                                debian.defaultCommandLine() + " run=/script",
                                128 * BootFixture.MIB,
                                2,
                                false)
                        .with(
                                new GuestDevices(
                                        List.of(
                                                DiskSpec.parse("" + qcow2),
                                                DiskSpec.parse(raw + ",raw")),
                                        List.of(),
                                        List.of()));
        assertThat(new VmmMachine().boot(options, console).ending())
                .isInstanceOf(Outcome.PoweredOff.class);
        assertThat(console.text())
                .containsPattern("/dev/xvda: \\d{4,} blocks verified")
                .containsPattern("/dev/xvdb: \\d{4,} blocks verified")
                .doesNotContain("FAILED", "I/O error");
        HostTool.run("qemu-img", "check", "-q", "" + qcow2);
        // Both programs have the same seed.
        HostTool.run("qemu-img", "compare", "-f", "qcow2", "-F", "raw", "" + qcow2, "" + raw);
    }
}

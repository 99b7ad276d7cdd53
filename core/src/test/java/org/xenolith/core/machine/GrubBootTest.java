package org.xenolith.core.machine;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.xenolith.core.boot.BootOptions;
import org.xenolith.core.boot.GuestDevices;
import org.xenolith.core.boot.Outcome;
import org.xenolith.core.config.DiskSpec;
import org.xenolith.core.image.KernelImage;
import org.xenolith.core.image.debian.BootInput;
import org.xenolith.core.image.debian.DebianImage;
import org.xenolith.core.image.debian.DebianInput;

import java.io.InputStream;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * Debian's GRUB for Xen: a PV guest with drivers of its own, which reads the disk through our
 * backend and puts the kernel that it found in its own place.
 */
@Timeout(value = 4, unit = TimeUnit.MINUTES)
class GrubBootTest {
    private static final String GRUB = "/usr/lib/grub-xen/grub-x86_64-xen.bin";
    private static final String DOWN = "\033[B", ENTER = "\r";
    private static final int COMPARED_MIB = 8;

    /** Waits for a key for ever, and the first entry is not the one wanted. */
    private static final String MENU =
            """
            set timeout=-1
            menuentry 'Power off' {
                halt
            }
            menuentry 'Debian out of GRUB' {
                linux /boot/vmlinux %s from=grub
                initrd /boot/initrd
            }
            """;

    @TempDir Path folder;

    @Test
    void menuBootsTheKernelThatGrubReadFromTheDisk() throws Exception {
        HostTool.require("mke2fs");
        Path grub = HostTool.requireFile(GRUB, "grub-xen-host");
        BootInput debian = DebianInput.orSkip();
        Path disk = disk(debian);
        BootOptions options =
                BootFixture.options(grub, null, "", 256 * BootFixture.MIB, 1, false)
                        .with(
                                new GuestDevices(
                                        List.of(DiskSpec.parse("" + disk)), List.of(), List.of()));
        try (DebianSession guest = DebianSession.start(options)) {
            guest.await("GNU GRUB");
            guest.await("Debian out of GRUB");
            guest.type(DOWN);
            guest.type(ENTER);
            guest.await(DebianImage.PROMPT);
            guest.run("dmesg -n 1");
            assertThat(guest.run("cat /proc/cmdline")).contains("from=grub");
            // blkfront took over the rings that GRUB's driver had closed.
            assertThat(
                            guest.run(
                                    "dd if=/dev/xvda bs=1M count="
                                            + COMPARED_MIB
                                            + " 2>/dev/null | sha256sum"))
                    .startsWith(digestOfStart(disk));
            assertThat(guest.run("dmesg | grep -cE 'WARN|BUG:|Oops'")).isEqualTo("0\n");
            assertThat(guest.powerOff().ending()).isInstanceOf(Outcome.PoweredOff.class);
        }
    }

    /** The kernel lies there unpacked: GRUB 2.06 knows no LZ4. */
    private Path disk(BootInput debian) throws Exception {
        Path boot = Files.createDirectories(folder.resolve("root/boot"));
        Files.write(
                boot.resolve("vmlinux"),
                KernelImage.read(debian.kernel()).elf().contents().toArray(ValueLayout.JAVA_BYTE));
        Files.copy(debian.initrd(), boot.resolve("initrd"));
        Path grub = Files.createDirectory(boot.resolve("grub"));
        Files.writeString(grub.resolve("grub.cfg"), MENU.formatted(debian.defaultCommandLine()));
        Path disk = folder.resolve("disk.img");
        HostTool.run(
                "mke2fs", "-q", "-t", "ext4", "-d", "" + folder.resolve("root"), "" + disk, "128M");
        return disk;
    }

    private static String digestOfStart(Path file) throws Exception {
        try (InputStream in = Files.newInputStream(file)) {
            return HexFormat.of()
                    .formatHex(
                            MessageDigest.getInstance("SHA-256")
                                    .digest(in.readNBytes(COMPARED_MIB << 20)));
        }
    }
}

package org.xenolith.core.disk;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.xenolith.core.machine.HostTool;
import org.xenolith.devices.block.ImageFormat;
import org.xenolith.devices.block.Qcow2;
import org.xenolith.guests.GuestImages;

import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** What {@code vmm inspect} says about disks. */
class DiskReportTest {
    private static final int MIB = 1 << 20;

    @TempDir Path folder;

    private DiskReport report(Path disk) throws Exception {
        return DiskReport.of(disk).orElseThrow();
    }

    /** With lantern as its kernel, or what else is given. */
    private Path ext4(byte[] kernel) throws Exception {
        HostTool.require("mke2fs");
        Path boot = Files.createDirectories(folder.resolve("root/boot/grub"));
        Files.write(boot.resolveSibling("vmlinuz-6.1"), kernel);
        Files.writeString(
                boot.resolve("grub.cfg"),
                "menuentry 'one' {\n linux /boot/vmlinuz-6.1 root=/dev/sda1 quiet\n}\n");
        Path disk = folder.resolve("disk.img");
        HostTool.run(
                "mke2fs", "-q", "-t", "ext4", "-d", "" + folder.resolve("root"), "" + disk, "32M");
        return disk;
    }

    private Path partitioned(Path fileSystem) throws Exception {
        Path disk = folder.resolve("partitioned.img");
        try (RandomAccessFile file = new RandomAccessFile(disk.toFile(), "rw")) {
            file.seek(446);
            file.write(new byte[] {0, 0, 0, 0, (byte) 0x83, 0, 0, 0, 0, 8, 0, 0, 0, 0, 1, 0});
            file.seek(510);
            file.write(new byte[] {0x55, (byte) 0xaa});
            file.seek(MIB);
            file.write(Files.readAllBytes(fileSystem));
        }
        return disk;
    }

    @Test
    void diskIsNoBrokenKernelButSaysWhatItBoots() throws Exception {
        Path disk = ext4(GuestImages.read(GuestImages.LANTERN));
        DiskReport report = report(disk);
        assertThat(report.text().lines().map(String::strip))
                .contains(
                        disk + ": disk, raw",
                        "disk            33,554,432 bytes",
                        "content         ext4",
                        "boot files      the disk, /boot/grub/grub.cfg",
                        "kernel          /boot/vmlinuz-6.1",
                        "command line    root=/dev/xvda1 quiet console=hvc0");
        assertThat(report.bootable()).isTrue();
    }

    @Test
    void overlayTellsWhatLiesBelowAndPartitionsWhatIsOnThem() throws Exception {
        Path base = partitioned(ext4(GuestImages.read(GuestImages.LANTERN)));
        Path overlay = folder.resolve("overlay.qcow2");
        Qcow2.create(overlay, Files.size(base), base, ImageFormat.RAW);
        DiskReport report = report(overlay);
        assertThat(report.text())
                .contains(overlay + ": disk, qcow2\n")
                .contains("  backing file    " + base)
                .contains("  partitions      MBR\n")
                .contains("    1             33,554,432 bytes at 1,048,576: ext4\n")
                .contains("  boot files      partition 1, /boot/grub/grub.cfg\n");
        assertThat(report.bootable()).isTrue();
    }

    @Test
    void diskWithAKernelThatIsNoneDoesNotBoot() throws Exception {
        DiskReport report = report(ext4("#!/bin/sh\n".getBytes(StandardCharsets.UTF_8)));
        assertThat(report.text()).contains("does not boot here, because of its kernel: ");
        assertThat(report.bootable()).isFalse();
    }

    @Test
    void emptyQcow2BootsNothing() throws Exception {
        Path disk = folder.resolve("empty.qcow2");
        Qcow2.create(disk, 64 * MIB);
        DiskReport report = report(disk);
        assertThat(report.text())
                .contains("  disk            67,108,864 bytes\n")
                .contains("boots nothing by itself: There is no kernel to boot on the disk");
        assertThat(report.bootable()).isFalse();
    }

    @Test
    void formatOfAnotherMachineIsNamed() throws Exception {
        Path disk = Files.writeString(folder.resolve("a.vhdx"), "vhdxfile" + " ".repeat(4096));
        DiskReport report = report(disk);
        assertThat(report.text()).startsWith(disk + " is a VHDX image;").endsWith(".\n");
        assertThat(report.bootable()).isFalse();
    }

    @Test
    void kernelsAndWhatIsNothingAreNoDisks() throws Exception {
        Path file = folder.resolve("file");
        Files.write(file, GuestImages.read(GuestImages.LANTERN));
        assertThat(DiskReport.of(file)).isEmpty();
        assertThat(DiskReport.of(Files.write(file, new byte[MIB]))).isEmpty();
        assertThat(DiskReport.of(Files.writeString(file, "text"))).isEmpty();
        assertThat(DiskReport.of(folder)).isEmpty();
        assertThat(DiskReport.of(folder.resolve("none"))).isEmpty();
    }
}

package org.xenolith.core.boot;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.xenolith.core.config.DiskSpec;
import org.xenolith.core.disk.BootDisk;
import org.xenolith.core.machine.HostTool;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/** What is read from a disk at a guest's next start. */
class BootDiskTest {
    @TempDir Path folder;

    /** A disk with a kernel, an initial RAM disk and a way to boot them. */
    private Path disk(String kernel) throws Exception {
        HostTool.require("mke2fs");
        Path boot = Files.createDirectories(folder.resolve("root/boot/grub"));
        Files.writeString(boot.resolve("../vmlinuz"), "\177ELF " + kernel);
        Files.writeString(boot.resolve("../initrd.img"), "initrd");
        Files.writeString(
                boot.resolve("grub.cfg"),
                """
                menuentry 'a' {
                    linux /boot/vmlinuz root=/dev/xvda ro
                    initrd /boot/initrd.img
                }
                """);
        Path image = folder.resolve("guest.img");
        Files.deleteIfExists(image);
        HostTool.run("mke2fs", "-q", "-t", "ext4", "-d", folder + "/root", "" + image, "4M");
        return image;
    }

    private static BootOptions booting(BootDisk disk) throws IOException {
        return BootOptions.of("web", BootOptions.UNKNOWN_KERNEL, 8L << 20)
                .bootDisk(Optional.of(disk))
                .build()
                .forNextStart();
    }

    @Test
    void kernelThatTheGuestHasInstalledStartsNext() throws Exception {
        BootDisk disk = new BootDisk(DiskSpec.parse("" + disk("old")), Optional.empty(), "quiet");
        BootOptions first = booting(disk);
        assertThat(first.kernel()).hasContent("\177ELF old");
        assertThat(first.initrd().orElseThrow()).hasContent("initrd");
        assertThat(first.commandLine()).isEqualTo("root=/dev/xvda ro console=hvc0 quiet");

        assertThat(first.forNextStart()).as("the same files for the same content").isEqualTo(first);

        disk("new");
        BootOptions next = first.forNextStart();
        assertThat(next.kernel()).hasContent("\177ELF new");
        assertThat(next.commandLine()).isEqualTo(first.commandLine());
    }

    @Test
    void kernelThatADiskHeldBeforeLeavesNoFileUnlessAnotherDiskHasIt() throws Exception {
        Path first = disk("first");
        Path twin = Files.copy(first, folder.resolve("twin.img"));
        Path kernel = booting(BootDisk.of(DiskSpec.parse("" + first))).kernel();
        Path ofTwin = booting(BootDisk.of(DiskSpec.parse("" + twin))).kernel();
        assertThat(ofTwin).isEqualTo(kernel);

        Files.delete(twin);
        Files.copy(disk("second"), twin);
        Path second = booting(BootDisk.of(DiskSpec.parse("" + twin))).kernel();
        assertThat(kernel).as("the first disk was read with it").exists();

        booting(BootDisk.of(DiskSpec.parse("" + first)));
        assertThat(kernel).doesNotExist();
        assertThat(second).hasContent("\177ELF second");
    }

    @Test
    void initrdOfTheHostGoesBeforeTheDisks() throws Exception {
        Path own = folder.resolve("mine.img");
        BootDisk disk = new BootDisk(DiskSpec.parse("" + disk("k")), Optional.of(own), "");
        assertThat(booting(disk).initrd()).contains(own);
    }

    @Test
    void overlayOfTheGuestIsReadOnceItIsThere() throws Exception {
        Path overlay = folder.resolve("o.img");
        BootDisk disk = BootDisk.of(DiskSpec.parse(disk("base") + ",overlay=" + overlay));
        assertThat(booting(disk).kernel()).hasContent("\177ELF base");

        HostTool.require("qemu-img");
        Path changed = Files.move(disk("changed"), folder.resolve("changed.img"));
        Path base = disk("base");
        overlay(overlay, changed, base);
        assertThat(booting(disk).kernel()).hasContent("\177ELF changed");
    }

    /** Makes an overlay over a base that has what another disk has. */
    private static void overlay(Path overlay, Path content, Path base) throws Exception {
        HostTool.run(
                "qemu-img",
                "convert",
                "-O",
                "qcow2",
                "-B",
                "" + base,
                "-F",
                "raw",
                "" + content,
                "" + overlay);
    }

    @Test
    void kernelIsNotTakenFromAnOverlayOverAnotherBase() throws Exception {
        HostTool.require("qemu-img");
        Path old = Files.copy(disk("old"), folder.resolve("old.img"));
        Path base = disk("base");
        Path overlay = folder.resolve("o.img");
        overlay(overlay, base, old);
        BootDisk disk = BootDisk.of(DiskSpec.parse(base + ",overlay=" + overlay));
        assertThatThrownBy(() -> booting(disk))
                .isInstanceOf(IOException.class)
                .hasMessageStartingWith(
                        overlay + " is an overlay over " + old + ", not over " + base);
    }

    @Test
    void rawDiskIsNotReadAsTheImageThatItsGuestWroteIntoIt() throws Exception {
        HostTool.require("qemu-img");
        Path image = folder.resolve("other.img");
        Path secret = Files.move(disk("of another guest"), image);
        Path raw = folder.resolve("raw.img");
        HostTool.run(
                "qemu-img",
                "create",
                "-q",
                "-f",
                "qcow2",
                "-F",
                "raw",
                "-b",
                "" + secret,
                "" + raw);
        assertThat(booting(BootDisk.of(DiskSpec.parse(raw + ",qcow2"))).kernel())
                .as("what it would be")
                .hasContent("\177ELF of another guest");
        assertThatThrownBy(() -> booting(BootDisk.of(DiskSpec.parse(raw + ",raw"))))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("no known file system");
    }

    @Test
    void diskThatIsGoneIsOneSentence() throws Exception {
        BootDisk disk = BootDisk.of(DiskSpec.parse(folder + "/gone.img"));
        assertThatThrownBy(() -> booting(disk))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("gone.img")
                .message()
                .doesNotContain("\n");
    }
}

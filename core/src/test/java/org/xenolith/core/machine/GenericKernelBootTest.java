package org.xenolith.core.machine;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.xenolith.core.boot.BootOptions;
import org.xenolith.core.boot.GuestDevices;
import org.xenolith.core.boot.Outcome;
import org.xenolith.core.config.DiskSpec;
import org.xenolith.core.disk.DiskBoot;
import org.xenolith.core.image.Initramfs;
import org.xenolith.core.image.debian.BootInput;
import org.xenolith.core.image.debian.DebianImage;
import org.xenolith.core.image.debian.DebianInput;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Debian's generic kernel, whose disk and file system are modules: on a partitioned disk, found by
 * us and loaded by Debian's GRUB. XZ is what GRUB 2.06 can unpack, LZ4 it cannot.
 */
@Tag("proof")
@Timeout(value = 20, unit = TimeUnit.MINUTES)
class GenericKernelBootTest {
    private static final String GRUB = "/usr/lib/grub-xen/grub-x86_64-xen.bin";
    private static final String DOWN = "\033[B", ENTER = "\r";

    /** GRUB reads the kernel twice and makes 66 MB of 8 MB, all of it interpreted. */
    private static final Duration UNPACKING = Duration.ofMinutes(8);

    private static final Pattern PACKAGE = Pattern.compile("linux-image-([0-9]\\S*)");

    /** modules.dep: what a module needs stands behind it. */
    private static final String DEPENDENCIES =
            """
            kernel/drivers/block/xen-blkfront.ko:
            kernel/lib/crc16.ko:
            kernel/fs/mbcache.ko:
            kernel/crypto/crc32c_generic.ko:
            kernel/fs/jbd2/jbd2.ko: kernel/crypto/crc32c_generic.ko
            kernel/fs/ext4/ext4.ko: kernel/lib/crc16.ko kernel/fs/mbcache.ko kernel/fs/jbd2/jbd2.ko kernel/crypto/crc32c_generic.ko
            """;

    private static final String MENU =
            """
            set timeout=-1
            menuentry 'Power off' {
                halt
            }
            menuentry 'Debian, generic' {
                linux /boot/vmlinuz-%1$s %2$s from=grub
                initrd /boot/initrd.img-%1$s
            }
            """;

    @TempDir Path folder;

    private BootInput debian;
    private String release;
    private byte[] kernel;
    private Path disk;

    @BeforeEach
    void partitionedDisk() throws Exception {
        HostTool.require("apt-get", "apt-cache", "dpkg-deb", "mke2fs", "sfdisk");
        debian = DebianInput.orSkip();
        Matcher name = PACKAGE.matcher(HostTool.run("apt-cache", "depends", "linux-image-amd64"));
        assertThat(name.find()).as("a kernel that linux-image-amd64 depends on").isTrue();
        release = name.group(1);
        Path unpacked = unpack(name.group());
        kernel = Files.readAllBytes(unpacked.resolve("boot/vmlinuz-" + release));
        Path initrd = folder.resolve("initrd");
        modules(unpacked).appendTo(debian.initrd(), initrd);
        disk = folder.resolve("disk.img");
        GuestRoot.with(debian, folder)
                .add("boot/vmlinuz-" + release, kernel)
                .add("boot/initrd.img-" + release, Files.readAllBytes(initrd))
                .add("boot/grub/grub.cfg", MENU.formatted(release, debian.defaultCommandLine()))
                .writeDisk(disk, "gpt");
    }

    private Path unpack(String packageName) throws Exception {
        Path packages = Files.createDirectory(folder.resolve("packages"));
        HostTool.run("sh", "-c", "cd " + packages + " && apt-get -q download " + packageName);
        Path unpacked = folder.resolve("unpacked");
        try (DirectoryStream<Path> files = Files.newDirectoryStream(packages, "*.deb")) {
            HostTool.run("dpkg-deb", "-x", "" + files.iterator().next(), "" + unpacked);
        }
        return unpacked;
    }

    private Initramfs modules(Path unpacked) throws IOException {
        String root = "lib/modules/" + release + "/";
        Initramfs files = new Initramfs().file(root + "modules.dep", 0644, DEPENDENCIES);
        for (String line : DEPENDENCIES.lines().toList()) {
            String module = line.substring(0, line.indexOf(':'));
            files.file(root + module, 0644, Files.readAllBytes(unpacked.resolve(root + module)));
        }
        return files;
    }

    private static BootOptions withDisk(BootOptions options, Path disk) throws Exception {
        return options.with(
                new GuestDevices(List.of(DiskSpec.parse("" + disk)), List.of(), List.of()));
    }

    private void judge(DebianSession guest) throws Exception {
        guest.run("dmesg -n 1");
        assertThat(guest.run("uname -r")).isEqualTo(release + "\n");
        guest.run("modprobe xen-blkfront; until [ -b /dev/xvda1 ]; do sleep 0.1; done");
        assertThat(guest.run("modprobe ext4 && mount -o ro /dev/xvda1 /mnt && echo mounted"))
                .isEqualTo("mounted\n");
        String digest =
                HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(kernel));
        assertThat(guest.run("sha256sum </mnt/boot/vmlinuz-" + release)).startsWith(digest);
        assertThat(guest.run("dmesg | grep -cE 'WARN|BUG:|Oops|I/O error'")).isEqualTo("0\n");
        assertThat(guest.powerOff().ending()).isInstanceOf(Outcome.PoweredOff.class);
    }

    @Test
    void grubShowsItsMenuAndLoadsTheKernelItselfFromThePartition() throws Exception {
        Path grub = HostTool.requireFile(GRUB, "grub-xen-host");
        BootOptions options =
                BootOptions.of("test", grub, 512 * BootFixture.MIB)
                        .timeout(Optional.of(UNPACKING))
                        .build();
        try (DebianSession guest = DebianSession.start(withDisk(options, disk))) {
            guest.await("GNU GRUB");
            guest.await("Debian, generic");
            guest.type(DOWN);
            guest.type(ENTER);
            guest.await(DebianImage.PROMPT, UNPACKING);
            assertThat(guest.run("cat /proc/cmdline")).contains("from=grub");
            judge(guest);
        }
    }

    @Test
    void kernelIsFoundInThePartitionWithoutABootLoader() throws Exception {
        DiskBoot found = DiskBoot.from(disk);
        BootOptions options =
                BootFixture.options(
                        found.kernel(),
                        found.initrd().orElseThrow(),
                        debian.defaultCommandLine(),
                        256 * BootFixture.MIB,
                        2,
                        false);
        try (DebianSession guest = DebianSession.start(withDisk(options, disk))) {
            guest.await(DebianImage.PROMPT);
            judge(guest);
        }
    }
}

package org.xenolith.devices.filesystem;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.xenolith.devices.block.BlockImage;
import org.xenolith.devices.block.DiskImage;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

final class BootFilesTest {
    private static final int MEBIBYTE = 1 << 20;

    /** In the form that grub-mkconfig gives it on Debian. */
    private static final String DEBIAN =
            """
            if [ -s $prefix/grubenv ]; then
              set have_grubenv=true
              load_env
            fi
            if [ "${next_entry}" ] ; then
               set default="${next_entry}"
            else
               set default="%s"
            fi
            if [ x"${feature_menuentry_id}" = xy ]; then
              menuentry_id_option="--id"
            else
              menuentry_id_option=""
            fi
            function savedefault {
              if [ -z "${boot_once}" ]; then
                saved_entry="${chosen}"
              fi
            }
            set gfxpayload=keep # a comment's quote
            menuentry 'Debian GNU/Linux' --class debian $menuentry_id_option 'gnulinux-simple' {
            	load_video
            	if [ x$grub_platform = xxen ]; then linux /x; elif [ a = b ]; then linux /y; else set none=; fi
            	if [ a != a ]; then set none=then; else set other=else; fi
            	echo	'Loading Linux 6.1.0-18-amd64 ...'
            	linux	/boot/vmlinuz-6.1.0-18-amd64 root=UUID=abc ro  quiet "a b" $none $other
            	initrd	/boot/initrd.img-6.1.0-18-amd64
            }
            submenu 'Advanced options' $menuentry_id_option 'gnulinux-advanced' {
            	menuentry 'Old one' --class debian $menuentry_id_option 'gnulinux-old' {
            		linux	/boot/vmlinuz-6.1.0-9-amd64 root=UUID=abc ro
            		initrd	/boot/microcode.cpio /boot/initrd.img-6.1.0-9-amd64
            	}
            }
            """;

    @TempDir Path directory;

    @BeforeAll
    static void requireTools() {
        DiskMaker.MKE2FS.require();
    }

    @Test
    void defaultEntryOfGrubStarts() throws IOException {
        Path tree = kernels();
        DiskMaker.write(tree.resolve("boot/grub/grub.cfg"), DEBIAN.formatted("0"));

        try (BlockImage disk = DiskImage.open(ext4(tree), true)) {
            BootFiles files = BootFiles.find(disk);
            assertThat(files.kernel()).isEqualTo("/boot/vmlinuz-6.1.0-18-amd64");
            assertThat(files.commandLine()).isEqualTo("root=UUID=abc ro quiet a b else");
            assertThat(files.source()).isEqualTo("/boot/grub/grub.cfg");
            assertThat(files.fileSystem().volume().partition()).isZero();
            assertThat(files.readKernel()).asString().isEqualTo("kernel 18");
            assertThat(files.readInitrd()).asString().isEqualTo("initrd 18");
        }
    }

    @Test
    void entryOfASubmenuIsFoundByPathIdAndNumber() throws IOException {
        Path tree = kernels();
        for (String name :
                new String[] {
                    "gnulinux-advanced>gnulinux-old", "1>0", "Advanced options>Old one"
                }) {
            DiskMaker.write(tree.resolve("boot/grub/grub.cfg"), DEBIAN.formatted(name));

            try (BlockImage disk = DiskImage.open(ext4(tree), true)) {
                BootFiles files = BootFiles.find(disk);
                assertThat(files.readKernel()).as(name).asString().isEqualTo("kernel 9");
                assertThat(files.readInitrd()).asString().isEqualTo("microcode initrd 9");
            }
        }
    }

    @Test
    void bootPartitionOfItsOwnIsFound() throws IOException {
        DiskMaker.SGDISK.require();
        DiskMaker.MKFS_FAT.require();
        DiskMaker.MCOPY.require();
        Path tree = Files.createDirectory(directory.resolve("tree"));
        DiskMaker.write(tree.resolve("vmlinuz"), "kernel");
        DiskMaker.write(
                tree.resolve("grub/grub.cfg"),
                "menuentry x {\nsearch --set=root\nlinux (hd0,gpt2)/vmlinuz ro\n}\n");
        Path disk = DiskMaker.empty(directory.resolve("disk"), 64 * MEBIBYTE);
        DiskMaker.SGDISK.run("-n", "1:2048:+8M", "-n", "2:32768:+16M", "-n", "3:69632:+8M", disk);
        Path efi = DiskMaker.empty(directory.resolve("efi"), 8 * MEBIBYTE);
        DiskMaker.MKFS_FAT.run(efi);
        DiskMaker.paste(efi, disk, MEBIBYTE);
        DiskMaker.paste(ext4(tree), disk, 16 * MEBIBYTE);

        try (BlockImage image = DiskImage.open(disk, true)) {
            BootFiles files = BootFiles.find(image);
            assertThat(files.fileSystem().volume().partition()).isEqualTo(2);
            assertThat(files.readKernel()).asString().isEqualTo("kernel");
            assertThat(files.readInitrd()).isEmpty();
        }
    }

    @Test
    void extlinuxNamesItsFilesRelativeToItself() throws IOException {
        Path tree = kernels();
        DiskMaker.write(
                tree.resolve("boot/extlinux/extlinux.conf"),
                """
                DEFAULT linux
                LABEL rescue
                  KERNEL /none
                LABEL linux
                  LINUX ../vmlinuz-6.1.0-18-amd64
                  APPEND initrd=../initrd.img-6.1.0-18-amd64 root=/dev/xvda  ro
                """);

        try (BlockImage disk = DiskImage.open(ext4(tree), true)) {
            BootFiles files = BootFiles.find(disk);
            assertThat(files.readKernel()).asString().isEqualTo("kernel 18");
            assertThat(files.readInitrd()).asString().isEqualTo("initrd 18");
            assertThat(files.commandLine()).isEqualTo("root=/dev/xvda ro");
        }
    }

    @Test
    void newestKernelStartsWithoutAConfiguration() throws IOException {
        try (BlockImage disk = DiskImage.open(ext4(kernels()), true)) {
            BootFiles files = BootFiles.find(disk);
            assertThat(files.kernel()).isEqualTo("/boot/vmlinuz-6.1.0-18-amd64");
            assertThat(files.initrds()).containsExactly("/boot/initrd.img-6.1.0-18-amd64");
            assertThat(files.commandLine()).isEmpty();
        }
    }

    @Test
    void diskWithoutAKernelSaysWhatWasWrong() throws IOException {
        Path tree = Files.createDirectory(directory.resolve("tree"));
        DiskMaker.write(tree.resolve("boot/grub/grub.cfg"), "menuentry x {\n linux /gone\n}");

        try (BlockImage disk = DiskImage.open(ext4(tree), true)) {
            assertThatThrownBy(() -> BootFiles.find(disk))
                    .isInstanceOf(UnreadableFileSystem.class)
                    .hasMessage(
                            "There is no kernel to boot on the disk: /boot/grub/grub.cfg on the"
                                    + " disk starts /gone, which is not on the disk");
        }
    }

    @Test
    void configurationThatNestsWithoutEndIsRefused() throws IOException {
        Path tree = Files.createDirectory(directory.resolve("tree"));
        DiskMaker.write(tree.resolve("boot/grub/grub.cfg"), "submenu x {\n".repeat(50_000));

        try (BlockImage disk = DiskImage.open(ext4(tree), true)) {
            assertThatThrownBy(() -> BootFiles.find(disk))
                    .hasMessage(
                            "There is no kernel to boot on the disk: /boot/grub/grub.cfg cannot be"
                                    + " understood: too many blocks within one another");
        }
    }

    private Path kernels() throws IOException {
        Path tree = Files.createDirectory(directory.resolve("tree"));
        for (int version : new int[] {9, 18}) {
            DiskMaker.write(
                    tree.resolve("boot/vmlinuz-6.1.0-%d-amd64".formatted(version)),
                    "kernel " + version);
            DiskMaker.write(
                    tree.resolve("boot/initrd.img-6.1.0-%d-amd64".formatted(version)),
                    "initrd " + version);
        }
        DiskMaker.write(tree.resolve("boot/microcode.cpio"), "microcode ");
        return tree;
    }

    private Path ext4(Path tree) throws IOException {
        Files.deleteIfExists(directory.resolve("root"));
        return DiskMaker.ext(directory.resolve("root"), 16 * MEBIBYTE, tree, "-t", "ext4");
    }
}

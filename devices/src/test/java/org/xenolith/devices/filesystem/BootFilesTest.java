package org.xenolith.devices.filesystem;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.xenolith.devices.block.BlockImage;
import org.xenolith.devices.block.DiskImage;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
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

    private interface Content {
        void copyTo(OutputStream out) throws IOException;
    }

    private static String text(Content content) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        content.copyTo(bytes);
        return bytes.toString(StandardCharsets.UTF_8);
    }

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
            assertThat(text(files::copyKernel)).isEqualTo("kernel 18");
            assertThat(text(files::copyInitrd)).isEqualTo("initrd 18");
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
                assertThat(text(files::copyKernel)).as(name).isEqualTo("kernel 9");
                assertThat(text(files::copyInitrd)).isEqualTo("microcode initrd 9");
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
            assertThat(text(files::copyKernel)).isEqualTo("kernel");
            assertThat(text(files::copyInitrd)).isEmpty();
        }
    }

    private Path treeThatStarts(String grubConfig) throws IOException {
        Path tree = Files.createDirectory(directory.resolve("tree"));
        DiskMaker.write(tree.resolve("boot/k"), "kernel");
        DiskMaker.write(tree.resolve("boot/grub/grub.cfg"), grubConfig);
        return tree;
    }

    private void assertRefused(Path tree, String why) throws IOException {
        try (BlockImage disk = DiskImage.open(ext4(tree), true)) {
            assertThatThrownBy(() -> BootFiles.find(disk))
                    .isInstanceOf(UnreadableFileSystem.class)
                    .hasMessageContaining(why)
                    .message()
                    .doesNotContainPattern("\\p{Cntrl}")
                    .hasSizeLessThan(3000);
        }
    }

    @Test
    void wordsOfVariablesDoNotFillTheMemory() throws IOException {
        String large = "set a='" + "x".repeat(16_000) + "'\n";
        String line = "linux /k " + "$a ".repeat(300_000);
        Path tree = treeThatStarts(large + "menuentry 'a' {\n" + line + "\n}\n");
        assertRefused(tree, "too long");
    }

    @Test
    void pathThroughALargeDirectoryAThousandTimesIsGivenUp() throws IOException {
        String path = "/d/..".repeat(3000);
        Path tree = treeThatStarts("menuentry 'a' {\nlinux " + path + "/boot/k\n}\n");
        Files.createDirectory(tree.resolve("d"));
        for (int i = 0; i < 1500; i++) {
            Files.createFile(tree.resolve("f".repeat(200) + i));
        }
        assertRefused(tree, "too much reading");
    }

    @Test
    void moreInitrdsThanAnyoneHasAreRefused() throws IOException {
        String line = "initrd" + " /boot/k".repeat(65);
        assertRefused(
                treeThatStarts("menuentry 'a' {\nlinux /boot/k\n" + line + "\n}\n"), "65 initrds");
    }

    @Test
    void pathThatWouldSteerATerminalIsNamedWithoutThat() throws IOException {
        Path tree = treeThatStarts("menuentry 'a' {\nlinux '/\033]0;title\007\u009b2J'\n}\n");
        assertRefused(tree, "/?]0;title??2J, which is not on the disk");
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
            assertThat(text(files::copyKernel)).isEqualTo("kernel 18");
            assertThat(text(files::copyInitrd)).isEqualTo("initrd 18");
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

package org.xenolith.devices.filesystem;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.xenolith.devices.block.BlockImage;
import org.xenolith.devices.block.DiskImage;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.IntStream;

final class ExtFileSystemTest {
    private static final int MEBIBYTE = 1 << 20;
    private static final int MANY = 1000;

    @TempDir Path directory;

    @BeforeAll
    static void requireTools() {
        DiskMaker.MKE2FS.require();
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(
            delimiter = '|',
            value = {
                "ext2 | ext2 | -t ext2",
                "ext2, 1 KiB blocks | ext2 | -t ext2 -b 1024",
                "ext3 | ext3 | -t ext3",
                "ext4 | ext4 | -t ext4",
                "ext4, 1 KiB blocks | ext4 | -t ext4 -b 1024",
                "ext4, 2 KiB blocks, large inodes | ext4 | -t ext4 -b 2048 -I 512",
                "ext4, 64 bits | ext4 | -t ext4 -O 64bit,metadata_csum",
                "ext4, 32 bits | ext4 | -t ext4 -O ^64bit,^metadata_csum",
                "ext4, inline data | ext4 | -t ext4 -O inline_data",
                "ext4, inline data, large inodes | ext4 | -t ext4 -O inline_data -I 1024",
                "ext4, no flexible groups | ext4 | -t ext4 -O ^flex_bg -g 1024",
                "ext4 as small as possible | ext4 | -t ext4 -O"
                        + " ^has_journal,^resize_inode,^dir_index",
            })
    void everyFileIsReadAsItWasWritten(String name, String type, String options)
            throws IOException {
        Path tree = makeTree();
        Path image =
                DiskMaker.ext(
                        directory.resolve("disk"),
                        96L * MEBIBYTE,
                        tree,
                        (Object[]) options.split(" "));

        try (BlockImage disk = DiskImage.open(image, true)) {
            assertThat(PartitionTable.read(disk)).isEmpty();
            FileSystem fileSystem = FileSystem.open(Volume.wholeDisk(disk));
            assertThat(fileSystem.type()).isEqualTo(type);
            for (String file :
                    new String[] {"/empty", "/tiny", "/small", "/odd", "/large", "/sparse"}) {
                assertThat(
                                Arrays.equals(
                                        fileSystem.read(file, 128 * MEBIBYTE),
                                        Files.readAllBytes(Path.of(tree + file))))
                        .as(file)
                        .isTrue();
            }
            assertThat(fileSystem.list("/many"))
                    .containsExactlyInAnyOrder(
                            IntStream.range(0, MANY)
                                    .mapToObj(ExtFileSystemTest::longName)
                                    .toArray(String[]::new));
            assertThat(fileSystem.list("/few")).containsExactlyInAnyOrder("a", "b", "c");
            assertThat(fileSystem.read("/many/" + longName(999), 100)).asString().isEqualTo("999");
        }
    }

    @Test
    void symbolicLinksAreFollowedWithinTheImage() throws IOException {
        Path tree = directory.resolve("tree");
        DiskMaker.write(tree.resolve("boot/vmlinuz-6.1"), "kernel");
        link(tree, "vmlinuz", "boot/vmlinuz-6.1");
        link(tree, "absolute", "/boot/vmlinuz-6.1");
        link(tree, "boot/up", "../../../vmlinuz");
        link(tree, "dir", "boot");
        link(tree, "long", "boot/" + "./".repeat(100) + "vmlinuz-6.1");
        link(tree, "dangling", "nowhere");
        link(tree, "circle", "circle");
        Path image = DiskMaker.ext(directory.resolve("disk"), 8 * MEBIBYTE, tree, "-t", "ext4");

        try (BlockImage disk = DiskImage.open(image, true)) {
            FileSystem fileSystem = FileSystem.open(Volume.wholeDisk(disk));
            for (String path :
                    new String[] {
                        "/vmlinuz",
                        "/absolute",
                        "/boot/up",
                        "/dir/vmlinuz-6.1",
                        "/long",
                        "//dir/./up"
                    }) {
                assertThat(fileSystem.read(path, 100)).as(path).asString().isEqualTo("kernel");
            }
            assertThat(fileSystem.isFile("/dangling")).isFalse();
            assertThat(fileSystem.isFile("/vmlinuz/below")).isFalse();
            assertThat(fileSystem.isFile("/boot")).isFalse();
            assertThatThrownBy(() -> fileSystem.isFile("/circle"))
                    .isInstanceOf(UnreadableFileSystem.class)
                    .hasMessage("Too many symbolic links on the way to /circle on the disk");
            assertThatThrownBy(() -> fileSystem.read("/none", 100))
                    .hasMessage("There is no /none on the disk");
            assertThatThrownBy(() -> fileSystem.read("/vmlinuz", 5))
                    .hasMessage(
                            "/vmlinuz on the disk has 6 bytes, more than the 5 that are sensible");
        }
    }

    @Test
    void truncatedFileSystemIsReportedAsOne() throws IOException {
        Path image =
                DiskMaker.ext(directory.resolve("disk"), 96L * MEBIBYTE, makeTree(), "-t", "ext4");
        try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "rw")) {
            file.setLength(MEBIBYTE);
        }

        try (BlockImage disk = DiskImage.open(image, true)) {
            FileSystem fileSystem = FileSystem.open(Volume.wholeDisk(disk));
            assertThatThrownBy(() -> fileSystem.read("/large", 128 * MEBIBYTE))
                    .isInstanceOf(UnreadableFileSystem.class)
                    .hasMessage(
                            "The file system on the disk is damaged:"
                                    + " it refers to a place behind its end");
        }
    }

    @Test
    void blockBehindWhatALongCountsIsDamageAndNoOverflow() throws IOException {
        Path image =
                DiskMaker.ext(
                        directory.resolve("disk"),
                        96L * MEBIBYTE,
                        makeTree(),
                        "-t",
                        "ext4",
                        "-O",
                        "64bit,^has_journal,^metadata_csum",
                        "-b",
                        "4096");
        try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "rw")) {
            file.seek(1024 + 0x150);
            file.writeInt(Integer.reverseBytes(0x7fffffff)); // s_blocks_count_hi
            file.seek(4096 + 0x28);
            file.writeInt(Integer.reverseBytes(0x7ffffffe)); // bg_inode_table_hi
        }
        try (BlockImage disk = DiskImage.open(image, true)) {
            FileSystem fileSystem = FileSystem.open(Volume.wholeDisk(disk));
            assertThatThrownBy(() -> fileSystem.list("/"))
                    .isInstanceOf(UnreadableFileSystem.class)
                    .hasMessageContaining("does not exist");
        }
    }

    private Path makeTree() throws IOException {
        Random random = new Random(1);
        Path tree = Files.createDirectory(directory.resolve("tree"));
        Files.createFile(tree.resolve("empty"));
        Files.write(tree.resolve("tiny"), noise(random, 50));
        Files.write(tree.resolve("small"), noise(random, 150));
        Files.write(tree.resolve("odd"), noise(random, 123_457));
        Files.write(tree.resolve("large"), noise(random, 9 * MEBIBYTE + 1));
        try (RandomAccessFile sparse =
                new RandomAccessFile(tree.resolve("sparse").toFile(), "rw")) {
            // More extents than an inode has room for; no hole at the end, which mke2fs may drop.
            for (int i = 0; i < 400; i++) {
                sparse.seek(i * 150_000L);
                sparse.write(noise(random, 5000));
            }
        }
        Files.createDirectory(tree.resolve("many"));
        for (int i = 0; i < MANY; i++) {
            Files.writeString(tree.resolve("many/" + longName(i)), "" + i);
        }
        Files.createDirectory(tree.resolve("few"));
        for (String name : new String[] {"a", "b", "c"}) {
            Files.createFile(tree.resolve("few/" + name));
        }
        return tree;
    }

    private static String longName(int i) {
        return "a-name-that-fills-directories-quickly-" + i + "-\u00e4";
    }

    private static byte[] noise(Random random, int length) {
        byte[] bytes = new byte[length];
        random.nextBytes(bytes);
        return bytes;
    }

    private static void link(Path tree, String name, String target) throws IOException {
        Files.createSymbolicLink(tree.resolve(name), Path.of(target));
    }
}

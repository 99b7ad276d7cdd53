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
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;

final class FatFileSystemTest {
    private static final int MEBIBYTE = 1 << 20;

    @TempDir Path directory;

    @BeforeAll
    static void requireTools() {
        DiskMaker.MKFS_FAT.require();
        DiskMaker.MCOPY.require();
    }

    @ParameterizedTest(name = "FAT{0}, {1} MiB, {2} sectors per cluster")
    @CsvSource({"12, 4, 4", "12, 1, 1", "16, 32, 4", "16, 200, 8", "32, 64, 1", "32, 300, 8"})
    void everyFileIsReadAsItWasWritten(int bits, int mebibytes, int sectorsPerCluster)
            throws IOException {
        Path image = DiskMaker.empty(directory.resolve("disk"), (long) mebibytes * MEBIBYTE);
        DiskMaker.MKFS_FAT.run("-F", bits, "-s", sectorsPerCluster, image);
        byte[] noise = new byte[300_001];
        new Random(1).nextBytes(noise);
        Path file = Files.write(directory.resolve("noise"), noise);
        Path empty = Files.createFile(directory.resolve("empty"));
        DiskMaker.MMD.run(
                "-i", image, "::/EFI", "::/EFI/debian", "::/A directory with a long name");
        DiskMaker.MCOPY.run("-i", image, file, "::/SHORT.BIN");
        DiskMaker.MCOPY.run("-i", image, file, "::/EFI/debian/vmlinuz-6.1.0-18-amd64");
        DiskMaker.MCOPY.run("-i", image, empty, "::/lower.txt");
        for (int i = 0; i < 60; i++) {
            DiskMaker.MCOPY.run(
                    "-i",
                    image,
                    empty,
                    "::/EFI/One of so many files that clusters are chained " + i);
        }

        try (BlockImage disk = DiskImage.open(image, true)) {
            assertThat(PartitionTable.read(disk)).isEmpty();
            FileSystem fileSystem = FileSystem.open(Volume.wholeDisk(disk));
            assertThat(fileSystem.type()).isEqualTo("vfat");
            assertThat(fileSystem.list("/"))
                    .containsExactlyInAnyOrder(
                            "EFI", "A directory with a long name", "SHORT.BIN", "lower.txt");
            assertThat(fileSystem.list("/EFI"))
                    .hasSize(61)
                    .contains("debian", "One of so many files that clusters are chained 59");
            assertThat(fileSystem.read("/short.bin", MEBIBYTE)).isEqualTo(noise);
            assertThat(fileSystem.read("/efi/DEBIAN/vmlinuz-6.1.0-18-amd64", MEBIBYTE))
                    .isEqualTo(noise);
            assertThat(fileSystem.read("/lower.txt", MEBIBYTE)).isEmpty();
            assertThat(fileSystem.isFile("/EFI/../EFI/debian")).isFalse();
        }
    }

    @Test
    void unknownContentIsNamed() throws IOException {
        Path image = DiskMaker.empty(directory.resolve("disk"), MEBIBYTE);
        try (BlockImage disk = DiskImage.open(image, true)) {
            assertThatThrownBy(() -> FileSystem.open(Volume.wholeDisk(disk)))
                    .isInstanceOf(UnreadableFileSystem.class)
                    .hasMessage(
                            "There is no known file system on the disk;"
                                    + " ext2, ext3, ext4 and FAT can be read");
        }
        Files.writeString(image, "XFSB" + "\0".repeat(4092));
        try (BlockImage disk = DiskImage.open(image, true)) {
            assertThatThrownBy(() -> FileSystem.open(Volume.wholeDisk(disk)))
                    .hasMessageStartingWith("There is an XFS file system on the disk;");
        }
    }
}

package org.xenolith.devices.filesystem;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.xenolith.devices.block.BlockImage;
import org.xenolith.devices.block.DiskImage;
import org.xenolith.devices.block.ImageFormat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.List;

final class PartitionTableTest {
    private static final int MEBIBYTE = 1 << 20;

    @TempDir Path directory;

    @Test
    void primaryAndLogicalPartitionsHaveLinuxNumbers() throws IOException {
        DiskMaker.SFDISK.require();
        Path image = DiskMaker.empty(directory.resolve("disk"), 64 * MEBIBYTE);
        String script =
                """
                label: dos
                start=2048, size=8192, type=83
                start=12288, type=5
                start=14336, size=2048, type=83
                start=18432, size=4096, type=83
                """;
        assertThat(DiskMaker.SFDISK.runWithInput(script, "-q", image).status()).isZero();

        assertThat(read(image))
                .containsExactly(
                        "partition 1: 1048576+4194304",
                        "partition 5: 7340032+1048576",
                        "partition 6: 9437184+2097152");
    }

    @Test
    void guidPartitionsKeepTheirNumbers() throws IOException {
        DiskMaker.SGDISK.require();
        Path image = DiskMaker.empty(directory.resolve("disk"), 64 * MEBIBYTE);
        DiskMaker.SGDISK.run("-n", "1:2048:+4M", "-n", "14:16384:+1M", "-n", "15:20480:+8M", image);

        assertThat(read(image))
                .containsExactly(
                        "partition 1: 1048576+4194304",
                        "partition 14: 8388608+1048576",
                        "partition 15: 10485760+8388608");
    }

    @Test
    void chainOfLogicalPartitionsThatRunsInACircleIsRefused() throws IOException {
        Path image = DiskMaker.empty(directory.resolve("disk"), MEBIBYTE);
        try (BlockImage disk = DiskImage.open(image, false, ImageFormat.RAW)) {
            disk.write(0, table(0x05, 1, 100, 0, 0, 0));
            disk.write(512, table(0x83, 1, 1, 0x05, 0, 100));

            assertThatThrownBy(() -> PartitionTable.read(disk))
                    .isInstanceOf(UnreadableFileSystem.class)
                    .hasMessage("The chain of logical partitions has no end");
        }
    }

    @Test
    void partitionsBehindTheEndOfTheDiskAreLeftOut() throws IOException {
        Path image = DiskMaker.empty(directory.resolve("disk"), MEBIBYTE);
        try (BlockImage disk = DiskImage.open(image, false, ImageFormat.RAW)) {
            disk.write(0, table(0x83, 2047, -1, 0x83, -1, -1));
        }

        assertThat(read(image)).containsExactly("partition 1: 1048064+512");
    }

    private static List<String> read(Path image) throws IOException {
        try (BlockImage disk = DiskImage.open(image, true)) {
            return PartitionTable.read(disk).stream()
                    .map(v -> v + ": " + v.offsetBytes() + "+" + v.sizeBytes())
                    .toList();
        }
    }

    /** A table with two entries: type, first sector, number of sectors. */
    private static ByteBuffer table(int... fields) {
        ByteBuffer sector = ByteBuffer.allocate(512).order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < 2; i++) {
            sector.put(446 + i * 16 + 4, (byte) fields[3 * i]);
            sector.putInt(446 + i * 16 + 8, fields[3 * i + 1]);
            sector.putInt(446 + i * 16 + 12, fields[3 * i + 2]);
        }
        return sector.putShort(510, (short) 0xaa55);
    }
}

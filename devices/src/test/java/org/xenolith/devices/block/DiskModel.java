package org.xenolith.devices.block;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;

/** What a disk should contain, and a guest that writes to both at random. */
final class DiskModel {
    private static final int SECTOR_BYTES = BlockImage.SECTOR_BYTES;

    private final byte[] content;
    private final int clusterBytes;
    private final Random random;

    DiskModel(byte[] content, int clusterBytes, Random random) {
        this.content = content;
        this.clusterBytes = clusterBytes;
        this.random = random;
    }

    /** One write, discard, read or flush in the proportions of a busy guest. */
    void step(BlockImage disk) throws IOException {
        int dice = random.nextInt(100);
        if (dice < 60) {
            write(disk);
        } else if (dice < 75) {
            discard(disk);
        } else if (dice < 99) {
            read(disk);
        } else {
            disk.flush();
        }
    }

    private void write(BlockImage disk) throws IOException {
        int offset = anyOffset();
        byte[] bytes = new byte[anyLength(offset)];
        random.nextBytes(bytes);
        System.arraycopy(bytes, 0, content, offset, bytes.length);
        disk.write(offset, random.nextBoolean() ? ByteBuffer.wrap(bytes) : direct(bytes));
    }

    private void discard(BlockImage disk) throws IOException {
        int offset = anyOffset();
        int length = anyLength(offset);
        Arrays.fill(content, offset, offset + length, (byte) 0);
        disk.discard(offset, length);
    }

    private void read(BlockImage disk) throws IOException {
        int offset = anyOffset();
        ByteBuffer bytes = ByteBuffer.allocate(anyLength(offset));
        disk.read(offset, bytes);
        assertThat(bytes.hasRemaining()).isFalse();
        assertThat(bytes.array())
                .as("read at %d", offset)
                .isEqualTo(Arrays.copyOfRange(content, offset, offset + bytes.capacity()));
    }

    void assertEqualTo(BlockImage disk) throws IOException {
        assertThat(disk.sizeBytes()).isEqualTo(content.length);
        ByteBuffer bytes = ByteBuffer.allocate(content.length);
        disk.read(0, bytes);
        assertThat(Arrays.mismatch(bytes.array(), content))
                .as("first byte that differs")
                .isEqualTo(-1);
    }

    Path writeTo(Path path) throws IOException {
        return Files.write(path, content);
    }

    /** Half of all offsets are cluster boundaries: that is where formats go wrong. */
    private int anyOffset() {
        int unit = random.nextBoolean() ? clusterBytes : SECTOR_BYTES;
        return random.nextInt(content.length / unit) * unit;
    }

    private int anyLength(int offset) {
        // Whole clusters of 2 MiB are rarer: their content alone would take most of the time.
        boolean wholeClusters = random.nextInt(clusterBytes > 1 << 16 ? 50 : 2) == 0;
        int unit = wholeClusters ? clusterBytes : SECTOR_BYTES;
        int length = (1 + random.nextInt(3)) * unit;
        return Math.min(length, content.length - offset);
    }

    private static ByteBuffer direct(byte[] bytes) {
        return ByteBuffer.allocateDirect(bytes.length).put(bytes).flip();
    }
}

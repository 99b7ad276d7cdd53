package org.xenolith.devices.filesystem;

import org.xenolith.devices.block.BlockImage;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * The part of a disk that holds one file system.
 *
 * @param partition number as Linux counts it, {@code xvda1} being 1; 0 for a disk without
 *     partitions
 * @param offsetBytes where it begins on the disk
 */
public record Volume(BlockImage image, int partition, long offsetBytes, long sizeBytes) {
    /** A disk that is one file system. */
    public static Volume wholeDisk(BlockImage image) {
        return new Volume(image, 0, 0, image.sizeBytes());
    }

    /** How a guest calls it after the disk's name: "partition 1". */
    @Override
    public String toString() {
        return partition == 0 ? "the disk" : "partition " + partition;
    }

    /**
     * @throws UnreadableFileSystem if the range leaves the volume: the file system is damaged then
     */
    void read(long offset, ByteBuffer into) throws IOException {
        if (offset < 0 || offset > sizeBytes - into.remaining()) {
            throw new UnreadableFileSystem(
                    "The file system on "
                            + this
                            + " is damaged: it refers to a place behind its end");
        }
        image.read(offsetBytes + offset, into);
    }

    /** Little endian, as everything that is read from disks here. */
    ByteBuffer read(long offset, int lengthBytes) throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate(lengthBytes).order(ByteOrder.LITTLE_ENDIAN);
        read(offset, bytes);
        return bytes.flip();
    }
}

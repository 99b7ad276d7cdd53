package org.xenolith.devices.filesystem;

import org.xenolith.devices.block.BlockImage;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.NonWritableChannelException;

/**
 * A disk of which only so much may be read. What a guest has written there decides how much it
 * takes to find a file: a path may lead through large directories thousands of times.
 */
final class ReadBudget implements BlockImage {
    private final BlockImage image;
    private long bytesLeft;

    ReadBudget(BlockImage image, long bytes) {
        this.image = image;
        this.bytesLeft = bytes;
    }

    /** From now on so much may be read. */
    void renew(long bytes) {
        bytesLeft = bytes;
    }

    @Override
    public long sizeBytes() {
        return image.sizeBytes();
    }

    @Override
    public boolean isReadOnly() {
        return true;
    }

    /**
     * @throws UnreadableFileSystem if that is more than is left
     */
    @Override
    public void read(long offset, ByteBuffer into) throws IOException {
        bytesLeft -= into.remaining();
        UnreadableFileSystem.require(
                bytesLeft >= 0, "Finding something to boot takes too much reading");
        image.read(offset, into);
    }

    @Override
    public void write(long offset, ByteBuffer from) {
        throw new NonWritableChannelException();
    }

    @Override
    public void discard(long offset, long lengthBytes) {
        throw new NonWritableChannelException();
    }

    @Override
    public void flush() {}

    /** The disk is its owner's to close. */
    @Override
    public void close() {}
}

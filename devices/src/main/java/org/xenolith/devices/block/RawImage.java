package org.xenolith.devices.block;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.NonWritableChannelException;
import java.util.Objects;

/**
 * A disk that is a file, byte for byte. A size that is no whole number of sectors is rounded up, as
 * QEMU does: the rest of the last sector reads as zeroes, and writing it makes the file longer.
 */
final class RawImage implements BlockImage {
    private final ImageFile file;
    private final boolean readOnly;
    private final boolean probed;
    private final long sizeBytes;
    private boolean closed;

    /**
     * @param probed whether only the content said that the file is raw: a guest must not change
     *     what it says then
     */
    RawImage(ImageFile file, boolean readOnly, boolean probed) throws IOException {
        this.file = file;
        this.readOnly = readOnly;
        this.probed = probed;
        this.sizeBytes = Math.ceilDiv(file.sizeBytes(), SECTOR_BYTES) * SECTOR_BYTES;
    }

    @Override
    public long sizeBytes() {
        return sizeBytes;
    }

    @Override
    public boolean isReadOnly() {
        return readOnly;
    }

    @Override
    public void read(long offset, ByteBuffer into) throws IOException {
        Objects.checkFromIndexSize(offset, into.remaining(), sizeBytes);
        file.read(offset, into);
    }

    @Override
    public void write(long offset, ByteBuffer from) throws IOException {
        requireWritable(offset, from.remaining());
        if (probed && offset < ImageFormat.MAGIC_BYTES) {
            writeStart(offset, from);
        } else {
            file.write(offset, from);
        }
    }

    /** One at a time, so that no two writes that are harmless alone make up the magic together. */
    private synchronized void writeStart(long offset, ByteBuffer from) throws IOException {
        ByteBuffer start = ByteBuffer.allocate(ImageFormat.MAGIC_BYTES);
        file.read(0, start);
        for (int i = (int) offset; i < start.capacity() && i - offset < from.remaining(); i++) {
            start.put(i, from.get(from.position() + i - (int) offset));
        }
        if (start.getInt(0) == ImageFormat.QCOW_MAGIC) {
            throw new ImageRefused(
                    file.name()
                            + " was taken for a raw disk without being told so, so no qcow2 header"
                            + " may be written to its first sector: name the format to allow it");
        }
        file.write(offset, from);
    }

    @Override
    public void discard(long offset, long lengthBytes) throws IOException {
        requireWritable(offset, lengthBytes);
        if (!file.punch(offset, lengthBytes)) {
            long end = offset + lengthBytes;
            for (long at = offset; at < end; ) {
                ByteBuffer zeroes = Buffers.zeroes(end - at);
                int count = zeroes.remaining();
                file.write(at, zeroes);
                at += count;
            }
        }
    }

    @Override
    public void flush() throws IOException {
        if (!readOnly) {
            file.sync();
        }
    }

    @Override
    public synchronized void close() throws IOException {
        try (file) {
            if (!closed) {
                flush();
            }
        } finally {
            closed = true;
        }
    }

    private void requireWritable(long offset, long lengthBytes) {
        Objects.checkFromIndexSize(offset, lengthBytes, sizeBytes);
        if (readOnly) {
            throw new NonWritableChannelException();
        }
    }
}

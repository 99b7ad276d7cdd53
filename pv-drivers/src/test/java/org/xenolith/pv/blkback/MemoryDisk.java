package org.xenolith.pv.blkback;

import org.xenolith.devices.block.BlockImage;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.NonWritableChannelException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** A disk in an array that notes its calls, and fails where it is told to. */
final class MemoryDisk implements BlockImage {
    final byte[] bytes;
    final List<String> calls = new ArrayList<>();
    final boolean readOnly;
    boolean broken;

    /** Thrown by each call, if it is not null. */
    Error error;

    MemoryDisk(int bytes, boolean readOnly) {
        this.bytes = new byte[bytes];
        this.readOnly = readOnly;
    }

    private void note(String call, long offset, long length) throws IOException {
        calls.add("%s %d+%d".formatted(call, offset, length));
        if (error != null) {
            throw error;
        }
        if (broken) {
            throw new IOException("medium error");
        }
        if (offset < 0 || offset + length > bytes.length) {
            throw new IndexOutOfBoundsException(length + " bytes at " + offset);
        }
    }

    @Override
    public long sizeBytes() {
        return bytes.length;
    }

    @Override
    public boolean isReadOnly() {
        return readOnly;
    }

    @Override
    public void read(long offset, ByteBuffer into) throws IOException {
        note("read", offset, into.remaining());
        into.put(bytes, (int) offset, into.remaining());
    }

    @Override
    public void write(long offset, ByteBuffer from) throws IOException {
        note("write", offset, from.remaining());
        requireWritable();
        from.get(bytes, (int) offset, from.remaining());
    }

    private void requireWritable() {
        if (readOnly) {
            throw new NonWritableChannelException();
        }
    }

    @Override
    public void discard(long offset, long lengthBytes) throws IOException {
        note("discard", offset, lengthBytes);
        requireWritable();
        Arrays.fill(bytes, (int) offset, (int) (offset + lengthBytes), (byte) 0);
    }

    @Override
    public void flush() throws IOException {
        note("flush", 0, 0);
    }

    @Override
    public void close() {}
}

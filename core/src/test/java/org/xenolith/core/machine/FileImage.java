package org.xenolith.core.machine;

import org.xenolith.devices.block.BlockImage;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.NonWritableChannelException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** A file as a disk, for tests: nothing but calls of the operating system. */
final class FileImage implements BlockImage {
    private static final int ZEROES = 1 << 16;

    private final FileChannel file;
    private final long size;
    private final boolean readOnly;

    FileImage(Path path, boolean readOnly) throws IOException {
        this.readOnly = readOnly;
        file =
                readOnly
                        ? FileChannel.open(path, StandardOpenOption.READ)
                        : FileChannel.open(path, StandardOpenOption.READ, StandardOpenOption.WRITE);
        size = file.size();
    }

    @Override
    public long sizeBytes() {
        return size;
    }

    @Override
    public boolean isReadOnly() {
        return readOnly;
    }

    private void check(long offset, long length) {
        if (offset < 0 || length < 0 || offset > size - length) {
            throw new IndexOutOfBoundsException(length + " bytes at " + offset);
        }
    }

    @Override
    public void read(long offset, ByteBuffer into) throws IOException {
        check(offset, into.remaining());
        for (long at = offset; into.hasRemaining(); ) {
            int count = file.read(into, at);
            if (count < 0) {
                throw new EOFException();
            }
            at += count;
        }
    }

    @Override
    public void write(long offset, ByteBuffer from) throws IOException {
        check(offset, from.remaining());
        if (readOnly) {
            throw new NonWritableChannelException();
        }
        for (long at = offset; from.hasRemaining(); ) {
            at += file.write(from, at);
        }
    }

    @Override
    public void discard(long offset, long lengthBytes) throws IOException {
        check(offset, lengthBytes);
        for (long done = 0; done < lengthBytes; ) {
            ByteBuffer zeroes = ByteBuffer.allocate((int) Math.min(ZEROES, lengthBytes - done));
            done += zeroes.remaining();
            write(offset + done - zeroes.remaining(), zeroes);
        }
    }

    @Override
    public void flush() throws IOException {
        file.force(false);
    }

    @Override
    public void close() throws IOException {
        file.close();
    }
}

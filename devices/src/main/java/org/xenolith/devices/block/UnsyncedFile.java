package org.xenolith.devices.block;

import java.io.IOException;
import java.nio.ByteBuffer;

/** A file that nobody will read after a crash, so syncing it would be waste. */
final class UnsyncedFile implements ImageFile {
    private final ImageFile file;

    UnsyncedFile(ImageFile file) {
        this.file = file;
    }

    @Override
    public String name() {
        return file.name();
    }

    @Override
    public long sizeBytes() throws IOException {
        return file.sizeBytes();
    }

    @Override
    public void read(long offset, ByteBuffer into) throws IOException {
        file.read(offset, into);
    }

    @Override
    public void write(long offset, ByteBuffer from) throws IOException {
        file.write(offset, from);
    }

    @Override
    public void sync() {
        // The page cache is all the storage it needs.
    }

    @Override
    public boolean punch(long offset, long lengthBytes) throws IOException {
        return file.punch(offset, lengthBytes);
    }

    @Override
    public void close() throws IOException {
        file.close();
    }
}

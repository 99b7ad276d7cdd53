package org.xenolith.devices.block;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.ReadableByteChannel;
import java.nio.channels.WritableByteChannel;

/** A file that can be synced and nothing else, on a disk that fails when a test says so. */
final class SyncedChannel extends FileChannel {
    /** What the next syncs end with; null while the disk is sound. */
    IOException failure;

    int syncs;

    @Override
    public void force(boolean metaData) throws IOException {
        syncs++;
        if (failure != null) {
            throw failure;
        }
    }

    @Override
    protected void implCloseChannel() {}

    private static UnsupportedOperationException notHere() {
        return new UnsupportedOperationException("a file that can be synced and nothing else");
    }

    @Override
    public int read(ByteBuffer into) {
        throw notHere();
    }

    @Override
    public long read(ByteBuffer[] into, int offset, int length) {
        throw notHere();
    }

    @Override
    public int read(ByteBuffer into, long position) {
        throw notHere();
    }

    @Override
    public int write(ByteBuffer from) {
        throw notHere();
    }

    @Override
    public long write(ByteBuffer[] from, int offset, int length) {
        throw notHere();
    }

    @Override
    public int write(ByteBuffer from, long position) {
        throw notHere();
    }

    @Override
    public long position() {
        throw notHere();
    }

    @Override
    public FileChannel position(long newPosition) {
        throw notHere();
    }

    @Override
    public long size() {
        throw notHere();
    }

    @Override
    public FileChannel truncate(long size) {
        throw notHere();
    }

    @Override
    public long transferTo(long position, long count, WritableByteChannel target) {
        throw notHere();
    }

    @Override
    public long transferFrom(ReadableByteChannel source, long position, long count) {
        throw notHere();
    }

    @Override
    public MappedByteBuffer map(MapMode mode, long position, long size) {
        throw notHere();
    }

    @Override
    public FileLock lock(long position, long size, boolean shared) {
        throw notHere();
    }

    @Override
    public FileLock tryLock(long position, long size, boolean shared) {
        throw notHere();
    }
}

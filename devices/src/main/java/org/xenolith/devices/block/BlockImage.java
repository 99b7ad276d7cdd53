package org.xenolith.devices.block;

import java.io.IOException;
import java.nio.ByteBuffer;

/**
 * A virtual disk on the host side: a file, an overlay over another, memory. Bytes are addressed
 * from 0 to {@link #sizeBytes}; calls may block, so they belong on I/O threads, never on a vCPU's.
 *
 * <p>Thread-safe. Overlapping reads and writes that run at the same time are ordered in some way
 * per sector, as on a disk. What {@link #write} and {@link #discard} did is on stable storage once
 * a {@link #flush} that began after their return has returned; until then any subset may be lost.
 */
public interface BlockImage extends AutoCloseable {
    /** The unit in which guests address disks. */
    int SECTOR_BYTES = 512;

    /** Size of the disk as the guest sees it, a multiple of {@link #SECTOR_BYTES}. */
    long sizeBytes();

    /** Whether {@link #write} and {@link #discard} are refused. */
    boolean isReadOnly();

    /**
     * Fills the rest of {@code into}.
     *
     * @param offset in bytes; the range lies within the disk
     * @throws IndexOutOfBoundsException if it does not
     */
    void read(long offset, ByteBuffer into) throws IOException;

    /**
     * Writes the rest of {@code from}.
     *
     * @param offset in bytes; the range lies within the disk
     * @throws IndexOutOfBoundsException if it does not
     * @throws java.nio.channels.NonWritableChannelException if the disk is read-only
     */
    void write(long offset, ByteBuffer from) throws IOException;

    /**
     * Says that the content of a range is not wanted any more: it reads as zeroes afterwards, and
     * its storage may be given back.
     *
     * @throws IndexOutOfBoundsException if the range leaves the disk
     * @throws java.nio.channels.NonWritableChannelException if the disk is read-only
     */
    void discard(long offset, long lengthBytes) throws IOException;

    /** Returns when everything written before is on stable storage. */
    void flush() throws IOException;

    /**
     * A flush after which {@link #close} has nothing to write: until somebody writes to the disk,
     * its file stays as it is now.
     */
    default void settle() throws IOException {
        flush();
    }

    /** Flushes and releases the files. */
    @Override
    void close() throws IOException;
}

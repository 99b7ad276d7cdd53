package org.xenolith.devices.block;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;

/**
 * The file below an image format. What is written may reach stable storage at any time and in any
 * order, sector by sector; {@link #sync} is the only promise. Tests put a file here that makes the
 * worst of that.
 */
interface ImageFile extends Closeable {
    /** The path, for sentences about the file. */
    String name();

    long sizeBytes() throws IOException;

    /** Fills the rest of {@code into}; what lies past the end of the file reads as zeroes. */
    void read(long offset, ByteBuffer into) throws IOException;

    /** Writes the rest of {@code from}; the file grows as needed. */
    void write(long offset, ByteBuffer from) throws IOException;

    /** Returns when all that was written or punched before is on stable storage. */
    void sync() throws IOException;

    /**
     * Gives the storage of a range back to the host.
     *
     * @return whether the range reads as zeroes now; if not, it is as it was: the host cannot do it
     */
    boolean punch(long offset, long lengthBytes) throws IOException;
}

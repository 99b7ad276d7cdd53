package org.xenolith.pv.blkback;

import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.Deque;

/**
 * Buffers outside the heap between granted frames and files, in sizes that are powers of two, used
 * again and again: the JVM is slow to allocate and to free such memory. Thread-safe.
 */
final class IoBuffers {
    /** The largest there is, in bytes. */
    static final int LARGEST = 1 << 20;

    private static final int SMALLEST_SHIFT = 12;
    private static final int CLASSES = Integer.numberOfTrailingZeros(LARGEST) - SMALLEST_SHIFT + 1;
    private static final long KEPT_BYTES = 16L << 20;

    /** Shared by all disks: each bounds what it has in flight. */
    static final IoBuffers SHARED = new IoBuffers();

    @SuppressWarnings({"unchecked", "rawtypes"})
    private final Deque<ByteBuffer>[] free = new Deque[CLASSES];

    private long freeBytes;

    IoBuffers() {
        for (int i = 0; i < CLASSES; i++) {
            free[i] = new ArrayDeque<>();
        }
    }

    private static int classOf(int bytes) {
        int bits = Integer.SIZE - Integer.numberOfLeadingZeros(bytes - 1);
        return Math.max(bits - SMALLEST_SHIFT, 0);
    }

    /**
     * @param bytes 1 to {@link #LARGEST}; the limit of the buffer, whose content is arbitrary
     * @return null when the JVM's limit of such memory is reached
     */
    ByteBuffer take(int bytes) {
        int sizeClass = classOf(bytes);
        ByteBuffer buffer = takeFree(sizeClass);
        if (buffer == null) {
            buffer = allocate(1 << sizeClass + SMALLEST_SHIFT);
        }
        return buffer == null ? null : buffer.clear().limit(bytes);
    }

    private static ByteBuffer allocate(int bytes) {
        try {
            return ByteBuffer.allocateDirect(bytes);
        } catch (OutOfMemoryError e) {
            // Guests ask for these: one that asks for too much must not end its neighbours.
            return null;
        }
    }

    private synchronized ByteBuffer takeFree(int sizeClass) {
        ByteBuffer buffer = free[sizeClass].poll();
        if (buffer != null) {
            freeBytes -= buffer.capacity();
        }
        return buffer;
    }

    synchronized void give(ByteBuffer buffer) {
        if (freeBytes + buffer.capacity() <= KEPT_BYTES) {
            freeBytes += buffer.capacity();
            free[classOf(buffer.capacity())].push(buffer);
        }
    }
}

package org.xenolith.devices.console;

import java.util.Objects;

/**
 * Bytes typed for a guest and not yet read by it: a bounded queue between the thread that reads the
 * terminal and the one that serves the guest. What does not fit is refused, so that the typing side
 * can keep it, wait or drop it; memory never grows because a guest does not read.
 */
public final class ConsoleInput implements ConsoleSource {
    /** More than a pasted screen, less than anything that would matter. */
    public static final int DEFAULT_CAPACITY = 16 * 1024;

    private final byte[] bytes;
    private final Runnable onInput;
    // Both count from the start and never wrap in practice; the slot is the remainder.
    private long written;
    private long taken;

    /**
     * @param capacity bytes kept at most
     * @param onInput called after bytes arrived, on the thread that brought them and without a lock
     */
    public ConsoleInput(int capacity, Runnable onInput) {
        this.bytes = new byte[capacity];
        this.onInput = Objects.requireNonNull(onInput);
    }

    /**
     * Adds what fits.
     *
     * @return number of bytes accepted, from the front; the rest must be offered again
     */
    public int offer(byte[] from, int offset, int length) {
        Objects.checkFromIndexSize(offset, length, from.length);
        int count;
        synchronized (this) {
            count = (int) Math.min(length, bytes.length - (written - taken));
            for (int i = 0; i < count; i++) {
                bytes[(int) (written++ % bytes.length)] = from[offset + i];
            }
        }
        if (count > 0) {
            onInput.run();
        }
        return count;
    }

    @Override
    public synchronized int read(byte[] into, int offset, int length) {
        int count = (int) Math.min(length, written - taken);
        for (int i = 0; i < count; i++) {
            into[offset + i] = bytes[(int) (taken++ % bytes.length)];
        }
        return count;
    }

    /** Bytes that wait for the guest. */
    public synchronized int available() {
        return (int) (written - taken);
    }
}

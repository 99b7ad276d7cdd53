package org.xenolith.devices.console;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Keeps the tail of what a guest printed, so that a crash report can show it and a test can wait
 * for a line. Text is read as ISO 8859-1: one character a byte, whatever the guest sends.
 */
public final class ConsoleLog implements ConsoleSink {
    /** Enough for a whole Debian boot. */
    public static final int DEFAULT_CAPACITY = 256 * 1024;

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition grown = lock.newCondition();
    private final byte[] tail;
    private long written;
    private boolean closed;

    public ConsoleLog() {
        this(DEFAULT_CAPACITY);
    }

    /**
     * @param capacity bytes kept; older output is forgotten
     */
    public ConsoleLog(int capacity) {
        tail = new byte[capacity];
    }

    @Override
    public void write(byte[] bytes, int offset, int length) {
        lock.lock();
        try {
            for (int i = 0; i < length; i++) {
                tail[(int) (written++ % tail.length)] = bytes[offset + i];
            }
            grown.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** Says that nothing more will come: whoever waits for text is released. */
    public void close() {
        lock.lock();
        try {
            closed = true;
            grown.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /**
     * Bytes printed since the start, forgotten ones included: a position for {@link #awaitText}.
     */
    public long position() {
        lock.lock();
        try {
            return written;
        } finally {
            lock.unlock();
        }
    }

    /** What is kept. */
    public String text() {
        return textFrom(0);
    }

    /** What was printed from {@code position} on, as far as it is still kept. */
    public String textFrom(long position) {
        lock.lock();
        try {
            return new String(keptFrom(position), StandardCharsets.ISO_8859_1);
        } finally {
            lock.unlock();
        }
    }

    /**
     * Waits until the kept output contains {@code text}; see {@link #awaitText(String, long,
     * Duration)}.
     */
    public boolean awaitText(String text, Duration timeout) throws InterruptedException {
        return awaitText(text, 0, timeout);
    }

    /**
     * Waits until the output from {@code position} on contains {@code text}.
     *
     * @return false when the time is over or the log was closed before the text came
     */
    public boolean awaitText(String text, long position, Duration timeout)
            throws InterruptedException {
        byte[] wanted = text.getBytes(StandardCharsets.ISO_8859_1);
        long nanosLeft = timeout.toNanos();
        // Everything before has been searched already, but for a beginning that may be completed.
        long searchedTo = position;
        lock.lockInterruptibly();
        try {
            while (true) {
                if (contains(wanted, searchedTo)) {
                    return true;
                }
                searchedTo = Math.max(position, written - wanted.length + 1);
                if (closed || nanosLeft <= 0) {
                    return false;
                }
                nanosLeft = grown.awaitNanos(nanosLeft);
            }
        } finally {
            lock.unlock();
        }
    }

    private boolean contains(byte[] wanted, long position) {
        long from = Math.max(Math.max(position, 0), written - tail.length);
        for (long start = from; start <= written - wanted.length; start++) {
            int matched = 0;
            while (matched < wanted.length
                    && tail[(int) ((start + matched) % tail.length)] == wanted[matched]) {
                matched++;
            }
            if (matched == wanted.length) {
                return true;
            }
        }
        return false;
    }

    private byte[] keptFrom(long position) {
        long from = Math.max(Math.max(position, 0), written - tail.length);
        byte[] kept = new byte[(int) Math.max(0, written - from)];
        for (int i = 0; i < kept.length; i++) {
            kept[i] = tail[(int) ((from + i) % tail.length)];
        }
        return kept;
    }
}

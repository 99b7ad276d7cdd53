package org.xenolith.devices.terminal;

import java.io.IOException;
import java.io.OutputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Carries guest output to the host on a thread of its own, so that a guest never waits for a slow
 * terminal. Bytes keep their order and are written as soon as the stream takes them.
 */
final class TerminalOutput {
    /** Bytes that may wait. Whoever writes more than that waits itself. */
    static final int CAPACITY = 1 << 20;

    /**
     * Bytes up to which there is {@link #room}: guests leave their output in their rings then. What
     * several write at once, and what their prefixes add, has the rest.
     */
    static final int ROOM = CAPACITY / 2;

    private static final int CHUNK = 16 << 10;

    private final OutputStream stream;
    private final Runnable onBroken;
    private final Thread writer = new Thread(this::run, "console-out");

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();

    /** Bytes {@code taken..queued}, counted from the start; at most {@link #CAPACITY} of them. */
    private final byte[] ring = new byte[CAPACITY];

    /** Who waits for room. */
    private final List<Runnable> waiting = new ArrayList<>();

    private long queued;
    private long taken;
    private boolean closing;
    private boolean broken;

    /** Why; null while the stream takes what is written. */
    private IOException failure;

    /**
     * @param onBroken called once, on the writer's thread, when the stream fails
     */
    TerminalOutput(OutputStream stream, Runnable onBroken) {
        this.stream = stream;
        this.onBroken = onBroken;
        writer.setDaemon(true);
        writer.start();
    }

    /** Queues the bytes. After the stream has failed they are dropped: nobody can see them. */
    void write(byte[] bytes, int offset, int length) {
        lock.lock();
        try {
            int copied = 0;
            while (copied < length && !broken) {
                int at = (int) (queued % CAPACITY);
                int room = (int) Math.min(CAPACITY - (queued - taken), CAPACITY - at);
                int step = Math.min(room, length - copied);
                if (step == 0) {
                    changed.awaitUninterruptibly();
                    continue;
                }
                System.arraycopy(bytes, offset + copied, ring, at, step);
                queued += step;
                copied += step;
                changed.signalAll();
            }
        } finally {
            lock.unlock();
        }
    }

    /** Bytes that may come without anybody waiting; any number when nobody will see them. */
    int room() {
        lock.lock();
        try {
            return broken ? Integer.MAX_VALUE : (int) Math.max(0, ROOM - (queued - taken));
        } finally {
            lock.unlock();
        }
    }

    /** Calls back once when there is room, at once if there is. */
    void whenRoom(Runnable again) {
        lock.lock();
        try {
            if (room() == 0) {
                waiting.add(again);
                return;
            }
        } finally {
            lock.unlock();
        }
        again.run();
    }

    private void announceRoom() {
        List<Runnable> all;
        lock.lock();
        try {
            if (room() == 0) {
                return;
            }
            all = List.copyOf(waiting);
            waiting.clear();
        } finally {
            lock.unlock();
        }
        all.forEach(Runnable::run);
    }

    /** Why bytes were dropped; empty if none were, as far as is known. */
    Optional<IOException> failure() {
        lock.lock();
        try {
            return Optional.ofNullable(failure);
        } finally {
            lock.unlock();
        }
    }

    /** Waits until everything is written, or the stream has failed, or the time is over. */
    void close(long timeoutNanos) {
        lock.lock();
        try {
            closing = true;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
        try {
            TimeUnit.NANOSECONDS.timedJoin(writer, timeoutNanos);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void run() {
        byte[] chunk = new byte[CHUNK];
        try {
            for (int length = take(chunk); length > 0; length = take(chunk)) {
                announceRoom();
                stream.write(chunk, 0, length);
                stream.flush();
            }
        } catch (IOException e) {
            stop(e);
            announceRoom();
            onBroken.run();
        }
    }

    /** Waits for bytes and copies the oldest; 0 means that none will come any more. */
    private int take(byte[] chunk) {
        lock.lock();
        try {
            while (queued == taken && !closing) {
                changed.awaitUninterruptibly();
            }
            int at = (int) (taken % CAPACITY);
            int length = (int) Math.min(Math.min(queued - taken, chunk.length), CAPACITY - at);
            System.arraycopy(ring, at, chunk, 0, length);
            taken += length;
            changed.signalAll();
            return length;
        } finally {
            lock.unlock();
        }
    }

    private void stop(IOException why) {
        lock.lock();
        try {
            broken = true;
            failure = why;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }
}

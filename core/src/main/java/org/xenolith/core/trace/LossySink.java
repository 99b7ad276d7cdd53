package org.xenolith.core.trace;

import java.util.concurrent.ArrayBlockingQueue;

/**
 * Keeps events for a reader who may be slow, or asleep for ever: no vCPU waits for him. What comes
 * while as much is kept as may be is lost, and counted where it would have stood.
 */
public final class LossySink implements TraceSink {
    /** Some MiB if all of them are paths of xenstore. */
    static final int MOST_KEPT = 8 << 10;

    /** A trace that nobody limits. */
    public static final long UNLIMITED = Long.MAX_VALUE;

    /**
     * @param lostBefore events between the one before and this
     */
    private record Kept(Happening happening, long lostBefore) {}

    private final ArrayBlockingQueue<Kept> queue = new ArrayBlockingQueue<>(MOST_KEPT);
    private final long most;
    private final Runnable enough;

    // Changed by who accepts, one thread at a time.

    private volatile long accepted;
    private volatile long lost;
    private long lostSince;
    private Happening lastLost;
    private volatile boolean closed;

    /**
     * @param most events to accept, {@link #UNLIMITED} for all
     * @param enough runs once when so many came, on the thread on which the last of them happened,
     *     which it must not hold up
     */
    public LossySink(long most, Runnable enough) {
        this.most = most;
        this.enough = enough;
    }

    @Override
    public void accept(Happening happening) {
        if (closed || accepted == most) {
            return;
        }
        if (queue.remainingCapacity() == 0 || !queue.offer(new Kept(happening, lostSince))) {
            lostSince++;
            lastLost = happening;
            lost++;
            return;
        }
        lostSince = 0;
        lastLost = null;
        accepted++;
        if (accepted == most) {
            enough.run();
        }
    }

    /** Nothing more is accepted; what is kept can still be taken. */
    @Override
    public void close() {
        closed = true;
    }

    /**
     * Moves events to where they are shown; one thread at a time.
     *
     * @param atMost so many
     * @return how many there were; 0 when none is kept
     */
    public int drainTo(TraceSink behind, int atMost) {
        int moved = 0;
        while (moved < atMost) {
            Kept next = queue.poll();
            if (next == null) {
                return moved;
            }
            if (next.lostBefore > 0) {
                behind.lost(next.lostBefore, next.happening);
            }
            behind.accept(next.happening);
            moved++;
        }
        return moved;
    }

    /**
     * Says what was lost behind the last event that was kept, when all that is kept has been moved
     * and nothing more comes.
     */
    public void endTo(TraceSink behind) {
        long events;
        Happening last;
        synchronized (this) { // as who accepts does
            events = lostSince;
            last = lastLost;
        }
        if (events > 0) {
            behind.lost(events, last);
        }
    }

    /** Events that were, or are still, to be shown. */
    public long accepted() {
        return accepted;
    }

    /** Events that will not be shown. */
    public long lost() {
        return lost;
    }
}

package org.xenolith.core.machine;

import org.xenolith.core.boot.BootOptions;

import java.time.Duration;
import java.util.UUID;
import java.util.concurrent.TimeUnit;

/**
 * A guest of a {@link Host} between two lives: it has ended and gives back all it had, and starts
 * again when its time has come, unless somebody calls that off.
 *
 * <p>Thread-safe.
 */
public final class WaitingGuest {
    private enum Fate {
        WAITS,
        BEGINS,
        CALLED_OFF
    }

    private final String name;
    private final int id;
    private final UUID uuid;
    private final BootOptions options;
    private final long startNanos;
    private Fate fate = Fate.WAITS;

    /**
     * @param ended in its life that is over
     * @param delay from now to its next one
     */
    public WaitingGuest(Guest ended, Duration delay) {
        name = ended.name();
        id = ended.id();
        uuid = ended.domain().uuid();
        options = ended.options();
        startNanos = System.nanoTime() + delay.toNanos();
    }

    public String name() {
        return name;
    }

    /** That of the life that is over. */
    public int id() {
        return id;
    }

    UUID uuid() {
        return uuid;
    }

    /** With which it was started last. */
    BootOptions options() {
        return options;
    }

    /** Whole seconds until it starts, rounded up; 0 when it does so now. */
    public long secondsLeft() {
        return Math.ceilDiv(nanosLeft(), TimeUnit.SECONDS.toNanos(1));
    }

    private long nanosLeft() {
        return Math.max(0, startNanos - System.nanoTime());
    }

    /**
     * Waits for its time.
     *
     * @return false when it was called off, or the thread was interrupted
     */
    public synchronized boolean awaitTurn() {
        try {
            for (long left = nanosLeft(); left > 0 && fate == Fate.WAITS; left = nanosLeft()) {
                TimeUnit.NANOSECONDS.timedWait(this, left);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
        return fate == Fate.WAITS;
    }

    /**
     * Its next life is there; it cannot be called off any more.
     *
     * @return false when it was
     */
    public synchronized boolean begin() {
        if (fate == Fate.WAITS) {
            fate = Fate.BEGINS;
        }
        return fate == Fate.BEGINS;
    }

    /**
     * It shall not start again.
     *
     * @return false when it has begun to
     */
    public synchronized boolean callOff() {
        if (fate == Fate.WAITS) {
            fate = Fate.CALLED_OFF;
            notifyAll();
        }
        return fate == Fate.CALLED_OFF;
    }

    public synchronized boolean isCalledOff() {
        return fate == Fate.CALLED_OFF;
    }
}

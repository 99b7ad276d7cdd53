package org.xenolith.core.fleet;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * A thread that only wants to wake every few milliseconds, and keeps how late it did at worst: what
 * a busy host does to everybody, a test does not blame on the VMM.
 */
final class HostPulse implements AutoCloseable {
    private static final long PERIOD_NANOS = TimeUnit.MILLISECONDS.toNanos(5);

    private final Thread thread = Thread.ofPlatform().daemon().unstarted(this::beat);
    private volatile boolean over;
    private volatile long worstNanos;

    /** Begins at once. */
    HostPulse() {
        thread.start();
    }

    private void beat() {
        while (!over) {
            long due = System.nanoTime() + PERIOD_NANOS;
            LockSupport.parkNanos(PERIOD_NANOS);
            worstNanos = Math.max(worstNanos, System.nanoTime() - due);
        }
    }

    /** How late it was at worst, in microseconds. */
    long worstMicros() {
        return TimeUnit.NANOSECONDS.toMicros(worstNanos);
    }

    @Override
    public void close() {
        over = true;
    }
}

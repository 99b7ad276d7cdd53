package org.xenolith.core.machine;

import java.time.Duration;
import java.util.function.LongSupplier;

/**
 * When a guest that ended may start again: at once the first time, then after 1 s, 2 s, 4 s and so
 * on to 30 s, so that one that dies at once is started again six times in a minute at most. A guest
 * that ran for a minute is forgiven.
 */
public final class RestartBackoff {
    static final Duration FIRST_DELAY = Duration.ofSeconds(1);
    static final Duration LONGEST_DELAY = Duration.ofSeconds(30);

    /** Who lives so long has not died at once. */
    static final Duration GOOD_RUN = Duration.ofMinutes(1);

    private final LongSupplier nanoTime;
    private Duration next = Duration.ZERO;
    private long startedAt;

    /**
     * @param nanoTime as {@link System#nanoTime}
     */
    public RestartBackoff(LongSupplier nanoTime) {
        this.nanoTime = nanoTime;
    }

    /** The guest starts now. */
    public void started() {
        startedAt = nanoTime.getAsLong();
    }

    /** The guest has ended and shall start again: how long to wait before. */
    public Duration delay() {
        long ran = nanoTime.getAsLong() - startedAt;
        if (ran >= GOOD_RUN.toNanos()) {
            next = Duration.ZERO;
        }
        Duration delay = next;
        next = delay.isZero() ? FIRST_DELAY : shorter(delay.multipliedBy(2), LONGEST_DELAY);
        return delay;
    }

    private static Duration shorter(Duration a, Duration b) {
        return a.compareTo(b) < 0 ? a : b;
    }
}

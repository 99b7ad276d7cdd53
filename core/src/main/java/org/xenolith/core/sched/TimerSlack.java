package org.xenolith.core.sched;

import org.xenolith.core.domain.Domain;

/**
 * When the timers of one domain may come late. While it is <em>still</em>, its timers wake it no
 * more often than once in its slack: those that are due in between wait, and come together. What is
 * posted for it, a frame or a key, wakes it at once, and then its timers are on time until it has
 * been still for a while again: whoever asks it for something waits no longer for the answer.
 *
 * <p>Host time in nanoseconds. Touched under the scheduler's lock only.
 */
final class TimerSlack {
    /**
     * A domain is still when nothing was posted for it for so long: longer than a TCP of Linux
     * waits for an answer before it asks again, in a network where answers take microseconds.
     */
    static final long STILL_AFTER_NANOS = 1_000_000_000;

    /**
     * A domain whose vCPUs run for so long within a second has work to do, whoever gave it, and is
     * not still: a boot sleeps often, and each time for its devices. An idle guest runs for a tenth
     * of this.
     */
    static final long WORK_NANOS = 50_000_000;

    private static final long SECOND = 1_000_000_000;

    private final Domain domain;
    private long stirredAt;
    private long wokenAt;
    private long secondBegan;
    private long ranInSecond;

    TimerSlack(Domain domain, long now) {
        this.domain = domain;
        stirredAt = now;
        wokenAt = now;
        secondBegan = now;
    }

    /**
     * Something was posted for the domain.
     *
     * @return whether it was still until now, so that timers of its vCPUs may wait
     */
    boolean stir(long now) {
        boolean wasStill = isStill(now);
        stirredAt = now;
        return wasStill;
    }

    private boolean isStill(long now) {
        return domain.timerSlackNanos() > 0 && now - stirredAt >= STILL_AFTER_NANOS;
    }

    /**
     * A vCPU of the domain has run.
     *
     * @return as {@link #stir}
     */
    boolean ran(long nanos, long now) {
        if (now - secondBegan >= SECOND) {
            secondBegan = now;
            ranInSecond = 0;
        }
        ranInSecond += nanos;
        return ranInSecond >= WORK_NANOS && stir(now);
    }

    /** A timer wakes the domain. */
    void wake(long now) {
        wokenAt = now;
    }

    /**
     * When a vCPU that goes to sleep is woken by its timer.
     *
     * @param deadline the time for which the guest has set it
     */
    long wakeTime(long deadline, long now) {
        return isStill(now) ? Math.max(deadline, wokenAt + domain.timerSlackNanos()) : deadline;
    }
}

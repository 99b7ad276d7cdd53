package org.xenolith.core.domain;

import java.util.concurrent.atomic.AtomicLong;

/**
 * A vCPU's timers: one that comes due once and one with a period. public/vcpu.h, {@code
 * VCPUOP_set_singleshot_timer}, {@code VCPUOP_set_periodic_timer}. System times in nanoseconds,
 * {@link VirtualCpu#NEVER} for a timer that is not set.
 *
 * <p>The one-shot timer is set by the vCPU's own thread, the other by that of any vCPU of the
 * domain; they come due on the vCPU's own thread. Deadlines may be asked for by any thread.
 */
public final class VcpuTimers {
    /** Shortest period, as in Xen. */
    private static final long MIN_PERIOD_NANOS = 1_000_000;

    private volatile long oneShotDeadline = VirtualCpu.NEVER;

    /** Published by the deadline that is written behind it. */
    private long periodNanos;

    private final AtomicLong periodicDeadline = new AtomicLong(VirtualCpu.NEVER);

    VcpuTimers() {}

    /** Sets the timer that comes due once; a deadline in the past, below 0 too, is due at once. */
    public void setOneShot(long deadline) {
        oneShotDeadline = Math.max(0, deadline);
    }

    public void stopOneShot() {
        oneShotDeadline = VirtualCpu.NEVER;
    }

    public long oneShotDeadline() {
        return oneShotDeadline;
    }

    /** Whether a periodic timer may have that period. */
    public static boolean isPeriod(long nanos) {
        return nanos >= MIN_PERIOD_NANOS;
    }

    /**
     * Starts the periodic timer, due for the first time a period from now.
     *
     * @param nanos {@link #isPeriod}
     */
    public void startPeriodic(long now, long nanos) {
        periodNanos = nanos;
        periodicDeadline.set(VirtualCpu.after(now, nanos));
    }

    public void stopPeriodic() {
        periodicDeadline.set(VirtualCpu.NEVER);
    }

    /** Period of the periodic timer as it was set last, 0 if it never was. */
    public long periodNanos() {
        return periodNanos;
    }

    public long periodicDeadline() {
        return periodicDeadline.get();
    }

    /** Takes over the timers of a vCPU that this one continues. */
    public void restore(long oneShot, long nanos, long periodic) {
        oneShotDeadline = oneShot;
        periodNanos = nanos;
        periodicDeadline.set(periodic);
    }

    void stop() {
        stopOneShot();
        stopPeriodic();
    }

    /** When the first of them comes due. */
    long nextDeadline() {
        return Math.min(oneShotDeadline, periodicDeadline.get());
    }

    /**
     * Takes what is due: the one-shot timer is set no more, the periodic one a period from now,
     * however many periods were missed.
     *
     * @return whether any was
     */
    boolean takeDue(long now) {
        boolean due = false;
        if (now >= oneShotDeadline) {
            oneShotDeadline = VirtualCpu.NEVER;
            due = true;
        }
        long periodic = periodicDeadline.get();
        if (now >= periodic) {
            // A sibling that stops the timer just now, or starts it anew, has the last word.
            periodicDeadline.compareAndSet(periodic, VirtualCpu.after(now, periodNanos));
            due = true;
        }
        return due;
    }
}

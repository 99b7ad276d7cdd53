package org.xenolith.devices.net;

/**
 * How long a port may make others wait: a budget that waiting uses up, and that comes back in
 * sixteen times as long. So whoever takes its frames slowly holds others up once, and afterwards
 * for a small part of the time. Short waits cost nothing: a port that takes its frames fast may be
 * full all the time, and loses none.
 *
 * <p>It has no clock of its own.
 */
final class Patience {
    /** Of the budget: with half a second and half of a queue, 10 MB/s. */
    private static final int FREE_WAITS = 10;

    private static final int TIMES_AS_LONG = 16;

    private final long budgetNanos;
    private long leftNanos;
    private long asOfNanos; // when so much was left, or the wait began

    Patience(long budgetNanos, long nowNanos) {
        this.budgetNanos = budgetNanos;
        leftNanos = budgetNanos;
        asOfNanos = nowNanos;
    }

    /**
     * Someone has to wait.
     *
     * @return how long at most
     */
    long begin(long nowNanos) {
        long regained = (nowNanos - asOfNanos) / TIMES_AS_LONG;
        leftNanos = Math.min(leftNanos + regained, budgetNanos);
        asOfNanos = nowNanos;
        return Math.max(leftNanos, freeNanos());
    }

    /** Nobody waits any more, be it that the time is over. */
    void end(long nowNanos) {
        long waited = nowNanos - asOfNanos;
        if (waited > freeNanos()) {
            leftNanos = Math.max(leftNanos - waited, 0);
        }
        asOfNanos = nowNanos;
    }

    private long freeNanos() {
        return budgetNanos / FREE_WAITS;
    }
}

package org.xenolith.core.time;

/**
 * A domain's time. System time and time-stamp counter are one number: nanoseconds since the domain
 * started, the same on all its vCPUs and never running backwards.
 */
public interface GuestClock {
    /** Frequency of the time-stamp counter. */
    long TSC_HZ = 1_000_000_000L;

    /**
     * Last deadline to which virtual time jumps, 73 years: time beyond would turn negative one day.
     */
    long LAST_VIRTUAL_DEADLINE = 1L << 61;

    /** System time now, for a vCPU that has retired so many instructions. */
    long systemTimeNanos(long retired);

    /** UTC at system time 0, nanoseconds since 1970. */
    long wallClockAtStartNanos();

    /**
     * All vCPUs sleep until {@code deadlineNanos}: virtual time jumps there.
     *
     * @param deadlineNanos system time, {@link #LAST_VIRTUAL_DEADLINE} at most
     */
    void skipTo(long deadlineNanos, long retired);

    /** Whether time passes while nobody runs. */
    boolean isLive();

    /** The host's clock. */
    static GuestClock live() {
        return live(0);
    }

    /** The host's clock for a domain that goes on at a system time. */
    static GuestClock live(long systemTimeNanos) {
        return new GuestClock() {
            private final long start = System.nanoTime() - systemTimeNanos;
            private final long wallClock = System.currentTimeMillis() * 1_000_000 - systemTimeNanos;

            @Override
            public long systemTimeNanos(long retired) {
                return System.nanoTime() - start;
            }

            @Override
            public long wallClockAtStartNanos() {
                return wallClock;
            }

            @Override
            public void skipTo(long deadlineNanos, long retired) {}

            @Override
            public boolean isLive() {
                return true;
            }
        };
    }

    /**
     * Time derived from the number of instructions, one nanosecond each, so that two runs see the
     * same. Starts at a fixed date.
     */
    static GuestClock virtual() {
        return virtual(0);
    }

    /**
     * As {@link #virtual()} for a domain that goes on.
     *
     * @param skippedNanos time that was slept through so far
     */
    static GuestClock virtual(long skippedNanos) {
        return new GuestClock() {
            private static final long START_2024 = 1_704_067_200L * 1_000_000_000;
            private long skipped = skippedNanos;

            @Override
            public long systemTimeNanos(long retired) {
                return retired + skipped;
            }

            @Override
            public long wallClockAtStartNanos() {
                return START_2024;
            }

            @Override
            public void skipTo(long deadlineNanos, long retired) {
                skipped += Math.max(0, deadlineNanos - systemTimeNanos(retired));
            }

            @Override
            public boolean isLive() {
                return false;
            }
        };
    }
}

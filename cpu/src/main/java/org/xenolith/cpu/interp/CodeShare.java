package org.xenolith.cpu.interp;

import java.util.concurrent.TimeUnit;

/**
 * What one domain has of a {@link CodeBudget}, and how much it does with it.
 *
 * <p>All but {@link #hasAdded} and {@link #weight} is for who holds the budget's lock.
 */
final class CodeShare {
    /**
     * Instructions a second below which a domain is idle: a page of a LAMP guest takes a million,
     * its timers and daemons take 0.4 million a second.
     */
    private static final long BUSY_PACE = 1_000_000;

    /**
     * What an idle domain holds counts for so much more. Memory of idle guests is taxed likewise by
     * VMware ESX, by three quarters: Waldspurger, Memory Resource Management in VMware ESX Server,
     * OSDI 2002, section 5.
     */
    private static final int IDLE_TAX = 4;

    /** How long a pace is measured at least, in nanoseconds; what was before counts half then. */
    private static final long PACE_NANOS = TimeUnit.SECONDS.toNanos(5);

    /**
     * A share and its claim as it was at an instant.
     *
     * @param size what it is worth to take the share's code away, in {@link CodeWeight}
     */
    record Claim(CodeShare share, long size) {}

    private final CodeCache code;

    /** What the domain had added when it looked last; vCPUs set it without synchronisation. */
    private volatile long addedAtLook;

    /** What the domain had added when room was made last. */
    private long addedAtRoom;

    /** Instructions a second; a domain that has just come is busy. */
    private long pace = 2 * BUSY_PACE;

    private long retired;
    private long measuredAt;

    CodeShare(CodeCache code, long now) {
        this.code = code;
        this.measuredAt = now;
        this.retired = code.retired();
        beginGrowth();
    }

    long weight() {
        return code.weight().sum();
    }

    /** Whether the domain has added so much since this was true last. */
    boolean hasAdded(long much) {
        long added = code.weight().added();
        if (added - addedAtLook < much) {
            return false;
        }
        addedAtLook = added;
        return true;
    }

    void measurePace(long now) {
        long nanos = now - measuredAt;
        if (nanos < PACE_NANOS) {
            return;
        }
        long instructions = code.retired();
        double measured = (double) (instructions - retired) / nanos * TimeUnit.SECONDS.toNanos(1);
        pace = (pace + (long) measured) / 2;
        retired = instructions;
        measuredAt = now;
    }

    /**
     * What the domain holds, and what it has added since room was made last; all the more while it
     * is idle. So the idle come before the busy; of the busy ones, whoever holds most; and of those
     * that hold as much, whoever decodes most: a guest that fills its share with code that it never
     * runs again pays for the room that it takes itself, and not its neighbours, who run what they
     * have.
     */
    Claim claim() {
        long size = weight() + code.weight().added() - addedAtRoom;
        return new Claim(this, pace < BUSY_PACE ? size * IDLE_TAX : size);
    }

    void beginGrowth() {
        addedAtRoom = code.weight().added();
    }

    void makeRoom() {
        code.dropForRoom();
    }
}

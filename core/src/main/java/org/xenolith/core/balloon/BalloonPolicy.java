package org.xenolith.core.balloon;

import java.util.List;

/**
 * Shares a host's memory among guests by their need. A pure function of one round's figures: call
 * it again and again, and it follows the guests.
 *
 * <ul>
 *   <li>A guest that tells what it has available needs what it uses and a margin; one that does not
 *       is taken to need all it may have.
 *   <li>While there is enough, all need is met and the rest is shared out too: memory that lies
 *       idle on the host is page cache lost in a guest.
 *   <li>When there is not, each guest gets its minimum, and of what is left the same fraction of
 *       what it needs beyond.
 *   <li>Guests shrink in steps, so that their kernels can follow; they grow at once, but only into
 *       what others have given back already. So the limit holds all the time, not just in the end.
 * </ul>
 */
public final class BalloonPolicy {
    /** Free memory that a guest keeps at least, so that a burst does not meet its OOM killer. */
    static final long MARGIN_KIB = 16 << 10;

    /** The margin grows with use: a quarter of it. */
    static final int MARGIN_DIVISOR = 4;

    /** A round takes at most this part of a guest's memory. */
    static final int SHRINK_DIVISOR = 8;

    static final long SHRINK_KIB = 8 << 10;

    private final long limitKib;

    /**
     * @param limitKib what all guests together may have
     */
    public BalloonPolicy(long limitKib) {
        this.limitKib = limitKib;
    }

    public long limitKib() {
        return limitKib;
    }

    /**
     * What each guest should be asked to have now, in the order of the guests.
     *
     * <p>As long as the minima fit under the limit, the sum of what guests have can only fall below
     * it or stay there.
     */
    public long[] targets(List<? extends Ballooned> guests) {
        int count = guests.size();
        long[] current = new long[count];
        long[] goal = goals(guests);
        long held = 0;
        for (int i = 0; i < count; i++) {
            current[i] = guests.get(i).currentKib();
            held += Math.max(current[i], Math.min(guests.get(i).targetKib(), goal[i]));
        }
        long[] target = new long[count];
        long wanted = 0;
        for (int i = 0; i < count; i++) {
            Ballooned guest = guests.get(i);
            if (goal[i] < current[i]) {
                target[i] = Math.max(goal[i], current[i] - step(guest, current[i]));
            } else {
                // What it was promised before and has not taken yet is counted as held.
                target[i] = Math.max(current[i], Math.min(guest.targetKib(), goal[i]));
                wanted += goal[i] - target[i];
            }
        }
        long free = Math.max(0, limitKib - held);
        for (int i = 0; i < count; i++) {
            if (goal[i] > target[i] && goal[i] >= current[i]) {
                target[i] += share(goal[i] - target[i], Math.min(free, wanted), wanted);
            }
        }
        return target;
    }

    /** Where guests should end up, without regard to how fast they get there. */
    private long[] goals(List<? extends Ballooned> guests) {
        long[] goal = new long[guests.size()];
        long sumNeed = 0;
        long sumMin = 0;
        long sumMax = 0;
        for (int i = 0; i < goal.length; i++) {
            goal[i] = need(guests.get(i));
            sumNeed += goal[i];
            sumMin += guests.get(i).minKib();
            sumMax += guests.get(i).maxKib();
        }
        for (int i = 0; i < goal.length; i++) {
            long min = guests.get(i).minKib();
            long max = guests.get(i).maxKib();
            goal[i] =
                    sumNeed <= limitKib
                            ? goal[i] + share(max - goal[i], limitKib - sumNeed, sumMax - sumNeed)
                            : min + share(goal[i] - min, limitKib - sumMin, sumNeed - sumMin);
        }
        return goal;
    }

    private static long need(Ballooned guest) {
        if (guest.availableKib().isEmpty()) {
            return guest.maxKib();
        }
        long used = Math.max(0, guest.currentKib() - guest.availableKib().getAsLong());
        long need = used + Math.max(MARGIN_KIB, used / MARGIN_DIVISOR);
        return Math.clamp(need, guest.minKib(), guest.maxKib());
    }

    /** A part of {@code amount}: as {@code available} is to {@code total}, never more than all. */
    private static long share(long amount, long available, long total) {
        if (total <= 0 || available >= total) {
            return amount;
        }
        return available <= 0 ? 0 : (long) ((double) amount * available / total);
    }

    private static long step(Ballooned guest, long current) {
        long step = Math.max(SHRINK_KIB, current / SHRINK_DIVISOR);
        return guest.availableKib().isEmpty()
                ? step
                : Math.min(step, Math.max(1024, guest.availableKib().getAsLong() / 2));
    }
}

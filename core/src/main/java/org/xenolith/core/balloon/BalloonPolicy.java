package org.xenolith.core.balloon;

import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;

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

    /** A guest with nothing to spare is still asked for this much, or it would never move. */
    private static final long MIN_STEP_KIB = 1 << 10;

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
     * What is known of a guest in this round. It is read once: a guest changes its own word at any
     * time, also between two looks.
     */
    private record Figures(long min, long max, long current, long target, OptionalLong available) {
        static Figures of(Ballooned guest) {
            return new Figures(
                    guest.minKib(),
                    guest.maxKib(),
                    guest.currentKib(),
                    guest.targetKib(),
                    guest.availableKib());
        }
    }

    /**
     * What each guest should be asked to have now, in the order of the guests.
     *
     * <p>As long as the minima fit under the limit, the sum of what guests have can only fall below
     * it or stay there.
     */
    public long[] targets(List<? extends Ballooned> present) {
        List<Figures> guests = new ArrayList<>();
        present.forEach(guest -> guests.add(Figures.of(guest)));
        int count = guests.size();
        long[] goal = goals(guests);
        long held = 0;
        for (int i = 0; i < count; i++) {
            Figures guest = guests.get(i);
            held += Math.max(guest.current, Math.min(guest.target, goal[i]));
        }
        long[] target = new long[count];
        long wanted = 0;
        for (int i = 0; i < count; i++) {
            Figures guest = guests.get(i);
            if (goal[i] < guest.current) {
                target[i] = Math.max(goal[i], guest.current - step(guest));
            } else {
                // What it was promised before and has not taken yet is counted as held.
                target[i] = Math.max(guest.current, Math.min(guest.target, goal[i]));
                wanted += goal[i] - target[i];
            }
        }
        long free = Math.max(0, limitKib - held);
        for (int i = 0; i < count; i++) {
            if (goal[i] > target[i] && goal[i] >= guests.get(i).current) {
                target[i] += share(goal[i] - target[i], Math.min(free, wanted), wanted);
            }
        }
        return target;
    }

    /** Where guests should end up, without regard to how fast they get there. */
    private long[] goals(List<Figures> guests) {
        long[] goal = new long[guests.size()];
        long sumNeed = 0;
        long sumMin = 0;
        long sumMax = 0;
        for (int i = 0; i < goal.length; i++) {
            goal[i] = need(guests.get(i));
            sumNeed += goal[i];
            sumMin += guests.get(i).min;
            sumMax += guests.get(i).max;
        }
        for (int i = 0; i < goal.length; i++) {
            long min = guests.get(i).min;
            long max = guests.get(i).max;
            goal[i] =
                    sumNeed <= limitKib
                            ? goal[i] + share(max - goal[i], limitKib - sumNeed, sumMax - sumNeed)
                            : min + share(goal[i] - min, limitKib - sumMin, sumNeed - sumMin);
        }
        return goal;
    }

    private static long need(Figures guest) {
        if (guest.available.isEmpty()) {
            return guest.max;
        }
        long used = Math.max(0, guest.current - guest.available.getAsLong());
        long need = used + Math.max(MARGIN_KIB, used / MARGIN_DIVISOR);
        return Math.clamp(need, guest.min, guest.max);
    }

    /** A part of {@code amount}: as {@code available} is to {@code total}, never more than all. */
    private static long share(long amount, long available, long total) {
        if (total <= 0 || available >= total) {
            return amount;
        }
        return available <= 0 ? 0 : (long) ((double) amount * available / total);
    }

    private static long step(Figures guest) {
        long step = Math.max(SHRINK_KIB, guest.current / SHRINK_DIVISOR);
        return guest.available.isEmpty()
                ? step
                : Math.min(step, Math.max(MIN_STEP_KIB, guest.available.getAsLong() / 2));
    }
}

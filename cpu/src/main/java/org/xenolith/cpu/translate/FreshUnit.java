package org.xenolith.cpu.translate;

import org.xenolith.cpu.Cpu;
import org.xenolith.cpu.interp.HotCode;
import org.xenolith.cpu.interp.TranslatedUnit;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.LongSupplier;

/**
 * A unit that HotSpot has not compiled yet. Its bytecode would run slower than our interpreter runs
 * the guest's code, for as long as HotSpot needs to count, to wait and to compile; so it is called
 * here, off the vCPU's thread, until it gets quick, and put in the place of its block only then.
 *
 * <p>HotSpot does not say whether a method is compiled. What the first calls took says what the
 * JVM's interpreter needs, and compiled code needs a small part of it.
 */
final class FreshUnit {
    /**
     * HotSpot looks at a method's counter each so many calls ({@code Tier0InvokeNotifyFreqLog}).
     */
    private static final int CALLS = 128;

    /** Calls that are timed together, so that the clock's own time does not show. */
    private static final int TIMED = 4;

    /** Of so many times the shortest counts: the others waited for memory, or for a processor. */
    private static final int TIMES = 8;

    /** Compiled code takes less than this part of the interpreter's time. */
    private static final int QUICKER = 3;

    /** C1 gives up on some units; the JVM's interpreter has to gather their profile for C2. */
    private static final long PATIENCE_NANOS = 100_000_000;

    private final HotCode code;
    private final Region region;
    private final TranslatedUnit unit;
    private final boolean exact;
    private final LongSupplier nanoTime;
    private final List<HotCode> keptBack = new ArrayList<>();
    private long interpretedNanos;
    private long deadline;
    private boolean asked;
    private boolean broken;

    FreshUnit(HotCode code, Region region, TranslatedUnit unit, boolean exact) {
        this(code, region, unit, exact, System::nanoTime);
    }

    /**
     * @param nanoTime the clock, as {@link System#nanoTime}
     */
    FreshUnit(
            HotCode code,
            Region region,
            TranslatedUnit unit,
            boolean exact,
            LongSupplier nanoTime) {
        this.code = code;
        this.region = region;
        this.unit = unit;
        this.exact = exact;
        this.nanoTime = nanoTime;
    }

    /** Calls it for the first time. */
    void begin(Cpu idle) {
        interpretedNanos = time(idle);
        deadline = now() + PATIENCE_NANOS;
        call(idle, CALLS);
    }

    /** Whether a block of this code stands in the unit. */
    boolean contains(HotCode other) {
        return code.isNear(other) && Arrays.binarySearch(region.starts(), other.start()) >= 0;
    }

    void keepBack(HotCode other) {
        keptBack.add(other);
    }

    /** What got hot while this unit was not installed yet. */
    List<HotCode> keptBack() {
        return keptBack;
    }

    /**
     * Calls the unit some more. True when it is compiled, or will not be soon.
     *
     * <p>Once C1 has been asked for it, there are no more calls than have to be timed, which
     * HotSpot notices, too: each counts as one in which the unit left at once, and after some
     * thousands of them C2 takes the loops of the unit for what it hardly ever does.
     */
    boolean isReady(Cpu idle) {
        if (time(idle) * QUICKER < interpretedNanos || now() - deadline > 0) {
            return true;
        }
        if (!asked) {
            asked = true;
            call(idle, CALLS);
        }
        return false;
    }

    /** It has thrown, and would do so on a vCPU's thread. */
    void giveUp() {
        broken = true;
    }

    boolean isBroken() {
        return broken;
    }

    private long time(Cpu idle) {
        long least = Long.MAX_VALUE;
        for (int i = 0; i < TIMES; i++) {
            long start = now();
            call(idle, TIMED);
            least = Math.min(least, now() - start);
        }
        return least;
    }

    private long now() {
        return nanoTime.getAsLong();
    }

    private void call(Cpu idle, int times) {
        for (int i = 0; i < times; i++) {
            unit.run(idle, TranslatedUnit.REHEARSE);
        }
    }

    /**
     * Puts it in the place of its block.
     *
     * @param heat see {@link HotCode#install}
     * @return whether it will run
     */
    boolean install(int heat) {
        return code.install(
                unit, region.entryStarts(), region.ranges(), region.starts(), heat, exact);
    }

    Region region() {
        return region;
    }
}

package org.xenolith.core.mm;

import java.util.Arrays;

/**
 * Machine frame numbers of one kind: those given back are handed out again, last first, then those
 * that were never used, lowest first. The order is fixed: runs can be repeated.
 *
 * <p>Locking: {@link FrameTable#lock} is held for all methods but {@link #next}, which may be read
 * at any time.
 */
final class MfnRange {
    private final long first;
    private final long limit;
    private long next;
    private long[] free = new long[64];
    private int freeCount;

    /**
     * @param first lowest number
     * @param limit first number above all
     */
    MfnRange(long first, long limit) {
        this.first = first;
        this.limit = limit;
        this.next = first;
    }

    /** Whether all numbers are in use. */
    boolean isExhausted() {
        return freeCount == 0 && next == limit;
    }

    /** Whether none is. */
    boolean isUnused() {
        return next - first == freeCount;
    }

    /** Hands a number out. The caller knows that the range is not exhausted. */
    long take() {
        if (isExhausted()) {
            throw new IllegalStateException("no MFN is left below %#x".formatted(limit));
        }
        return freeCount > 0 ? free[--freeCount] : next++;
    }

    void giveBack(long mfn) {
        if (freeCount == free.length) {
            free = Arrays.copyOf(free, freeCount * 2);
        }
        free[freeCount++] = mfn;
    }

    /** First number that was never handed out. */
    long next() {
        return next;
    }

    /** Numbers given back, in the order in which they will be handed out again, last first. */
    long[] free() {
        return Arrays.copyOf(free, freeCount);
    }

    /** Makes the range one that has come to {@link #next} and {@link #free} elsewhere. */
    void restore(long next, long[] free) {
        this.next = next;
        freeCount = free.length;
        this.free = Arrays.copyOf(free, Math.max(this.free.length, freeCount));
    }
}

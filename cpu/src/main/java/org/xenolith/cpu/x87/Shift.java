package org.xenolith.cpu.x87;

/** Shifts and divisions of 128-bit unsigned numbers held as two halves. */
final class Shift {
    private static final long LOW_WORD = 0xffff_ffffL;

    private Shift() {}

    /** Upper half of {@code hi:lo >>> count}, for any {@code count >= 0}. */
    static long rightHi(long hi, int count) {
        return count < Long.SIZE ? hi >>> count : 0;
    }

    /** Lower half of {@code hi:lo >>> count}; bits lost are jammed into the last bit. */
    static long rightJamLo(long hi, long lo, int count) {
        if (count == 0) {
            return lo;
        }
        if (count < Long.SIZE) {
            long lost = lo << Long.SIZE - count;
            return hi << Long.SIZE - count | lo >>> count | (lost != 0 ? 1 : 0);
        }
        if (count == Long.SIZE) {
            return hi | (lo != 0 ? 1 : 0);
        }
        if (count < 2 * Long.SIZE) {
            int rest = count - Long.SIZE;
            long lost = hi << Long.SIZE - rest | lo;
            return hi >>> rest | (lost != 0 ? 1 : 0);
        }
        return (hi | lo) != 0 ? 1 : 0;
    }

    /** Upper half of {@code hi:lo << count}, for {@code 0 <= count < 128}. */
    static long leftHi(long hi, long lo, int count) {
        if (count == 0) {
            return hi;
        }
        return count < Long.SIZE ? hi << count | lo >>> Long.SIZE - count : lo << count - Long.SIZE;
    }

    /** Lower half of {@code hi:lo << count}, for {@code 0 <= count < 128}. */
    static long leftLo(long lo, int count) {
        return count < Long.SIZE ? lo << count : 0;
    }

    static int leadingZeros(long hi, long lo) {
        return hi != 0 ? Long.numberOfLeadingZeros(hi) : Long.SIZE + Long.numberOfLeadingZeros(lo);
    }

    /**
     * Quotient of {@code hi:lo / divisor}. The divisor's bit 63 is set and {@code hi < divisor}.
     * Two steps of schoolbook division with 32-bit digits; the remainder is {@code lo - quotient *
     * divisor}.
     */
    static long divide(long hi, long lo, long divisor) {
        long upper = digit(hi, lo >>> 32, divisor);
        long rest = (hi << 32 | lo >>> 32) - upper * divisor;
        return upper << 32 | digit(rest, lo & LOW_WORD, divisor);
    }

    /**
     * One 32-bit digit of {@code (hi << 32 | next) / divisor}: the estimate is at most two too
     * large.
     */
    private static long digit(long hi, long next, long divisor) {
        long divisorHi = divisor >>> 32;
        long divisorLo = divisor & LOW_WORD;
        long estimate = Long.divideUnsigned(hi, divisorHi);
        long rest = hi - estimate * divisorHi;
        while (estimate > LOW_WORD
                || Long.compareUnsigned(estimate * divisorLo, rest << 32 | next) > 0) {
            estimate--;
            rest += divisorHi;
            if (rest > LOW_WORD) {
                break;
            }
        }
        return estimate;
    }
}

package org.xenolith.cpu.translate;

/**
 * What is known of a double while a unit is written: it is finite, and 0 or {@code 2^low <= |x| <=
 * 2^high}; it is a multiple of {@code 2^grid}. Rounding keeps all three, since powers of two are
 * doubles, so bounds of a result follow from those of its operands, and where they {@linkplain
 * #isSafe fit}, the operation cannot be invalid, overflow or underflow: nobody need look at the
 * result.
 *
 * @param nonZero whether it is known not to be 0
 */
record Magnitude(int low, int grid, int high, boolean nonZero) {
    /** Bits of a fraction: a double of at least 2^n is a multiple of 2^(n - 52). */
    private static final int FRACTION_BITS = 52;

    /** Below lie the smallest normal numbers, where rounding decides what is tiny. */
    private static final int SMALLEST = -1021;

    private static final int LARGEST = 1023;

    /**
     * The exponents of {@link Doubles#requireModerate}: products of four such numbers, and sums of
     * products of three, still fit. Values outside of 10^-76 to 10^76 are rare.
     */
    static final int MODERATE_EXPONENT = 255;

    static final Magnitude MODERATE = ofRange(-MODERATE_EXPONENT, MODERATE_EXPONENT, false);

    static final Magnitude MODERATE_AND_NOT_ZERO =
            ofRange(-MODERATE_EXPONENT, MODERATE_EXPONENT, true);

    /** What {@link Doubles#requireComparable} shows: no NaN and no denormal, but maybe infinite. */
    static final Magnitude COMPARABLE = ofRange(-1022, 2 * LARGEST, false);

    /** 0, of which every such bound is true. */
    static final Magnitude ZERO = integer(0);

    private static Magnitude ofRange(int low, int high, boolean nonZero) {
        return new Magnitude(low, low - FRACTION_BITS, high, nonZero);
    }

    /** An integer of at most 2^bits. */
    static Magnitude integer(int bits) {
        return new Magnitude(0, 0, bits, false);
    }

    /** Whether numbers within these bounds are normal or 0, even if rounding has led there. */
    boolean isSafe() {
        return low >= SMALLEST && high <= LARGEST;
    }

    /** Whether {@link #MODERATE} says more. */
    boolean isWide() {
        return low < -MODERATE_EXPONENT || high > MODERATE_EXPONENT;
    }

    /** Of an exact product and of a rounded one. */
    Magnitude times(Magnitude b) {
        int lowest = low + b.low;
        int coarsest = Math.max(grid + b.grid, lowest - FRACTION_BITS);
        return new Magnitude(lowest, coarsest, high + b.high, nonZero && b.nonZero);
    }

    /** Of a sum or a difference: it may be 0, and else no smaller than the finer grid. */
    Magnitude plus(Magnitude b) {
        int finer = Math.min(grid, b.grid);
        return new Magnitude(finer, finer, Math.max(high, b.high) + 1, false);
    }

    /** Of a quotient; {@code b} is not 0. */
    Magnitude dividedBy(Magnitude b) {
        return ofRange(low - b.high, high - b.low, nonZero);
    }

    /** Of a square root. */
    Magnitude root() {
        return ofRange(Math.floorDiv(low, 2), Math.ceilDiv(high, 2), nonZero);
    }

    /** Of a number rounded to an integer. */
    Magnitude rounded() {
        return integer(Math.max(high, 0));
    }

    /** Of one of two numbers; null stands for nothing known. */
    static Magnitude either(Magnitude a, Magnitude b) {
        if (a == null || b == null) {
            return null;
        }
        return new Magnitude(
                Math.min(a.low, b.low),
                Math.min(a.grid, b.grid),
                Math.max(a.high, b.high),
                a.nonZero && b.nonZero);
    }

    /** That of two tests which says more; null is no test. */
    static Magnitude stricter(Magnitude a, Magnitude b) {
        if (a == null || b == null) {
            return a == null ? b : a;
        }
        return a.nonZero || !b.nonZero && a.high < b.high ? a : b;
    }
}

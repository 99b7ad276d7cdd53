package org.xenolith.cpu.x87;

/**
 * The power series behind the transcendental functions, each with enough terms for 128 bits on its
 * stated range. One object per unit: its scratch numbers keep the functions free of allocation.
 */
final class WideSeries {
    static final Wide ONE = Wide.of(1);
    static final Wide LN2 = Wide.ofBits(-1, 0xb17217f7d1cf79abL, 0xc9e3b39803f2f6afL);
    static final Wide PI = Wide.ofBits(1, 0xc90fdaa22168c234L, 0xc4c6628b80dc1cd1L);
    static final Wide HALF_PI = Wide.ofBits(0, 0xc90fdaa22168c234L, 0xc4c6628b80dc1cd1L);

    /** Terms that bring the rest below 2^-128 of the result at the end of each function's range. */
    private static final int EXP_TERMS = 33;

    private static final int SINE_TERMS = 18;
    private static final int ATAN_TERMS = 17;
    private static final int ATANH_TERMS = 27;

    private static final int RECIPROCALS = 2 * ATANH_TERMS + 2;

    /** Arctangent is tabulated at multiples of one sixteenth. */
    private static final int ATAN_STEP_LOG = 4;

    private static final int ATAN_STEPS = 1 << ATAN_STEP_LOG;

    /** {@code 1 / n}; entry 0 is unused. */
    private static final Wide[] RECIPROCAL = new Wide[RECIPROCALS];

    /** {@code 1 / (n (n + 1))}; entry 0 is unused. */
    private static final Wide[] RECIPROCAL_PAIR = new Wide[RECIPROCALS];

    private static final Wide[] SIXTEENTH = new Wide[ATAN_STEPS + 1];
    private static final Wide[] ATAN_OF_SIXTEENTH = new Wide[ATAN_STEPS + 1];

    static {
        for (int n = 1; n < RECIPROCALS; n++) {
            RECIPROCAL[n] = new Wide();
            RECIPROCAL[n].quotient(ONE, Wide.of(n));
            RECIPROCAL_PAIR[n] = new Wide();
            RECIPROCAL_PAIR[n].quotient(ONE, Wide.of(n * (n + 1L)));
        }
        WideSeries series = new WideSeries();
        Wide step = new Wide();
        for (int k = 0; k <= ATAN_STEPS; k++) {
            SIXTEENTH[k] = Wide.of(k);
            SIXTEENTH[k].scale(-ATAN_STEP_LOG);
            ATAN_OF_SIXTEENTH[k] = Wide.of(0);
            if (k > 0) {
                // From the entry before: atan(c) = atan(b) + atan((c - b) / (1 + bc)).
                series.reduceAtan(SIXTEENTH[k], SIXTEENTH[k - 1], step);
                series.atanNearZero(step, step);
                ATAN_OF_SIXTEENTH[k].sum(ATAN_OF_SIXTEENTH[k - 1], step);
            }
        }
    }

    private final Wide square = new Wide();
    private final Wide factor = new Wide();
    private final Wide sum = new Wide();
    private final Wide rest = new Wide();

    /** {@code out = e^t - 1} for {@code |t| <= ln 2}. */
    void expMinusOne(Wide t, Wide out) {
        sum.set(ONE);
        for (int n = EXP_TERMS; n > 1; n--) {
            factor.product(t, RECIPROCAL[n]);
            factor.product(factor, sum);
            sum.sum(ONE, factor);
        }
        out.product(t, sum);
    }

    /** {@code out = sin r} for {@code |r| <= pi / 4}. */
    void sine(Wide r, Wide out) {
        alternating(r, 0);
        out.product(r, sum);
    }

    /** {@code out = cos r} for {@code |r| <= pi / 4}. */
    void cosine(Wide r, Wide out) {
        alternating(r, -1);
        out.set(sum);
    }

    /**
     * {@code 1 - r^2 / ((2 + shift)(3 + shift)) (1 - r^2 / ((4 + shift)(5 + shift)) (1 - ...))}.
     */
    private void alternating(Wide r, int shift) {
        square.product(r, r);
        sum.set(ONE);
        for (int n = 2 * SINE_TERMS; n > 0; n -= 2) {
            factor.product(square, RECIPROCAL_PAIR[n + shift]);
            factor.product(factor, sum);
            sum.difference(ONE, factor);
        }
    }

    /** {@code out = atan z} for {@code 0 <= z <= 1}. */
    void atan(Wide z, Wide out) {
        int nearest = nearestSixteenth(z);
        if (nearest == 0) {
            atanNearZero(z, out);
            return;
        }
        reduceAtan(z, SIXTEENTH[nearest], rest);
        atanNearZero(rest, rest);
        out.sum(ATAN_OF_SIXTEENTH[nearest], rest);
    }

    private static int nearestSixteenth(Wide z) {
        int shift = 62 - ATAN_STEP_LOG - z.exponent();
        return shift >= Long.SIZE ? 0 : (int) ((z.high() >>> shift) + 1 >>> 1);
    }

    /** {@code out = (z - c) / (1 + zc)}, whose arctangent is {@code atan z - atan c}. */
    private void reduceAtan(Wide z, Wide c, Wide out) {
        factor.product(z, c);
        factor.sum(ONE, factor);
        sum.difference(z, c);
        out.quotient(sum, factor);
    }

    /** For {@code |z| <= 1/16}. */
    private void atanNearZero(Wide z, Wide out) {
        square.product(z, z);
        square.negate();
        oddPowers(z, ATAN_TERMS, out);
    }

    /** {@code out = ln m}, where {@code m = (1 + z) / (1 - z)} and {@code |z| < 0.18}. */
    void logOfRatio(Wide z, Wide out) {
        square.product(z, z);
        oddPowers(z, ATANH_TERMS, out);
        out.scale(1);
    }

    /** {@code out = z (1 + square / 3 + square^2 / 5 + ...)}. */
    private void oddPowers(Wide z, int terms, Wide out) {
        sum.set(RECIPROCAL[2 * terms + 1]);
        for (int n = 2 * terms - 1; n > 0; n -= 2) {
            factor.product(square, sum);
            sum.sum(RECIPROCAL[n], factor);
        }
        out.product(z, sum);
    }
}

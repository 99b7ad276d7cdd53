package org.xenolith.cpu.semantics.simd;

import static org.xenolith.cpu.semantics.simd.FloatFormat.LEADING;

/**
 * SSE arithmetic in integers, exact to the bit and to the flag, for both formats: all rounding
 * modes, flush to zero, denormals as zeros, NaN rules. SDM vol. 1, 4.8, 4.9 and 11.5. The slow path
 * of {@link SseDouble} and {@link SseFloat}.
 *
 * <p>A finite number is carried as sign, exponent and a significand with its leading one at bit 62;
 * bits that do not fit are jammed into bit 0, so that one rounding at the end is right.
 */
final class SoftFloat {
    /** What {@link #compare} says when an operand is a NaN. */
    static final int UNORDERED = 2;

    private static final long HALF = Long.MIN_VALUE;

    private SoftFloat() {}

    // Operands.

    /** A denormal becomes zero if DAZ is set. */
    private static long daz(FloatFormat f, long x, Mxcsr m) {
        return m.denormalsAreZeros() && f.isDenormal(x) ? f.sign(x) : x;
    }

    private static void noteDenormals(FloatFormat f, long a, long b, Mxcsr m) {
        if (f.isDenormal(a) || f.isDenormal(b)) {
            m.note(Mxcsr.DE);
        }
    }

    /** The result when a or b is a NaN: the first one, quieted. SDM vol. 1, table 4-7. */
    private static long propagateNan(FloatFormat f, long a, long b, Mxcsr m) {
        if (f.isSignalingNan(a) || f.isSignalingNan(b)) {
            m.note(Mxcsr.IE);
        }
        return (f.isNan(a) ? a : b) | f.quietBit;
    }

    private static long invalid(FloatFormat f, Mxcsr m) {
        m.note(Mxcsr.IE);
        return f.defaultNan;
    }

    // Rounding.

    private static long shiftRightJam(long x, int count) {
        if (count == 0) {
            return x;
        }
        return count < 64 ? x >>> count | (x << 64 - count != 0 ? 1 : 0) : x != 0 ? 1 : 0;
    }

    /**
     * Whether a number rounds away from zero.
     *
     * @param odd whether its integer part is odd
     * @param fraction the part below the integer, 1/2 being {@link #HALF}
     */
    private static boolean roundsUp(boolean negative, boolean odd, long fraction, int rounding) {
        return switch (rounding) {
            case Mxcsr.RC_NEAREST -> fraction == HALF ? odd : fraction < 0;
            case Mxcsr.RC_DOWN -> negative && fraction != 0;
            case Mxcsr.RC_UP -> !negative && fraction != 0;
            default -> false;
        };
    }

    /** The significand in the format's precision, rounded; it may carry to one bit more. */
    private static long roundSignificand(
            FloatFormat f, boolean negative, long significand, Mxcsr m) {
        int extra = LEADING - f.fractionBits;
        long kept = significand >>> extra;
        boolean up = roundsUp(negative, (kept & 1) != 0, significand << 64 - extra, m.rounding());
        return up ? kept + 1 : kept;
    }

    private static boolean isInexact(FloatFormat f, long significand) {
        return significand << 64 - (LEADING - f.fractionBits) != 0;
    }

    /** Rounds and packs a number that is not zero. */
    private static long round(
            FloatFormat f, boolean negative, int exponent, long significand, Mxcsr m) {
        if (exponent < f.minExponent()) {
            return roundTiny(f, negative, exponent, significand, m);
        }
        long sign = negative ? f.signMask : 0;
        if (exponent > f.bias) {
            return sign | overflow(f, negative, significand, m);
        }
        // The leading one adds 1 to the exponent field; a carry out of rounding adds another.
        long magnitude =
                ((long) (exponent + f.bias - 1) << f.fractionBits)
                        + roundSignificand(f, negative, significand, m);
        if (magnitude >= f.infinity) {
            return sign | overflow(f, negative, significand, m);
        }
        if (isInexact(f, significand)) {
            m.note(Mxcsr.PE);
        }
        return sign | magnitude;
    }

    private static long overflow(FloatFormat f, boolean negative, long significand, Mxcsr m) {
        // The unmasked response keeps the exact exponent, so that only lost bits are a loss of
        // precision.
        boolean inexact = m.isMasked(Mxcsr.OE) || isInexact(f, significand);
        m.note(inexact ? Mxcsr.OE | Mxcsr.PE : Mxcsr.OE);
        boolean toInfinity =
                switch (m.rounding()) {
                    case Mxcsr.RC_NEAREST -> true;
                    case Mxcsr.RC_DOWN -> negative;
                    case Mxcsr.RC_UP -> !negative;
                    default -> false;
                };
        return toInfinity ? f.infinity : f.infinity - 1;
    }

    /**
     * A number below the normal ones. It is tiny unless rounding with full precision makes it
     * normal.
     */
    private static long roundTiny(
            FloatFormat f, boolean negative, int exponent, long significand, Mxcsr m) {
        long sign = negative ? f.signMask : 0;
        boolean tiny =
                exponent < f.minExponent() - 1
                        || roundSignificand(f, negative, significand, m) >>> f.fractionBits + 1
                                == 0;
        if (tiny && m.isMasked(Mxcsr.UE) && m.flushesToZero()) {
            m.note(Mxcsr.UE | Mxcsr.PE);
            return sign;
        }
        if (tiny && !m.isMasked(Mxcsr.UE)) { // keeps the exact exponent, as an unmasked overflow
            m.note(isInexact(f, significand) ? Mxcsr.UE | Mxcsr.PE : Mxcsr.UE);
            return sign;
        }
        long shifted = shiftRightJam(significand, f.minExponent() - exponent);
        if (isInexact(f, shifted)) {
            m.note(tiny ? Mxcsr.UE | Mxcsr.PE : Mxcsr.PE);
        }
        return sign | roundSignificand(f, negative, shifted, m);
    }

    // Arithmetic.

    static long add(FloatFormat f, long a, long b, Mxcsr m) {
        a = daz(f, a, m);
        b = daz(f, b, m);
        if (f.isNan(a) || f.isNan(b)) {
            return propagateNan(f, a, b, m);
        }
        if (f.isInfinite(a) && f.isInfinite(b) && a != b) {
            return invalid(f, m);
        }
        noteDenormals(f, a, b, m);
        if (f.isInfinite(a) || f.isInfinite(b)) {
            return f.isInfinite(a) ? a : b;
        }
        if (f.isZero(a) && f.isZero(b)) {
            return a == b ? a : zeroOfCancellation(f, m);
        }
        if (f.isZero(a) || f.isZero(b)) {
            long x = f.isZero(a) ? b : a;
            return round(f, f.isNegative(x), f.exponent(x), f.significand(x), m);
        }
        return addFinite(f, a, b, m);
    }

    private static long zeroOfCancellation(FloatFormat f, Mxcsr m) {
        return m.rounding() == Mxcsr.RC_DOWN ? f.signMask : 0;
    }

    private static long addFinite(FloatFormat f, long a, long b, Mxcsr m) {
        if (f.magnitude(a) < f.magnitude(b)) {
            long swap = a;
            a = b;
            b = swap;
        }
        int exponent = f.exponent(a);
        long big = f.significand(a);
        long small = shiftRightJam(f.significand(b), exponent - f.exponent(b));
        long sum = f.isNegative(a) == f.isNegative(b) ? big + small : big - small;
        if (sum == 0) {
            return zeroOfCancellation(f, m);
        }
        if (sum < 0) {
            return round(f, f.isNegative(a), exponent + 1, sum >>> 1 | sum & 1, m);
        }
        int shift = Long.numberOfLeadingZeros(sum) - (63 - LEADING);
        return round(f, f.isNegative(a), exponent - shift, sum << shift, m);
    }

    static long sub(FloatFormat f, long a, long b, Mxcsr m) {
        return add(f, a, f.isNan(b) ? b : b ^ f.signMask, m);
    }

    static long mul(FloatFormat f, long a, long b, Mxcsr m) {
        a = daz(f, a, m);
        b = daz(f, b, m);
        if (f.isNan(a) || f.isNan(b)) {
            return propagateNan(f, a, b, m);
        }
        if (f.isInfinite(a) && f.isZero(b) || f.isZero(a) && f.isInfinite(b)) {
            return invalid(f, m);
        }
        noteDenormals(f, a, b, m);
        long sign = f.sign(a ^ b);
        if (f.isInfinite(a) || f.isInfinite(b)) {
            return sign | f.infinity;
        }
        if (f.isZero(a) || f.isZero(b)) {
            return sign;
        }
        int exponent = f.exponent(a) + f.exponent(b);
        long x = f.significand(a), y = f.significand(b);
        long low = x * y;
        long product = Math.multiplyHigh(x, y) << 2 | low >>> 62 | (low << 2 != 0 ? 1 : 0);
        if (product < 0) {
            product = product >>> 1 | product & 1;
            exponent++;
        }
        return round(f, sign != 0, exponent, product, m);
    }

    static long div(FloatFormat f, long a, long b, Mxcsr m) {
        a = daz(f, a, m);
        b = daz(f, b, m);
        if (f.isNan(a) || f.isNan(b)) {
            return propagateNan(f, a, b, m);
        }
        if (f.isInfinite(a) && f.isInfinite(b) || f.isZero(a) && f.isZero(b)) {
            return invalid(f, m);
        }
        long sign = f.sign(a ^ b);
        if (f.isZero(b) && !f.isInfinite(a)) {
            m.note(Mxcsr.ZE);
            return sign | f.infinity;
        }
        noteDenormals(f, a, b, m);
        if (f.isInfinite(a)) {
            return sign | f.infinity;
        }
        if (f.isInfinite(b) || f.isZero(a)) {
            return sign;
        }
        int exponent = f.exponent(a) - f.exponent(b);
        long dividend = f.significand(a), divisor = f.significand(b);
        if (dividend < divisor) {
            dividend <<= 1;
            exponent--;
        }
        return round(f, sign != 0, exponent, quotient(dividend, divisor), m);
    }

    /**
     * {@code dividend / divisor * 2^62}, jammed; the quotient is in [1, 2), the operands unsigned.
     */
    private static long quotient(long dividend, long divisor) {
        long quotient = 0, remainder = dividend;
        for (int bit = LEADING; bit >= 0; bit--) {
            if (Long.compareUnsigned(remainder, divisor) >= 0) {
                remainder -= divisor;
                quotient |= 1L << bit;
            }
            remainder <<= 1;
        }
        return quotient | (remainder != 0 ? 1 : 0);
    }

    static long sqrt(FloatFormat f, long x, Mxcsr m) {
        x = daz(f, x, m);
        if (f.isNan(x)) {
            return propagateNan(f, x, x, m);
        }
        if (f.isZero(x)) {
            return x;
        }
        if (f.isNegative(x)) {
            return invalid(f, m);
        }
        noteDenormals(f, x, x, m);
        if (f.isInfinite(x)) {
            return x;
        }
        int exponent = f.exponent(x);
        long significand = f.significand(x) << (exponent & 1);
        return round(f, false, exponent >> 1, root(significand), m);
    }

    /** {@code sqrt(x * 2^62)} for unsigned x in [2^62, 2^64), jammed; found digit by digit. */
    private static long root(long x) {
        final int digits = 60; // the most that keep the remainder in a long
        long root = 0, remainder = 0;
        for (int i = 0; i < digits; i++) {
            remainder = remainder << 2 | x >>> 62;
            x <<= 2;
            long trial = root << 2 | 1;
            root <<= 1;
            if (remainder >= trial) {
                remainder -= trial;
                root |= 1;
            }
        }
        return root << LEADING + 1 - digits | (remainder != 0 ? 1 : 0);
    }

    // Comparison.

    /** -1, 0, 1 as a is below, equal, above b; or {@link #UNORDERED}. Notes DE, and IE as told. */
    static int compare(FloatFormat f, long a, long b, boolean quietNanIsInvalid, Mxcsr m) {
        a = daz(f, a, m);
        b = daz(f, b, m);
        if (f.isNan(a) || f.isNan(b)) {
            if (quietNanIsInvalid || f.isSignalingNan(a) || f.isSignalingNan(b)) {
                m.note(Mxcsr.IE);
            }
            return UNORDERED;
        }
        noteDenormals(f, a, b, m);
        return Long.compare(ordinal(f, a), ordinal(f, b));
    }

    /** Orders as the numbers do; both zeros are 0. */
    private static long ordinal(FloatFormat f, long x) {
        return f.isNegative(x) ? -f.magnitude(x) : f.magnitude(x);
    }

    static long min(FloatFormat f, long a, long b, Mxcsr m) {
        return compare(f, a, b, true, m) == -1 ? daz(f, a, m) : daz(f, b, m);
    }

    static long max(FloatFormat f, long a, long b, Mxcsr m) {
        return compare(f, a, b, true, m) == 1 ? daz(f, a, m) : daz(f, b, m);
    }

    // Conversion.

    static long convert(FloatFormat from, FloatFormat to, long x, Mxcsr m) {
        x = daz(from, x, m);
        long sign = from.isNegative(x) ? to.signMask : 0;
        if (from.isNan(x)) {
            if (from.isSignalingNan(x)) {
                m.note(Mxcsr.IE);
            }
            long payload = x & from.fractionMask;
            int shift = to.fractionBits - from.fractionBits;
            return sign
                    | to.infinity
                    | to.quietBit
                    | (shift > 0 ? payload << shift : payload >>> -shift);
        }
        if (from.isInfinite(x)) {
            return sign | to.infinity;
        }
        if (from.isZero(x)) {
            return sign;
        }
        noteDenormals(from, x, x, m);
        return round(to, sign != 0, from.exponent(x), from.significand(x), m);
    }

    static long fromInteger(FloatFormat f, long integer, Mxcsr m) {
        if (integer == 0) {
            return 0;
        }
        long magnitude = Math.abs(integer); // of the smallest: itself, 2^63 unsigned
        int exponent = 63 - Long.numberOfLeadingZeros(magnitude);
        long significand =
                exponent > LEADING
                        ? magnitude >>> 1 | magnitude & 1
                        : magnitude << LEADING - exponent;
        return round(f, integer < 0, exponent, significand, m);
    }

    /**
     * To a signed integer.
     *
     * @param bits 32 or 64
     * @param rounding an {@code Mxcsr.RC_*} value
     * @return the integer, or the smallest one if it does not fit ("integer indefinite")
     */
    static long toInteger(FloatFormat f, long x, int bits, int rounding, Mxcsr m) {
        x = daz(f, x, m);
        if (f.isZero(x)) {
            return 0;
        }
        long smallest = Long.MIN_VALUE >> 64 - bits;
        if (f.isNan(x) || f.isInfinite(x) || f.exponent(x) > LEADING + 1) {
            m.note(Mxcsr.IE);
            return smallest;
        }
        boolean negative = f.isNegative(x);
        int shift = LEADING - f.exponent(x);
        long significand = f.significand(x);
        if (shift < 0) { // 2^63 or more: only -2^63 fits
            if (bits != 64 || !negative || significand != 1L << LEADING) {
                m.note(Mxcsr.IE);
            }
            return smallest;
        }
        long fraction = fraction(significand, shift);
        long integer = shift < 64 ? significand >>> shift : 0;
        if (roundsUp(negative, (integer & 1) != 0, fraction, rounding)) {
            integer++;
        }
        long limit = ~smallest + (negative ? 1 : 0);
        if (Long.compareUnsigned(integer, limit) > 0) {
            m.note(Mxcsr.IE);
            return smallest;
        }
        if (fraction != 0) {
            m.note(Mxcsr.PE);
        }
        return negative ? -integer : integer;
    }

    /**
     * The low {@code shift} bits of a significand as a fraction of 2^shift, jammed into 64 bits.
     */
    private static long fraction(long significand, int shift) {
        return shift == 0
                ? 0
                : shift <= 64 ? significand << 64 - shift : shiftRightJam(significand, shift - 64);
    }

    /** To an integer in the same format. */
    static long roundToIntegral(
            FloatFormat f, long x, int rounding, boolean suppressPrecision, Mxcsr m) {
        x = daz(f, x, m);
        if (f.isNan(x)) {
            return propagateNan(f, x, x, m);
        }
        if (f.isZero(x) || f.isInfinite(x) || f.exponent(x) >= f.fractionBits) {
            return x;
        }
        int shift = LEADING - f.exponent(x);
        long significand = f.significand(x);
        long fraction = fraction(significand, shift);
        if (fraction == 0) {
            return x;
        }
        if (!suppressPrecision) {
            m.note(Mxcsr.PE);
        }
        long integer = shift < 64 ? significand >>> shift : 0;
        if (roundsUp(f.isNegative(x), (integer & 1) != 0, fraction, rounding)) {
            integer++;
        }
        return f.sign(x) | (integer == 0 ? 0 : fromInteger(f, integer, m));
    }
}

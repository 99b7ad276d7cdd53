package org.xenolith.cpu.semantics.simd;

import static org.xenolith.cpu.semantics.simd.FloatFormat.DOUBLE;

import static java.lang.Double.doubleToRawLongBits;
import static java.lang.Double.longBitsToDouble;

/**
 * Double precision operations of SSE2 on one lane, as bits; {@code a} is the destination, {@code b}
 * the source. Exceptions are noted in the {@link Mxcsr}; the caller commits them.
 *
 * <p>Where operands and result are normal numbers, rounding is to nearest and the precision flag
 * cannot change, Java's arithmetic is the processor's; everything else is {@link SoftFloat}'s.
 */
public final class SseDouble {
    /** RFLAGS bits of COMISD. */
    private static final int CF = 1, PF = 1 << 2, ZF = 1 << 6;

    private static final long EXPONENT = 0x7ffL << 52;

    /** Above this exponent the residue of a product is a normal number. */
    private static final long SAFE_EXPONENT = 128L << 52;

    private SseDouble() {}

    private static boolean isDenormal(long x) {
        return Long.compareUnsigned((x << 1) - 1, (1L << 53) - 2) < 0;
    }

    /** A normal number, but not of the smallest exponent: rounding may have brought it there. */
    private static boolean isNormal(long x) {
        return Long.compareUnsigned((x & EXPONENT) - (2L << 52), EXPONENT - (2L << 52)) < 0;
    }

    /** A normal number so big that the rounding error of an operation yielding it is one too. */
    private static boolean isNormalAndBig(long x) {
        return Long.compareUnsigned((x & EXPONENT) - SAFE_EXPONENT, EXPONENT - SAFE_EXPONENT) < 0;
    }

    private static boolean areOperandsPlain(long a, long b, Mxcsr m) {
        return m.isPlain() && !isDenormal(a) && !isDenormal(b);
    }

    private static boolean isSumExact(double x, double y, double sum) {
        double part = sum - x;
        return (x - (sum - part)) + (y - part) == 0;
    }

    public static long addsd(long a, long b, Mxcsr m) {
        double x = longBitsToDouble(a), y = longBitsToDouble(b), sum = x + y;
        long bits = doubleToRawLongBits(sum);
        return isNormal(bits)
                        && areOperandsPlain(a, b, m)
                        && (m.isPlainAndInexact() || isSumExact(x, y, sum))
                ? bits
                : SoftFloat.add(DOUBLE, a, b, m);
    }

    public static long subsd(long a, long b, Mxcsr m) {
        double x = longBitsToDouble(a), y = longBitsToDouble(b), difference = x - y;
        long bits = doubleToRawLongBits(difference);
        return isNormal(bits)
                        && areOperandsPlain(a, b, m)
                        && (m.isPlainAndInexact() || isSumExact(x, -y, difference))
                ? bits
                : SoftFloat.sub(DOUBLE, a, b, m);
    }

    public static long mulsd(long a, long b, Mxcsr m) {
        double x = longBitsToDouble(a), y = longBitsToDouble(b), product = x * y;
        long bits = doubleToRawLongBits(product);
        return isNormalAndBig(bits)
                        && areOperandsPlain(a, b, m)
                        && (m.isPlainAndInexact() || Math.fma(x, y, -product) == 0)
                ? bits
                : SoftFloat.mul(DOUBLE, a, b, m);
    }

    public static long divsd(long a, long b, Mxcsr m) {
        double x = longBitsToDouble(a), y = longBitsToDouble(b), quotient = x / y;
        long bits = doubleToRawLongBits(quotient);
        return isNormal(bits)
                        && areOperandsPlain(a, b, m)
                        && (m.isPlainAndInexact()
                                || isNormalAndBig(a) && Math.fma(quotient, y, -x) == 0)
                ? bits
                : SoftFloat.div(DOUBLE, a, b, m);
    }

    public static long sqrtsd(long b, Mxcsr m) {
        double x = longBitsToDouble(b), root = Math.sqrt(x);
        long bits = doubleToRawLongBits(root);
        return isNormalAndBig(b)
                        && isNormal(bits)
                        && m.isPlain()
                        && (m.isPlainAndInexact() || Math.fma(root, root, -x) == 0)
                ? bits
                : SoftFloat.sqrt(DOUBLE, b, m);
    }

    private static boolean isQuickToCompare(long a, long b) {
        return !isDenormal(a)
                && !isDenormal(b)
                && !Double.isNaN(longBitsToDouble(a))
                && !Double.isNaN(longBitsToDouble(b));
    }

    public static long minsd(long a, long b, Mxcsr m) {
        return isQuickToCompare(a, b)
                ? longBitsToDouble(a) < longBitsToDouble(b) ? a : b
                : SoftFloat.min(DOUBLE, a, b, m);
    }

    public static long maxsd(long a, long b, Mxcsr m) {
        return isQuickToCompare(a, b)
                ? longBitsToDouble(a) > longBitsToDouble(b) ? a : b
                : SoftFloat.max(DOUBLE, a, b, m);
    }

    /** ZF, PF and CF of COMISD: a quiet NaN is invalid too. */
    public static int comisd(long a, long b, Mxcsr m) {
        return compareFlags(a, b, true, m);
    }

    /** ZF, PF and CF of UCOMISD. */
    public static int ucomisd(long a, long b, Mxcsr m) {
        return compareFlags(a, b, false, m);
    }

    private static int compareFlags(long a, long b, boolean quietNanIsInvalid, Mxcsr m) {
        if (isQuickToCompare(a, b)) {
            double x = longBitsToDouble(a), y = longBitsToDouble(b);
            return x > y ? 0 : x < y ? CF : ZF;
        }
        return flagsOf(SoftFloat.compare(DOUBLE, a, b, quietNanIsInvalid, m));
    }

    static int flagsOf(int relation) {
        return switch (relation) {
            case -1 -> CF;
            case 0 -> ZF;
            case 1 -> 0;
            default -> ZF | PF | CF;
        };
    }

    /** Of numbers; Java's own compare tells the zeros apart. */
    private static int quickRelation(long a, long b) {
        return longBitsToDouble(a) < longBitsToDouble(b)
                ? -1
                : longBitsToDouble(a) > longBitsToDouble(b) ? 1 : 0;
    }

    /** All ones where the predicate {@code imm & 7} holds, else 0. SDM vol. 2, CMPPD. */
    public static long cmpsd(long a, long b, int imm, Mxcsr m) {
        int relation =
                isQuickToCompare(a, b)
                        ? quickRelation(a, b)
                        : SoftFloat.compare(DOUBLE, a, b, isSignalingPredicate(imm), m);
        return holds(relation, imm) ? -1 : 0;
    }

    /** LT, LE, NLT and NLE report quiet NaNs. */
    static boolean isSignalingPredicate(int imm) {
        return (imm + 1 & 2) != 0;
    }

    static boolean holds(int relation, int imm) {
        boolean positive =
                switch (imm & 3) {
                    case 0 -> relation == 0;
                    case 1 -> relation == -1;
                    case 2 -> relation == -1 || relation == 0;
                    default -> relation == SoftFloat.UNORDERED;
                };
        return positive == ((imm & 4) == 0);
    }

    /** ROUNDSD: imm is rounding mode, bit 2 "as MXCSR says", bit 3 "no precision exception". */
    public static long roundsd(long b, int imm, Mxcsr m) {
        return SoftFloat.roundToIntegral(DOUBLE, b, roundingOf(imm, m), (imm & 8) != 0, m);
    }

    static int roundingOf(int imm, Mxcsr m) {
        return (imm & 4) != 0 ? m.rounding() : (imm & 3) * Mxcsr.RC_DOWN;
    }

    /** The dot product of DPPD: bits 5:4 of imm pick the factors. */
    static long dppd(long aLow, long aHigh, long bLow, long bHigh, int imm, Mxcsr m) {
        long first = (imm & 0x10) != 0 ? mulsd(aLow, bLow, m) : 0;
        long second = (imm & 0x20) != 0 ? mulsd(aHigh, bHigh, m) : 0;
        return m.endStep() ? 0 : addsd(first, second, m);
    }
}

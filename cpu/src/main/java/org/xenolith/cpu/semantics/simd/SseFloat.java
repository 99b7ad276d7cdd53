package org.xenolith.cpu.semantics.simd;

import static org.xenolith.cpu.semantics.simd.FloatFormat.SINGLE;

import static java.lang.Float.floatToRawIntBits;
import static java.lang.Float.intBitsToFloat;

/**
 * Single precision operations of SSE on one lane, as bits; {@code a} is the destination, {@code b}
 * the source. Exceptions are noted in the {@link Mxcsr}; the caller commits them.
 *
 * <p>Where operands and result are normal numbers, rounding is to nearest and the precision flag
 * cannot change, Java's arithmetic is the processor's; everything else is {@link SoftFloat}'s.
 */
public final class SseFloat {
    /** RFLAGS bits of COMISS. */
    private static final int CF = 1, ZF = 1 << 6;

    private static final int EXPONENT = 0xff << 23;

    private static final int SIGN = 1 << 31, QUIET = 1 << 22, DEFAULT_NAN = SIGN | EXPONENT | QUIET;

    private SseFloat() {}

    private static boolean isDenormal(int x) {
        return Integer.compareUnsigned((x << 1) - 1, (1 << 24) - 2) < 0;
    }

    /** A normal number, but not of the smallest exponent: rounding may have brought it there. */
    private static boolean isNormal(int x) {
        return Integer.compareUnsigned((x & EXPONENT) - (2 << 23), EXPONENT - (2 << 23)) < 0;
    }

    private static long bits(int x) {
        return x & 0xffffffffL;
    }

    private static boolean areOperandsPlain(int a, int b, Mxcsr m) {
        return m.isPlain() && !isDenormal(a) && !isDenormal(b);
    }

    private static boolean isSumExact(float x, float y, float sum) {
        float part = sum - x;
        return (x - (sum - part)) + (y - part) == 0;
    }

    public static int addss(int a, int b, Mxcsr m) {
        float x = intBitsToFloat(a), y = intBitsToFloat(b), sum = x + y;
        int bits = floatToRawIntBits(sum);
        return isNormal(bits)
                        && areOperandsPlain(a, b, m)
                        && (m.isPlainAndInexact() || isSumExact(x, y, sum))
                ? bits
                : (int) SoftFloat.add(SINGLE, bits(a), bits(b), m);
    }

    public static int subss(int a, int b, Mxcsr m) {
        float x = intBitsToFloat(a), y = intBitsToFloat(b), difference = x - y;
        int bits = floatToRawIntBits(difference);
        return isNormal(bits)
                        && areOperandsPlain(a, b, m)
                        && (m.isPlainAndInexact() || isSumExact(x, -y, difference))
                ? bits
                : (int) SoftFloat.sub(SINGLE, bits(a), bits(b), m);
    }

    public static int mulss(int a, int b, Mxcsr m) {
        float x = intBitsToFloat(a), y = intBitsToFloat(b), product = x * y;
        int bits = floatToRawIntBits(product);
        return isNormal(bits)
                        && areOperandsPlain(a, b, m)
                        && (m.isPlainAndInexact() || (double) x * y == product)
                ? bits
                : (int) SoftFloat.mul(SINGLE, bits(a), bits(b), m);
    }

    public static int divss(int a, int b, Mxcsr m) {
        float x = intBitsToFloat(a), y = intBitsToFloat(b), quotient = x / y;
        int bits = floatToRawIntBits(quotient);
        return isNormal(bits)
                        && areOperandsPlain(a, b, m)
                        && (m.isPlainAndInexact() || (double) quotient * y == x)
                ? bits
                : (int) SoftFloat.div(SINGLE, bits(a), bits(b), m);
    }

    public static int sqrtss(int b, Mxcsr m) {
        float x = intBitsToFloat(b), root = (float) Math.sqrt(x);
        int bits = floatToRawIntBits(root);
        return isNormal(b)
                        && isNormal(bits)
                        && m.isPlain()
                        && (m.isPlainAndInexact() || (double) root * root == x)
                ? bits
                : (int) SoftFloat.sqrt(SINGLE, bits(b), m);
    }

    private static boolean isQuickToCompare(int a, int b) {
        return !isDenormal(a)
                && !isDenormal(b)
                && !Float.isNaN(intBitsToFloat(a))
                && !Float.isNaN(intBitsToFloat(b));
    }

    public static int minss(int a, int b, Mxcsr m) {
        return isQuickToCompare(a, b)
                ? intBitsToFloat(a) < intBitsToFloat(b) ? a : b
                : (int) SoftFloat.min(SINGLE, bits(a), bits(b), m);
    }

    public static int maxss(int a, int b, Mxcsr m) {
        return isQuickToCompare(a, b)
                ? intBitsToFloat(a) > intBitsToFloat(b) ? a : b
                : (int) SoftFloat.max(SINGLE, bits(a), bits(b), m);
    }

    /** ZF, PF and CF of COMISS: a quiet NaN is invalid too. */
    public static int comiss(int a, int b, Mxcsr m) {
        return compareFlags(a, b, true, m);
    }

    /** ZF, PF and CF of UCOMISS. */
    public static int ucomiss(int a, int b, Mxcsr m) {
        return compareFlags(a, b, false, m);
    }

    private static int compareFlags(int a, int b, boolean quietNanIsInvalid, Mxcsr m) {
        if (isQuickToCompare(a, b)) {
            float x = intBitsToFloat(a), y = intBitsToFloat(b);
            return x > y ? 0 : x < y ? CF : ZF;
        }
        return SseDouble.flagsOf(SoftFloat.compare(SINGLE, bits(a), bits(b), quietNanIsInvalid, m));
    }

    /** Of numbers; Java's own compare tells the zeros apart. */
    private static int quickRelation(int a, int b) {
        return intBitsToFloat(a) < intBitsToFloat(b)
                ? -1
                : intBitsToFloat(a) > intBitsToFloat(b) ? 1 : 0;
    }

    /** All ones where the predicate {@code imm & 7} holds, else 0. SDM vol. 2, CMPPS. */
    public static int cmpss(int a, int b, int imm, Mxcsr m) {
        int relation =
                isQuickToCompare(a, b)
                        ? quickRelation(a, b)
                        : SoftFloat.compare(
                                SINGLE, bits(a), bits(b), SseDouble.isSignalingPredicate(imm), m);
        return SseDouble.holds(relation, imm) ? -1 : 0;
    }

    /** ROUNDSS: imm is rounding mode, bit 2 "as MXCSR says", bit 3 "no precision exception". */
    public static int roundss(int b, int imm, Mxcsr m) {
        return (int)
                SoftFloat.roundToIntegral(
                        SINGLE, bits(b), SseDouble.roundingOf(imm, m), (imm & 8) != 0, m);
    }

    /**
     * An approximation of 1 / b, to about 24 bits; the manual asks for 1.5 * 2^-12. No exceptions.
     */
    public static int rcpss(int b) {
        float x = intBitsToFloat(b);
        if (Float.isNaN(x)) {
            return b | QUIET;
        }
        return flush(isDenormal(b) ? b & SIGN | EXPONENT : floatToRawIntBits(1 / x));
    }

    /** An approximation of 1 / sqrt(b), as {@link #rcpss}. */
    public static int rsqrtss(int b) {
        float x = intBitsToFloat(b);
        if (Float.isNaN(x)) {
            return b | QUIET;
        }
        if (x == 0 || isDenormal(b)) {
            return b & SIGN | EXPONENT;
        }
        return x < 0 ? DEFAULT_NAN : floatToRawIntBits((float) (1 / Math.sqrt(x)));
    }

    private static int flush(int x) {
        return isDenormal(x) ? x & SIGN : x;
    }

    /** Half of DPPS: the dot product where bit 0 or 1 of {@code places} says so, else 0. */
    static long dppsPair(
            long aLow, long aHigh, long bLow, long bHigh, int imm, int places, Mxcsr m) {
        long dot = bits(dpps(aLow, aHigh, bLow, bHigh, imm, m));
        return ((places & 1) != 0 ? dot : 0) | ((places & 2) != 0 ? dot << 32 : 0);
    }

    /** The dot product of DPPS: bits 7:4 of imm pick the factors. */
    static int dpps(long aLow, long aHigh, long bLow, long bHigh, int imm, Mxcsr m) {
        int first = (imm & 0x10) != 0 ? mulss((int) aLow, (int) bLow, m) : 0;
        int second = (imm & 0x20) != 0 ? mulss((int) (aLow >>> 32), (int) (bLow >>> 32), m) : 0;
        int third = (imm & 0x40) != 0 ? mulss((int) aHigh, (int) bHigh, m) : 0;
        int fourth = (imm & 0x80) != 0 ? mulss((int) (aHigh >>> 32), (int) (bHigh >>> 32), m) : 0;
        if (m.endStep()) {
            return 0;
        }
        int left = addss(first, second, m), right = addss(third, fourth, m);
        return m.endStep() ? 0 : addss(left, right, m);
    }
}

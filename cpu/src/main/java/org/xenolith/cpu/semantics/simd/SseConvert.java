package org.xenolith.cpu.semantics.simd;

import static org.xenolith.cpu.semantics.simd.FloatFormat.DOUBLE;
import static org.xenolith.cpu.semantics.simd.FloatFormat.SINGLE;

/**
 * Conversions of one lane between double, single and signed integers. Out of range gives the
 * smallest integer and notes IE; a lost fraction notes PE.
 */
public final class SseConvert {
    private SseConvert() {}

    private static long bits(int x) {
        return x & 0xffffffffL;
    }

    public static long cvtsi2sd(int integer) {
        return Double.doubleToRawLongBits(integer);
    }

    public static long cvtsi2sd(long integer, Mxcsr m) {
        double x = integer;
        boolean exact = (long) x == integer && integer != Long.MAX_VALUE;
        return exact || m.isPlainAndInexact()
                ? Double.doubleToRawLongBits(x)
                : SoftFloat.fromInteger(DOUBLE, integer, m);
    }

    public static int cvtsi2ss(long integer, Mxcsr m) {
        float x = integer;
        boolean exact = (long) x == integer && integer != Long.MAX_VALUE;
        return exact || m.isPlainAndInexact()
                ? Float.floatToRawIntBits(x)
                : (int) SoftFloat.fromInteger(SINGLE, integer, m);
    }

    public static long cvtss2sd(int b, Mxcsr m) {
        float x = Float.intBitsToFloat(b);
        return Math.abs(x) >= Float.MIN_NORMAL // false for NaN
                ? Double.doubleToRawLongBits(x)
                : SoftFloat.convert(SINGLE, DOUBLE, bits(b), m);
    }

    public static int cvtsd2ss(long b, Mxcsr m) {
        double x = Double.longBitsToDouble(b);
        float single = (float) x;
        boolean ordinary = Math.abs(single) > Float.MIN_NORMAL && Float.isFinite(single);
        return ordinary && (single == x || m.isPlainAndInexact())
                ? Float.floatToRawIntBits(single)
                : (int) SoftFloat.convert(DOUBLE, SINGLE, b, m);
    }

    public static int cvtsd2si32(long b, Mxcsr m) {
        int integer = (int) Double.longBitsToDouble(b);
        return integer == Double.longBitsToDouble(b)
                ? integer
                : (int) SoftFloat.toInteger(DOUBLE, b, 32, m.rounding(), m);
    }

    public static long cvtsd2si64(long b, Mxcsr m) {
        return SoftFloat.toInteger(DOUBLE, b, 64, m.rounding(), m);
    }

    public static int cvttsd2si32(long b, Mxcsr m) {
        double x = Double.longBitsToDouble(b);
        int integer = (int) x; // saturates
        return integer == x || m.isPlainAndInexact() && integer != saturation(integer) && x == x
                ? integer
                : (int) SoftFloat.toInteger(DOUBLE, b, 32, Mxcsr.RC_TOWARD_ZERO, m);
    }

    /** The extreme integer of the same sign. */
    private static int saturation(int integer) {
        return integer >> 31 ^ Integer.MAX_VALUE;
    }

    public static long cvttsd2si64(long b, Mxcsr m) {
        double x = Double.longBitsToDouble(b);
        return Math.abs(x) < 0x1p62 && ((long) x == x || m.isPlainAndInexact())
                ? (long) x
                : SoftFloat.toInteger(DOUBLE, b, 64, Mxcsr.RC_TOWARD_ZERO, m);
    }

    public static int cvtss2si32(int b, Mxcsr m) {
        return (int) SoftFloat.toInteger(SINGLE, bits(b), 32, m.rounding(), m);
    }

    public static long cvtss2si64(int b, Mxcsr m) {
        return SoftFloat.toInteger(SINGLE, bits(b), 64, m.rounding(), m);
    }

    public static int cvttss2si32(int b, Mxcsr m) {
        return (int) SoftFloat.toInteger(SINGLE, bits(b), 32, Mxcsr.RC_TOWARD_ZERO, m);
    }

    public static long cvttss2si64(int b, Mxcsr m) {
        return SoftFloat.toInteger(SINGLE, bits(b), 64, Mxcsr.RC_TOWARD_ZERO, m);
    }

    // Two lanes of 32 bits at once.

    private static long pair(int low, int high) {
        return bits(low) | (long) high << 32;
    }

    /** Two signed doublewords to two singles; also CVTPI2PS. */
    public static long cvtdq2ps(long b, Mxcsr m) {
        return pair(cvtsi2ss((int) b, m), cvtsi2ss(b >> 32, m));
    }

    /** Two singles to two signed doublewords; also CVTPS2PI. */
    public static long cvtps2dq(long b, Mxcsr m) {
        return pair(cvtss2si32((int) b, m), cvtss2si32((int) (b >>> 32), m));
    }

    public static long cvttps2dq(long b, Mxcsr m) {
        return pair(cvttss2si32((int) b, m), cvttss2si32((int) (b >>> 32), m));
    }

    /** Two doubles to the two signed doublewords of the result's low half; also CVTPD2PI. */
    public static long cvtpd2dq(long bLow, long bHigh, Mxcsr m) {
        return pair(cvtsd2si32(bLow, m), cvtsd2si32(bHigh, m));
    }

    public static long cvttpd2dq(long bLow, long bHigh, Mxcsr m) {
        return pair(cvttsd2si32(bLow, m), cvttsd2si32(bHigh, m));
    }

    public static long cvtpd2ps(long bLow, long bHigh, Mxcsr m) {
        return pair(cvtsd2ss(bLow, m), cvtsd2ss(bHigh, m));
    }
}

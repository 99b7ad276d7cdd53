package org.xenolith.cpu.translate;

import org.xenolith.cpu.semantics.simd.Mxcsr;
import org.xenolith.cpu.semantics.simd.SseConvert;
import org.xenolith.cpu.semantics.simd.SseFloat;

/**
 * Arithmetic of translated code on the two singles in half a vector register; public for the units'
 * classes. Exceptions are noted, not committed.
 */
public final class Singles {
    private static final long LOW_32 = 0xffff_ffffL;

    private Singles() {}

    private static int upper(long pair) {
        return (int) (pair >>> 32);
    }

    private static long pair(int low, int high) {
        return low & LOW_32 | (long) high << 32;
    }

    public static long addps(long a, long b, Mxcsr m) {
        return pair(SseFloat.addss((int) a, (int) b, m), SseFloat.addss(upper(a), upper(b), m));
    }

    public static long subps(long a, long b, Mxcsr m) {
        return pair(SseFloat.subss((int) a, (int) b, m), SseFloat.subss(upper(a), upper(b), m));
    }

    public static long mulps(long a, long b, Mxcsr m) {
        return pair(SseFloat.mulss((int) a, (int) b, m), SseFloat.mulss(upper(a), upper(b), m));
    }

    public static long divps(long a, long b, Mxcsr m) {
        return pair(SseFloat.divss((int) a, (int) b, m), SseFloat.divss(upper(a), upper(b), m));
    }

    public static long minps(long a, long b, Mxcsr m) {
        return pair(SseFloat.minss((int) a, (int) b, m), SseFloat.minss(upper(a), upper(b), m));
    }

    public static long maxps(long a, long b, Mxcsr m) {
        return pair(SseFloat.maxss((int) a, (int) b, m), SseFloat.maxss(upper(a), upper(b), m));
    }

    public static long cmpps(long a, long b, int imm, Mxcsr m) {
        return pair(
                SseFloat.cmpss((int) a, (int) b, imm, m),
                SseFloat.cmpss(upper(a), upper(b), imm, m));
    }

    public static long sqrtps(long b, Mxcsr m) {
        return pair(SseFloat.sqrtss((int) b, m), SseFloat.sqrtss(upper(b), m));
    }

    public static long roundps(long b, int imm, Mxcsr m) {
        return pair(SseFloat.roundss((int) b, imm, m), SseFloat.roundss(upper(b), imm, m));
    }

    /** The first of two singles as a double. */
    public static long firstToDouble(long b, Mxcsr m) {
        return SseConvert.cvtss2sd((int) b, m);
    }

    public static long secondToDouble(long b, Mxcsr m) {
        return SseConvert.cvtss2sd(upper(b), m);
    }

    /** The first of two 32-bit integers as a double, which is always exact. */
    public static long firstIntegerToDouble(long b, Mxcsr m) {
        return SseConvert.cvtsi2sd((int) b);
    }

    public static long secondIntegerToDouble(long b, Mxcsr m) {
        return SseConvert.cvtsi2sd(upper(b));
    }
}

package org.xenolith.cpu.semantics.simd;

import static org.xenolith.cpu.semantics.simd.Lanes.H16;
import static org.xenolith.cpu.semantics.simd.Lanes.L16;
import static org.xenolith.cpu.semantics.simd.Lanes.L32;
import static org.xenolith.cpu.semantics.simd.Lanes.M16;
import static org.xenolith.cpu.semantics.simd.Lanes.M32;

/**
 * Packed shifts on 64 bits, operands as in {@link PackedInteger}. The count is the whole 64-bit
 * source, or the immediate.
 */
public final class PackedShift {
    private PackedShift() {}

    public static long psllw(long a, long count) {
        return (count & ~15) != 0 ? 0 : (a & L16 * (M16 >>> count)) << count;
    }

    public static long pslld(long a, long count) {
        return (count & ~31) != 0 ? 0 : (a & L32 * (M32 >>> count)) << count;
    }

    public static long psllq(long a, long count) {
        return (count & ~63) != 0 ? 0 : a << count;
    }

    public static long psrlw(long a, long count) {
        return (count & ~15) != 0 ? 0 : a >>> count & L16 * (M16 >>> count);
    }

    public static long psrld(long a, long count) {
        return (count & ~31) != 0 ? 0 : a >>> count & L32 * (M32 >>> count);
    }

    public static long psrlq(long a, long count) {
        return (count & ~63) != 0 ? 0 : a >>> count;
    }

    /** The count, or {@code most}, which is all ones, if that is less. */
    private static int atMost(int most, long count) {
        return (count & ~most) != 0 ? most : (int) count;
    }

    public static long psraw(long a, long count) {
        return signedShift16(a, a & H16, atMost(15, count));
    }

    /** The lanes moved, and all bits from where their sign bits now are up to where they were. */
    private static long signedShift16(long a, long signs, int count) {
        return a >>> count & L16 * (M16 >>> count) | (signs << 1) - (signs >>> count);
    }

    public static long psrad(long a, long count) {
        int least = atMost(31, count);
        return a >> least & ~M32 | (int) a >> least & M32;
    }
}

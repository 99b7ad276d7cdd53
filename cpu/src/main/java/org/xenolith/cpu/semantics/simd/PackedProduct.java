package org.xenolith.cpu.semantics.simd;

import static org.xenolith.cpu.semantics.simd.Lanes.EVEN8;
import static org.xenolith.cpu.semantics.simd.Lanes.H8;
import static org.xenolith.cpu.semantics.simd.Lanes.L16;
import static org.xenolith.cpu.semantics.simd.Lanes.M16;
import static org.xenolith.cpu.semantics.simd.Lanes.M32;
import static org.xenolith.cpu.semantics.simd.Lanes.below;
import static org.xenolith.cpu.semantics.simd.Lanes.spread8;

/**
 * Packed products on 64 bits and sums of them, PSADBW too; operands as in {@link PackedInteger}.
 */
public final class PackedProduct {
    private PackedProduct() {}

    // A method named after two lanes computes those in the low 32 bits.

    private static long twoProducts(long a, long b) {
        return a * b & M16 | ((a >>> 16) * (b >>> 16) & M16) << 16;
    }

    public static long pmullw(long a, long b) {
        return twoProducts(a, b) | twoProducts(a >>> 32, b >>> 32) << 32;
    }

    /** The upper half of the upper product is where it belongs. */
    private static long twoSignedHighs(int a, int b) {
        return ((a >> 16) * (b >> 16) & ~0xffff | (short) a * (short) b >>> 16) & M32;
    }

    public static long pmulhw(long a, long b) {
        return twoSignedHighs((int) a, (int) b)
                | twoSignedHighs((int) (a >>> 32), (int) (b >>> 32)) << 32;
    }

    private static long twoUnsignedHighs(int a, int b) {
        return ((a >>> 16) * (b >>> 16) & ~0xffff | (a & 0xffff) * (b & 0xffff) >>> 16) & M32;
    }

    public static long pmulhuw(long a, long b) {
        return twoUnsignedHighs((int) a, (int) b)
                | twoUnsignedHighs((int) (a >>> 32), (int) (b >>> 32)) << 32;
    }

    /** Upper half of the product, rounded: SDM vol. 2, PMULHRSW. */
    private static long roundedHigh(int a, int b) {
        return (a * b >> 14) + 1 >> 1 & M16;
    }

    private static long twoRoundedHighs(int a, int b) {
        return roundedHigh((short) a, (short) b) | roundedHigh(a >> 16, b >> 16) << 16;
    }

    public static long pmulhrsw(long a, long b) {
        return twoRoundedHighs((int) a, (int) b)
                | twoRoundedHighs((int) (a >>> 32), (int) (b >>> 32)) << 32;
    }

    public static long pmulld(long a, long b) {
        return (a >>> 32) * (b >>> 32) << 32 | a * b & M32;
    }

    public static long pmuludq(long a, long b) {
        return (a & M32) * (b & M32);
    }

    public static long pmuldq(long a, long b) {
        return (long) (int) a * (int) b;
    }

    private static int sumOfTwoProducts(int a, int b) {
        return (short) a * (short) b + (a >> 16) * (b >> 16);
    }

    public static long pmaddwd(long a, long b) {
        return sumOfTwoProducts((int) a, (int) b) & M32
                | (long) sumOfTwoProducts((int) (a >>> 32), (int) (b >>> 32)) << 32;
    }

    /** Unsigned bytes of a times signed bytes of b, two of each, added with signed saturation. */
    private static long mixedProducts(int a, int b) {
        return PackedPack.saturate16((a & 0xff) * (byte) b + (a >>> 8 & 0xff) * (byte) (b >>> 8))
                & M16;
    }

    private static long twoMixedProducts(int a, int b) {
        return mixedProducts(a, b) | mixedProducts(a >>> 16, b >>> 16) << 16;
    }

    public static long pmaddubsw(long a, long b) {
        return twoMixedProducts((int) a, (int) b)
                | twoMixedProducts((int) (a >>> 32), (int) (b >>> 32)) << 32;
    }

    /** The larger less the smaller: both exchanged where a is below b. */
    private static long distances8(long a, long b) {
        long exchanged = (a ^ b) & spread8(below(a, b, H8));
        return (a ^ exchanged) - (b ^ exchanged);
    }

    /** Four words of two distances each; the multiplication adds them up in the highest. */
    public static long psadbw(long a, long b) {
        long distances = distances8(a, b);
        return ((distances & EVEN8) + (distances >>> 8 & EVEN8)) * L16 >>> 48;
    }
}

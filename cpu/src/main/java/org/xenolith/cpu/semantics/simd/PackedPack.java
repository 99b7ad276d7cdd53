package org.xenolith.cpu.semantics.simd;

import static org.xenolith.cpu.semantics.simd.Lanes.EVEN16;
import static org.xenolith.cpu.semantics.simd.Lanes.EVEN8;
import static org.xenolith.cpu.semantics.simd.Lanes.H8;
import static org.xenolith.cpu.semantics.simd.Lanes.L32;
import static org.xenolith.cpu.semantics.simd.Lanes.L8;
import static org.xenolith.cpu.semantics.simd.Lanes.M16;
import static org.xenolith.cpu.semantics.simd.Lanes.M32;
import static org.xenolith.cpu.semantics.simd.Lanes.select;
import static org.xenolith.cpu.semantics.simd.Lanes.spread8;
import static org.xenolith.cpu.semantics.simd.Lanes.zero;

/**
 * Packs and interleavings on 64 bits, operands as in {@link PackedInteger}: lanes become narrower,
 * or those of two operands stand by turns.
 */
public final class PackedPack {
    private PackedPack() {}

    // Pack: a's lanes become the low half of the result, b's the high half. Words are taken apart
    // into their lower and their higher bytes, of a and b by turns.

    private static long lowerBytes(long a, long b) {
        return a & EVEN8 | (b & EVEN8) << 8;
    }

    private static long higherBytes(long a, long b) {
        return a >>> 8 & EVEN8 | b & ~EVEN8;
    }

    /** Exchanges the bits under the mask with those that are so much higher. */
    private static long exchange(long a, long mask, int distance) {
        long differing = (a ^ a >>> distance) & mask;
        return a ^ differing ^ differing << distance;
    }

    /** The even bytes, then the odd ones. */
    private static long unzip8(long a) {
        return exchange(exchange(a, L32 * 0xff00, 8), M16 << 16, 16);
    }

    /** 0x7f or 0x80, as the sign is. */
    private static long extreme8(long signs) {
        return ~H8 + (signs >>> 7 & L8);
    }

    /** In range if the higher byte has nothing but the sign of the lower. */
    private static long saturateSigned8(long lower, long higher) {
        long inRange = spread8(zero(higher ^ spread8(lower & H8), H8));
        return select(inRange, lower, extreme8(higher));
    }

    /** All ones if the higher byte is not zero, but zero if it is negative. */
    private static long saturateUnsigned8(long lower, long higher) {
        return (lower | spread8((higher & ~H8) + ~H8 & H8)) & ~spread8(higher & H8);
    }

    public static long packsswb(long a, long b) {
        return unzip8(saturateSigned8(lowerBytes(a, b), higherBytes(a, b)));
    }

    public static long packuswb(long a, long b) {
        return unzip8(saturateUnsigned8(lowerBytes(a, b), higherBytes(a, b)));
    }

    static int saturate16(int value) {
        return Math.max(Math.min(value, Short.MAX_VALUE), Short.MIN_VALUE);
    }

    private static int saturateUnsigned16(int value) {
        return Math.max(Math.min(value, 0xffff), 0);
    }

    private static long narrowSigned32(long a) {
        return saturate16((int) a) & M16 | (saturate16((int) (a >>> 32)) & M16) << 16;
    }

    private static long narrowUnsigned32(long a) {
        return saturateUnsigned16((int) a) | (long) saturateUnsigned16((int) (a >>> 32)) << 16;
    }

    public static long packssdw(long a, long b) {
        return narrowSigned32(a) | narrowSigned32(b) << 32;
    }

    public static long packusdw(long a, long b) {
        return narrowUnsigned32(a) | narrowUnsigned32(b) << 32;
    }

    // Interleave the low or the high 32 bits.

    /** The four low bytes, each moved to the low byte of a word; nothing is above them. */
    private static long bytesToWords(long a) {
        long words = (a | a << 16) & EVEN16;
        return (words | words << 8) & EVEN8;
    }

    private static long wordsToDoublewords(long a) {
        return (a | a << 16) & EVEN16;
    }

    public static long punpcklbw(long a, long b) {
        return bytesToWords(a & M32) | bytesToWords(b & M32) << 8;
    }

    public static long punpckhbw(long a, long b) {
        return bytesToWords(a >>> 32) | bytesToWords(b >>> 32) << 8;
    }

    public static long punpcklwd(long a, long b) {
        return wordsToDoublewords(a & M32) | wordsToDoublewords(b & M32) << 16;
    }

    public static long punpckhwd(long a, long b) {
        return wordsToDoublewords(a >>> 32) | wordsToDoublewords(b >>> 32) << 16;
    }

    public static long punpckldq(long a, long b) {
        return a & M32 | b << 32;
    }

    public static long punpckhdq(long a, long b) {
        return a >>> 32 | b & ~M32;
    }
}

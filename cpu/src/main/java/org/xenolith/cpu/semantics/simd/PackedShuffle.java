package org.xenolith.cpu.semantics.simd;

/**
 * Operations on whole XMM registers whose lanes cross between the halves; each comes as {@code
 * ...Low} and {@code ...High}, the halves of its result. {@code a} is the destination, {@code b}
 * the source.
 */
public final class PackedShuffle {
    private static final long M8 = 0xff, M16 = 0xffff, M32 = 0xffffffffL;

    private PackedShuffle() {}

    /** Doubleword number {@code index & 3}. */
    private static long doubleword(long low, long high, int index) {
        return ((index & 2) == 0 ? low : high) >>> 32 * (index & 1) & M32;
    }

    private static long twoDoublewords(long low, long high, int imm) {
        return doubleword(low, high, imm) | doubleword(low, high, imm >>> 2) << 32;
    }

    public static long pshufdLow(long aLow, long aHigh, long bLow, long bHigh, int imm) {
        return twoDoublewords(bLow, bHigh, imm);
    }

    public static long pshufdHigh(long aLow, long aHigh, long bLow, long bHigh, int imm) {
        return twoDoublewords(bLow, bHigh, imm >>> 4);
    }

    public static long pshuflwLow(long aLow, long aHigh, long bLow, long bHigh, int imm) {
        return PackedInteger.pshufw(bLow, imm);
    }

    public static long pshuflwHigh(long aLow, long aHigh, long bLow, long bHigh, int imm) {
        return bHigh;
    }

    public static long pshufhwLow(long aLow, long aHigh, long bLow, long bHigh, int imm) {
        return bLow;
    }

    public static long pshufhwHigh(long aLow, long aHigh, long bLow, long bHigh, int imm) {
        return PackedInteger.pshufw(bHigh, imm);
    }

    public static long shufpsLow(long aLow, long aHigh, long bLow, long bHigh, int imm) {
        return twoDoublewords(aLow, aHigh, imm);
    }

    public static long shufpsHigh(long aLow, long aHigh, long bLow, long bHigh, int imm) {
        return twoDoublewords(bLow, bHigh, imm >>> 4);
    }

    public static long shufpdLow(long aLow, long aHigh, long bLow, long bHigh, int imm) {
        return (imm & 1) == 0 ? aLow : aHigh;
    }

    public static long shufpdHigh(long aLow, long aHigh, long bLow, long bHigh, int imm) {
        return (imm & 2) == 0 ? bLow : bHigh;
    }

    /** Moves left by imm bytes, zeros enter. */
    public static long pslldqLow(long aLow, long aHigh, long bLow, long bHigh, int imm) {
        return imm < 8 ? aLow << 8 * imm : 0;
    }

    public static long pslldqHigh(long aLow, long aHigh, long bLow, long bHigh, int imm) {
        if (imm == 0) {
            return aHigh;
        }
        return imm < 8
                ? aHigh << 8 * imm | aLow >>> 64 - 8 * imm
                : imm < 16 ? aLow << 8 * imm - 64 : 0;
    }

    public static long psrldqLow(long aLow, long aHigh, long bLow, long bHigh, int imm) {
        return PackedInteger.palignr(aHigh, aLow, imm);
    }

    public static long psrldqHigh(long aLow, long aHigh, long bLow, long bHigh, int imm) {
        return imm < 8 ? aHigh >>> 8 * imm : 0;
    }

    public static long pinsrwLow(long aLow, long aHigh, long bLow, long bHigh, int imm) {
        return (imm & 4) == 0 ? PackedInteger.pinsrw(aLow, (int) bLow, imm) : aLow;
    }

    public static long pinsrwHigh(long aLow, long aHigh, long bLow, long bHigh, int imm) {
        return (imm & 4) != 0 ? PackedInteger.pinsrw(aHigh, (int) bLow, imm) : aHigh;
    }

    public static long pextrw(long bLow, long bHigh, int imm) {
        return PackedInteger.pextrw((imm & 4) == 0 ? bLow : bHigh, imm);
    }

    public static long pmovmskb(long bLow, long bHigh) {
        return PackedInteger.pmovmskb(bLow) | PackedInteger.pmovmskb(bHigh) << 8;
    }

    public static long movmskps(long bLow, long bHigh) {
        return bLow >>> 31 & 1 | bLow >>> 63 << 1 | (bHigh >>> 31 & 1) << 2 | bHigh >>> 63 << 3;
    }

    public static long movmskpd(long bLow, long bHigh) {
        return bLow >>> 63 | bHigh >>> 63 << 1;
    }
}

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
        return HalfShuffle.pshufw(bLow, imm);
    }

    public static long pshuflwHigh(long aLow, long aHigh, long bLow, long bHigh, int imm) {
        return bHigh;
    }

    public static long pshufhwLow(long aLow, long aHigh, long bLow, long bHigh, int imm) {
        return bLow;
    }

    public static long pshufhwHigh(long aLow, long aHigh, long bLow, long bHigh, int imm) {
        return HalfShuffle.pshufw(bHigh, imm);
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

    /** Quadword {@code index} of a:b, zero beyond. */
    private static long quadword(long aLow, long aHigh, long bLow, long bHigh, int index) {
        if (index > 3) {
            return 0;
        }
        return (index & 2) == 0 ? pextrq(bLow, bHigh, index) : pextrq(aLow, aHigh, index);
    }

    /** The 64 bits that begin at byte offset of a:b, zeros beyond and for offsets below zero. */
    private static long window(long aLow, long aHigh, long bLow, long bHigh, int offset) {
        return HalfShuffle.funnel(
                quadword(aLow, aHigh, bLow, bHigh, (offset >>> 3) + 1),
                quadword(aLow, aHigh, bLow, bHigh, offset >>> 3),
                offset);
    }

    /** Moves left by imm bytes, zeros enter. */
    public static long pslldqLow(long aLow, long aHigh, long bLow, long bHigh, int imm) {
        return window(aLow, aHigh, 0, 0, 16 - imm);
    }

    public static long pslldqHigh(long aLow, long aHigh, long bLow, long bHigh, int imm) {
        return window(aLow, aHigh, 0, 0, 24 - imm);
    }

    public static long psrldqLow(long aLow, long aHigh, long bLow, long bHigh, int imm) {
        return window(0, 0, aLow, aHigh, imm);
    }

    public static long psrldqHigh(long aLow, long aHigh, long bLow, long bHigh, int imm) {
        return window(0, 0, aLow, aHigh, imm + 8);
    }

    public static long pinsrwLow(long aLow, long aHigh, long bLow, long bHigh, int imm) {
        return (imm & 4) == 0 ? HalfShuffle.pinsrw(aLow, (int) bLow, imm) : aLow;
    }

    public static long pinsrwHigh(long aLow, long aHigh, long bLow, long bHigh, int imm) {
        return (imm & 4) != 0 ? HalfShuffle.pinsrw(aHigh, (int) bLow, imm) : aHigh;
    }

    public static long pextrw(long bLow, long bHigh, int imm) {
        return HalfShuffle.pextrw((imm & 4) == 0 ? bLow : bHigh, imm);
    }

    public static long pmovmskb(long bLow, long bHigh) {
        return HalfShuffle.pmovmskb(bLow) | HalfShuffle.pmovmskb(bHigh) << 8;
    }

    public static long movmskps(long bLow, long bHigh) {
        return bLow >>> 31 & 1 | bLow >>> 63 << 1 | (bHigh >>> 31 & 1) << 2 | bHigh >>> 63 << 3;
    }

    public static long movmskpd(long bLow, long bHigh) {
        return bLow >>> 63 | bHigh >>> 63 << 1;
    }

    // SSE3 to SSE4.1.

    /** Byte number {@code index & 15}; the shift takes its count modulo 64. */
    private static long byteAt(long low, long high, int index) {
        return ((index & 8) == 0 ? low : high) >>> 8 * index & M8;
    }

    /**
     * Eight bytes of a, picked by the bytes of one half of b; zero where the top bit is set. C2
     * unrolls the loop: as fast as written out, with less than half the nodes to inline.
     */
    private static long pickBytes(long aLow, long aHigh, long selectors) {
        long result = 0;
        for (int i = 0; i < 64; i += 8) {
            result |= byteAt(aLow, aHigh, (int) (selectors >>> i)) << i;
        }
        return result & HalfShuffle.maskmovBytes(~selectors);
    }

    public static long pshufbLow(long aLow, long aHigh, long bLow, long bHigh, int imm) {
        return pickBytes(aLow, aHigh, bLow);
    }

    public static long pshufbHigh(long aLow, long aHigh, long bLow, long bHigh, int imm) {
        return pickBytes(aLow, aHigh, bHigh);
    }

    public static long palignrLow(long aLow, long aHigh, long bLow, long bHigh, int imm) {
        return window(aLow, aHigh, bLow, bHigh, imm);
    }

    public static long palignrHigh(long aLow, long aHigh, long bLow, long bHigh, int imm) {
        return window(aLow, aHigh, bLow, bHigh, imm + 8);
    }

    /** MOVSLDUP: the even singles, twice each. */
    public static long movsldup(long b) {
        return b & M32 | b << 32;
    }

    /** MOVSHDUP: the odd singles, twice each. */
    public static long movshdup(long b) {
        return b >>> 32 | b & ~M32;
    }

    /** Bits to whole words: the multiplication moves bit i to bit 16i, and no two terms meet. */
    private static long wordsOf(int bits) {
        return ((bits & 15) * 0x0000200040008001L & 0x0001000100010001L) * M16;
    }

    private static long doublewordsOf(int bits) {
        return (bits & 1 | (bits & 2L) << 31) * M32;
    }

    private static long select(long mask, long ifSet, long ifClear) {
        return ifSet & mask | ifClear & ~mask;
    }

    public static long blendpsLow(long aLow, long aHigh, long bLow, long bHigh, int imm) {
        return select(doublewordsOf(imm), bLow, aLow);
    }

    public static long blendpsHigh(long aLow, long aHigh, long bLow, long bHigh, int imm) {
        return select(doublewordsOf(imm >>> 2), bHigh, aHigh);
    }

    public static long blendpdLow(long aLow, long aHigh, long bLow, long bHigh, int imm) {
        return (imm & 1) == 0 ? aLow : bLow;
    }

    public static long blendpdHigh(long aLow, long aHigh, long bLow, long bHigh, int imm) {
        return (imm & 2) == 0 ? aHigh : bHigh;
    }

    public static long pblendwLow(long aLow, long aHigh, long bLow, long bHigh, int imm) {
        return select(wordsOf(imm), bLow, aLow);
    }

    public static long pblendwHigh(long aLow, long aHigh, long bLow, long bHigh, int imm) {
        return select(wordsOf(imm >>> 4), bHigh, aHigh);
    }

    /** PBLENDVB: bytes of b where the mask's byte has its top bit set. */
    public static long pblendvb(long a, long b, long mask) {
        return select(HalfShuffle.maskmovBytes(mask), b, a);
    }

    public static long blendvps(long a, long b, long mask) {
        return select((mask >>> 31 & 0x0000000100000001L) * M32, b, a);
    }

    public static long blendvpd(long a, long b, long mask) {
        return mask < 0 ? b : a;
    }

    /** The 64 bits of PMOVSX and PMOVZX that begin with lane {@code first} of b. */
    public static long extend(long b, int from, int to, int first, boolean signed) {
        long lanes = b >>> from * first;
        return to == 64 ? toQuadword(lanes, from, signed) : toNarrow(lanes, from, to, signed);
    }

    private static long toNarrow(long lanes, int from, int to, boolean signed) {
        if (from == 8) {
            lanes = bytesToWords(lanes, signed);
        }
        return to == 32 ? wordsToDoublewords(lanes, signed) : lanes;
    }

    private static long toQuadword(long lane, int from, boolean signed) {
        return signed ? lane << 64 - from >> 64 - from : lane & -1L >>> 64 - from;
    }

    /** Above each of the low bytes, all ones where it is negative. */
    private static long bytesToWords(long b, boolean signed) {
        return PackedPack.punpcklbw(b, signed ? PackedInteger.pcmpgtb(0, b) : 0);
    }

    private static long wordsToDoublewords(long b, boolean signed) {
        return PackedPack.punpcklwd(b, signed ? PackedInteger.pcmpgtw(0, b) : 0);
    }

    private static long insert(long a, long value, int width, int index) {
        long mask = -1L >>> 64 - width << width * index;
        return select(mask, value << width * index, a);
    }

    public static long pinsrbLow(long aLow, long aHigh, long bLow, long bHigh, int imm) {
        return (imm & 8) == 0 ? insert(aLow, bLow, 8, imm & 7) : aLow;
    }

    public static long pinsrbHigh(long aLow, long aHigh, long bLow, long bHigh, int imm) {
        return (imm & 8) != 0 ? insert(aHigh, bLow, 8, imm & 7) : aHigh;
    }

    public static long pinsrdLow(long aLow, long aHigh, long bLow, long bHigh, int imm) {
        return (imm & 2) == 0 ? insert(aLow, bLow, 32, imm & 1) : aLow;
    }

    public static long pinsrdHigh(long aLow, long aHigh, long bLow, long bHigh, int imm) {
        return (imm & 2) != 0 ? insert(aHigh, bLow, 32, imm & 1) : aHigh;
    }

    public static long pinsrqLow(long aLow, long aHigh, long bLow, long bHigh, int imm) {
        return (imm & 1) == 0 ? bLow : aLow;
    }

    public static long pinsrqHigh(long aLow, long aHigh, long bLow, long bHigh, int imm) {
        return (imm & 1) != 0 ? bLow : aHigh;
    }

    public static long pextrb(long bLow, long bHigh, int imm) {
        return byteAt(bLow, bHigh, imm);
    }

    /** Also EXTRACTPS. */
    public static long pextrd(long bLow, long bHigh, int imm) {
        return doubleword(bLow, bHigh, imm);
    }

    public static long pextrq(long bLow, long bHigh, int imm) {
        return (imm & 1) == 0 ? bLow : bHigh;
    }

    /** Register form: bits 7:6 of imm pick the single of b. From memory there is one, number 0. */
    public static long insertpsLow(long aLow, long aHigh, long bLow, long bHigh, int imm) {
        long single = doubleword(bLow, bHigh, imm >>> 6);
        long inserted = (imm & 0x20) == 0 ? insert(aLow, single, 32, imm >>> 4 & 1) : aLow;
        return inserted & ~doublewordsOf(imm);
    }

    public static long insertpsHigh(long aLow, long aHigh, long bLow, long bHigh, int imm) {
        long single = doubleword(bLow, bHigh, imm >>> 6);
        long inserted = (imm & 0x20) != 0 ? insert(aHigh, single, 32, imm >>> 4 & 1) : aHigh;
        return inserted & ~doublewordsOf(imm >>> 2);
    }

    /**
     * Four words, each the distance of four bytes of b to the four of a that begin one further on.
     */
    private static long fourDistances(
            long aLow, long aHigh, long bLow, long bHigh, int imm, int first) {
        long result = 0;
        for (int i = 0; i < 4; i++) {
            long sum = 0;
            for (int j = 0; j < 4; j++) {
                long x = byteAt(aLow, aHigh, (imm & 4) + first + i + j);
                long y = byteAt(bLow, bHigh, 4 * (imm & 3) + j);
                sum += Math.abs(x - y);
            }
            result |= sum << 16 * i;
        }
        return result;
    }

    public static long mpsadbwLow(long aLow, long aHigh, long bLow, long bHigh, int imm) {
        return fourDistances(aLow, aHigh, bLow, bHigh, imm, 0);
    }

    public static long mpsadbwHigh(long aLow, long aHigh, long bLow, long bHigh, int imm) {
        return fourDistances(aLow, aHigh, bLow, bHigh, imm, 4);
    }

    /** The smallest word, and in the next word its number; the rest is 0. */
    public static long phminposuw(long bLow, long bHigh) {
        long smallest = M16, index = 0;
        for (int i = 7; i >= 0; i--) {
            long word = (i < 4 ? bLow : bHigh) >>> 16 * (i & 3) & M16;
            if (word <= smallest) {
                smallest = word;
                index = i;
            }
        }
        return smallest | index << 16;
    }

    private static int isZero(long bits) {
        return bits == 0 ? 1 : 0;
    }

    /** ZF if no bit of b is set in a, CF if no bit of b is clear in a. */
    public static int ptest(long aLow, long aHigh, long bLow, long bHigh) {
        return isZero(aLow & bLow | aHigh & bHigh) << 6
                | isZero(PackedInteger.pandn(aLow, bLow) | PackedInteger.pandn(aHigh, bHigh));
    }
}

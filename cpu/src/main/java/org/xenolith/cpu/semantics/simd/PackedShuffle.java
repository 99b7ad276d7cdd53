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

    // SSE3 to SSE4.1.

    /** Byte number {@code index & 15}. */
    private static long byteAt(long low, long high, int index) {
        return ((index & 8) == 0 ? low : high) >>> 8 * (index & 7) & M8;
    }

    /** Eight bytes of a, picked by the bytes of one half of b; zero where the top bit is set. */
    private static long pickBytes(long aLow, long aHigh, long selectors) {
        long result = 0;
        for (int i = 0; i < 64; i += 8) {
            int selector = (int) (selectors >>> i);
            if ((selector & 0x80) == 0) {
                result |= byteAt(aLow, aHigh, selector) << i;
            }
        }
        return result;
    }

    public static long pshufbLow(long aLow, long aHigh, long bLow, long bHigh, int imm) {
        return pickBytes(aLow, aHigh, bLow);
    }

    public static long pshufbHigh(long aLow, long aHigh, long bLow, long bHigh, int imm) {
        return pickBytes(aLow, aHigh, bHigh);
    }

    /** The 64 bits that begin at byte offset of a:b, zeros beyond. */
    private static long window(long aLow, long aHigh, long bLow, long bHigh, int offset) {
        return switch (offset >>> 3) {
            case 0 -> PackedInteger.palignr(bHigh, bLow, offset & 7);
            case 1 -> PackedInteger.palignr(aLow, bHigh, offset & 7);
            case 2 -> PackedInteger.palignr(aHigh, aLow, offset & 7);
            case 3 -> PackedInteger.palignr(0, aHigh, offset & 7);
            default -> 0;
        };
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

    /** Whole lanes of b where the lane's bit of {@code bits} is set, else of a. */
    private static long blend(long a, long b, int width, int bits) {
        long mask = 0;
        for (int i = 0; i * width < 64; i++) {
            if ((bits >>> i & 1) != 0) {
                mask |= -1L >>> 64 - width << i * width;
            }
        }
        return a & ~mask | b & mask;
    }

    public static long blendpsLow(long aLow, long aHigh, long bLow, long bHigh, int imm) {
        return blend(aLow, bLow, 32, imm);
    }

    public static long blendpsHigh(long aLow, long aHigh, long bLow, long bHigh, int imm) {
        return blend(aHigh, bHigh, 32, imm >>> 2);
    }

    public static long blendpdLow(long aLow, long aHigh, long bLow, long bHigh, int imm) {
        return blend(aLow, bLow, 64, imm);
    }

    public static long blendpdHigh(long aLow, long aHigh, long bLow, long bHigh, int imm) {
        return blend(aHigh, bHigh, 64, imm >>> 1);
    }

    public static long pblendwLow(long aLow, long aHigh, long bLow, long bHigh, int imm) {
        return blend(aLow, bLow, 16, imm);
    }

    public static long pblendwHigh(long aLow, long aHigh, long bLow, long bHigh, int imm) {
        return blend(aHigh, bHigh, 16, imm >>> 4);
    }

    /** PBLENDVB: bytes of b where the mask's byte has its top bit set. */
    public static long pblendvb(long a, long b, long mask) {
        long bytes = PackedInteger.maskmovBytes(mask);
        return a & ~bytes | b & bytes;
    }

    public static long blendvps(long a, long b, long mask) {
        return blend(a, b, 32, (int) (mask >>> 31 & 1 | mask >>> 63 << 1));
    }

    public static long blendvpd(long a, long b, long mask) {
        return mask < 0 ? b : a;
    }

    /** The 64 bits of PMOVSX and PMOVZX that begin with lane {@code first} of b. */
    public static long extend(long b, int from, int to, int first, boolean signed) {
        long result = 0;
        for (int i = 0; i * to < 64; i++) {
            long lane = b << 64 - from * (first + i + 1);
            long extended = signed ? lane >> 64 - from : lane >>> 64 - from;
            result |= (extended & -1L >>> 64 - to) << i * to;
        }
        return result;
    }

    private static long insert(long a, long value, int width, int index) {
        long mask = -1L >>> 64 - width << width * index;
        return a & ~mask | value << width * index & mask;
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
        return blend(inserted, 0, 32, imm);
    }

    public static long insertpsHigh(long aLow, long aHigh, long bLow, long bHigh, int imm) {
        long single = doubleword(bLow, bHigh, imm >>> 6);
        long inserted = (imm & 0x20) != 0 ? insert(aHigh, single, 32, imm >>> 4 & 1) : aHigh;
        return blend(inserted, 0, 32, imm >>> 2);
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

    /** ZF if no bit of b is set in a, CF if no bit of b is clear in a. */
    public static int ptest(long aLow, long aHigh, long bLow, long bHigh) {
        int zf = (aLow & bLow | aHigh & bHigh) == 0 ? 1 << 6 : 0;
        int cf = (~aLow & bLow | ~aHigh & bHigh) == 0 ? 1 : 0;
        return zf | cf;
    }
}

package org.xenolith.cpu.semantics.simd;

/**
 * Lanes of a long, all at once: masks of their bits, and arithmetic for any width, given the mask
 * of sign bits. Those are kept apart, so that no carry runs into the next lane.
 */
final class Lanes {
    /** The sign bit of each lane; {@code H >>> width - 1} is the lowest bit of each lane. */
    static final long H8 = 0x8080808080808080L,
            H16 = 0x8000800080008000L,
            H32 = 0x8000000080000000L;

    static final long L8 = H8 >>> 7, L16 = H16 >>> 15, L32 = H32 >>> 31;
    static final long M8 = 0xff, M16 = 0xffff, M32 = 0xffffffffL;

    /** The even bytes and the even words: 0, 2... */
    static final long EVEN8 = L16 * M8, EVEN16 = L32 * M16;

    private Lanes() {}

    // Two lanes of 32 bits.

    static int upper(long pair) {
        return (int) (pair >>> 32);
    }

    static long pair(int upper, int lower) {
        return (long) upper << 32 | lower & M32;
    }

    // Lane arithmetic for any width, given the mask h of sign bits.

    static long add(long a, long b, long h) {
        return (a & ~h) + (b & ~h) ^ (a ^ b) & h;
    }

    static long sub(long a, long b, long h) {
        return (a | h) - (b & ~h) ^ (a ^ ~b) & h;
    }

    /**
     * Sign bits of the lanes where {@code a < b} unsigned: where {@code ~a + b} carries. Half of
     * that sum, which is what both have and half of what one has, fits the lane and has the carry
     * as its sign bit.
     */
    static long below(long a, long b, long h) {
        return (~a & b) + (~((a ^ b) >>> 1) & ~h) & h;
    }

    /** Sign bits of the lanes where {@code a < b} signed: as unsigned, unless the signs differ. */
    static long less(long a, long b, long h) {
        return ((~a & b) + (~((a ^ b) >>> 1) & ~h) ^ a ^ b) & h;
    }

    /** Sign bits of the lanes that are zero: 0x7f... added to any other sets it, or it is set. */
    static long zero(long a, long h) {
        return ~((a & ~h) + ~h | a) & h;
    }

    /** Sign bits to whole lanes: 0x100 less 1 is 0xff. */
    static long spread8(long signs) {
        return (signs << 1) - (signs >>> 7);
    }

    static long spread16(long signs) {
        return (signs << 1) - (signs >>> 15);
    }

    static long spread32(long signs) {
        return (signs << 1) - (signs >>> 31);
    }

    static long select(long mask, long ifSet, long ifClear) {
        return (ifSet ^ ifClear) & mask ^ ifClear;
    }
}

package org.xenolith.cpu.semantics.simd;

/**
 * PCLMULQDQ, a half of the product each: SDM vol. 2.
 *
 * <p>Of each operand four parts are taken, with every fourth bit: at most 16 products of bits meet
 * in a column, so what is carried out of one comes to bits of another part, which are masked away,
 * or out at the top. 34 ns both halves, where a loop over the bits takes 126-144 (machine B of
 * docs/performance.md).
 */
public final class CarrylessProduct {
    private static final long EVERY_FOURTH = 0x1111_1111_1111_1111L;
    private static final int UPPER_OF_FIRST = 1, UPPER_OF_SECOND = 1 << 4;

    private CarrylessProduct() {}

    public static long pclmulqdqLow(long aLow, long aHigh, long bLow, long bHigh, int imm) {
        return low(
                (imm & UPPER_OF_FIRST) == 0 ? aLow : aHigh,
                (imm & UPPER_OF_SECOND) == 0 ? bLow : bHigh);
    }

    /** The upper half, read backwards, is the lower half for operands that are read backwards. */
    public static long pclmulqdqHigh(long aLow, long aHigh, long bLow, long bHigh, int imm) {
        long a = (imm & UPPER_OF_FIRST) == 0 ? aLow : aHigh;
        long b = (imm & UPPER_OF_SECOND) == 0 ? bLow : bHigh;
        return Long.reverse(low(Long.reverse(a), Long.reverse(b))) >>> 1;
    }

    private static long low(long a, long b) {
        long a0 = a & EVERY_FOURTH,
                a1 = a & EVERY_FOURTH << 1,
                a2 = a & EVERY_FOURTH << 2,
                a3 = a & EVERY_FOURTH << 3;
        long b0 = b & EVERY_FOURTH,
                b1 = b & EVERY_FOURTH << 1,
                b2 = b & EVERY_FOURTH << 2,
                b3 = b & EVERY_FOURTH << 3;
        return (a0 * b0 ^ a1 * b3 ^ a2 * b2 ^ a3 * b1) & EVERY_FOURTH
                | (a0 * b1 ^ a1 * b0 ^ a2 * b3 ^ a3 * b2) & EVERY_FOURTH << 1
                | (a0 * b2 ^ a1 * b1 ^ a2 * b0 ^ a3 * b3) & EVERY_FOURTH << 2
                | (a0 * b3 ^ a1 * b2 ^ a2 * b1 ^ a3 * b0) & EVERY_FOURTH << 3;
    }
}

package org.xenolith.cpu.semantics.simd;

/**
 * The comparison of PCMPESTRI, PCMPESTRM, PCMPISTRI and PCMPISTRM: two strings of at most 16 bytes
 * or 8 words. SDM vol. 2, 4.1. Mutable and reused; {@code a} is the first operand, {@code b} the
 * second.
 */
final class StringCompare {
    /** Bits of the immediate. */
    private static final int WORDS = 1,
            SIGNED = 2,
            NEGATE = 1 << 4,
            ONLY_VALID = 1 << 5,
            LAST = 1 << 6;

    private static final int CF = 1, ZF = 1 << 6, SF = 1 << 7, OF = 1 << 11;
    private long aLow, aHigh, bLow, bHigh;
    private int imm, elements;

    /** One bit per element, after polarity ("IntRes2"). */
    private int result;

    private int flags;

    /** Strings that end at the first zero. */
    void compareImplicit(long aLow, long aHigh, long bLow, long bHigh, int imm) {
        load(aLow, aHigh, bLow, bHigh, imm);
        compare(lengthToZero(aLow, aHigh), lengthToZero(bLow, bHigh));
    }

    /** Strings with lengths; of a negative length the absolute value counts. */
    void compareExplicit(
            long aLow, long aHigh, long bLow, long bHigh, int imm, long aLength, long bLength) {
        load(aLow, aHigh, bLow, bHigh, imm);
        compare(clampLength(aLength), clampLength(bLength));
    }

    private void load(long aLow, long aHigh, long bLow, long bHigh, int imm) {
        this.aLow = aLow;
        this.aHigh = aHigh;
        this.bLow = bLow;
        this.bHigh = bHigh;
        this.imm = imm;
        this.elements = (imm & WORDS) != 0 ? 8 : 16;
    }

    private int element(long low, long high, int index) {
        int width = 128 / elements;
        long bits = (index < elements / 2 ? low : high) >>> width * (index % (elements / 2));
        if ((imm & WORDS) != 0) {
            return (imm & SIGNED) != 0 ? (short) bits : (int) bits & 0xffff;
        }
        return (imm & SIGNED) != 0 ? (byte) bits : (int) bits & 0xff;
    }

    private int a(int index) {
        return element(aLow, aHigh, index);
    }

    private int b(int index) {
        return element(bLow, bHigh, index);
    }

    private int lengthToZero(long low, long high) {
        int length = 0;
        while (length < elements && element(low, high, length) != 0) {
            length++;
        }
        return length;
    }

    private int clampLength(long length) {
        return length <= -elements || length >= elements ? elements : (int) Math.abs(length);
    }

    private void compare(int aLength, int bLength) {
        int all = (1 << elements) - 1;
        int bits =
                switch (imm >>> 2 & 3) {
                    case 0 -> equalAny(aLength, bLength);
                    case 1 -> ranges(aLength, bLength);
                    case 2 -> equalEach(aLength, bLength);
                    default -> equalOrdered(aLength, bLength);
                };
        if ((imm & NEGATE) != 0) {
            bits ^= (imm & ONLY_VALID) != 0 ? (1 << bLength) - 1 : all;
        }
        result = bits;
        flags =
                (bits != 0 ? CF : 0)
                        | (bLength < elements ? ZF : 0)
                        | (aLength < elements ? SF : 0)
                        | ((bits & 1) != 0 ? OF : 0);
    }

    private int equalAny(int aLength, int bLength) {
        int bits = 0;
        for (int j = 0; j < bLength; j++) {
            for (int i = 0; i < aLength; i++) {
                bits |= (a(i) == b(j) ? 1 : 0) << j;
            }
        }
        return bits;
    }

    private int ranges(int aLength, int bLength) {
        int bits = 0;
        for (int j = 0; j < bLength; j++) {
            for (int i = 0; i + 1 < aLength; i += 2) {
                bits |= (a(i) <= b(j) && b(j) <= a(i + 1) ? 1 : 0) << j;
            }
        }
        return bits;
    }

    private int equalEach(int aLength, int bLength) {
        int bits = 0;
        for (int i = 0; i < elements; i++) {
            boolean equal =
                    i < aLength && i < bLength ? a(i) == b(i) : i >= aLength && i >= bLength;
            bits |= (equal ? 1 : 0) << i;
        }
        return bits;
    }

    /** Where a begins in b; what lies beyond b's register is taken to match. */
    private int equalOrdered(int aLength, int bLength) {
        int bits = 0;
        for (int j = 0; j < elements; j++) {
            boolean equal = true;
            for (int i = 0; i < aLength && i + j < elements; i++) {
                equal &= i + j < bLength && a(i) == b(i + j);
            }
            bits |= (equal ? 1 : 0) << j;
        }
        return bits;
    }

    /** RFLAGS bits; AF and PF are 0. */
    int flags() {
        return flags;
    }

    /** What PCMPxSTRI puts into ECX. */
    int index() {
        if (result == 0) {
            return elements;
        }
        return (imm & LAST) != 0
                ? 31 - Integer.numberOfLeadingZeros(result)
                : Integer.numberOfTrailingZeros(result);
    }

    /** What PCMPxSTRM puts into XMM0. */
    long maskLow() {
        return (imm & LAST) != 0 ? expand(result) : result;
    }

    long maskHigh() {
        return (imm & LAST) != 0 ? expand(result >>> elements / 2) : 0;
    }

    /** Each bit to a whole element. */
    private long expand(int bits) {
        int width = 128 / elements;
        long mask = 0;
        for (int i = 0; i < elements / 2; i++) {
            if ((bits >>> i & 1) != 0) {
                mask |= (1L << width) - 1 << width * i;
            }
        }
        return mask;
    }
}

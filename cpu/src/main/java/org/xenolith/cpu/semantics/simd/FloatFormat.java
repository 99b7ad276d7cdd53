package org.xenolith.cpu.semantics.simd;

/**
 * One of the two IEEE 754 formats, and what its bit patterns mean. Values are bits in the low part
 * of a long.
 */
enum FloatFormat {
    SINGLE(23, 8),
    DOUBLE(52, 11);

    /** Where {@link #significand} has its leading one. */
    static final int LEADING = 62;

    final int fractionBits;
    final int bias;

    /** The exponent field of infinities and NaNs. */
    final long exponentMask;

    final long signMask, fractionMask, infinity, quietBit, defaultNan;

    FloatFormat(int fractionBits, int exponentBits) {
        this.fractionBits = fractionBits;
        this.bias = (1 << exponentBits - 1) - 1;
        this.exponentMask = (1L << exponentBits) - 1;
        this.signMask = 1L << fractionBits + exponentBits;
        this.fractionMask = (1L << fractionBits) - 1;
        this.infinity = exponentMask << fractionBits;
        this.quietBit = 1L << fractionBits - 1;
        this.defaultNan = signMask | infinity | quietBit;
    }

    long magnitude(long x) {
        return x & ~signMask;
    }

    long sign(long x) {
        return x & signMask;
    }

    boolean isNegative(long x) {
        return (x & signMask) != 0;
    }

    boolean isZero(long x) {
        return magnitude(x) == 0;
    }

    boolean isDenormal(long x) {
        return magnitude(x) != 0 && magnitude(x) <= fractionMask;
    }

    boolean isInfinite(long x) {
        return magnitude(x) == infinity;
    }

    boolean isNan(long x) {
        return magnitude(x) > infinity;
    }

    boolean isSignalingNan(long x) {
        return isNan(x) && (x & quietBit) == 0;
    }

    /** The smallest exponent of a normal number. */
    int minExponent() {
        return 1 - bias;
    }

    /** Exponent e of a finite, non-zero x = 1.f * 2^e, denormals included. */
    int exponent(long x) {
        int field = (int) (magnitude(x) >>> fractionBits);
        return field != 0
                ? field - bias
                : minExponent() - (Long.numberOfLeadingZeros(magnitude(x)) - (63 - fractionBits));
    }

    /**
     * The 1.f of a finite, non-zero x, as an integer with its leading one at bit {@link #LEADING}.
     */
    long significand(long x) {
        long fraction = magnitude(x) & fractionMask;
        long integer = magnitude(x) > fractionMask ? fraction | fractionMask + 1 : fraction;
        return integer << Long.numberOfLeadingZeros(integer) - (63 - LEADING);
    }
}

package org.xenolith.cpu.x87;

/**
 * The double extended-precision format as two values: {@code se} is the sign (bit 15) and the
 * biased exponent (bits 14..0), {@code sig} the 64-bit significand with its explicit integer bit.
 * SDM vol. 1, 4.2.2 and 8.2.
 */
final class Float80 {
    static final int SIGN = 0x8000;
    static final int EXPONENT = 0x7fff;
    static final int BIAS = 16383;
    static final long INTEGER_BIT = 1L << 63;
    static final long QUIET_BIT = 1L << 62;

    /** Real indefinite, the quiet NaN of masked invalid operations. */
    static final int INDEFINITE_SE = 0xffff;

    static final long INDEFINITE_SIG = INTEGER_BIT | QUIET_BIT;

    private Float80() {}

    static int exponent(int se) {
        return se & EXPONENT;
    }

    static boolean isNegative(int se) {
        return (se & SIGN) != 0;
    }

    /** Unnormals, pseudo-NaNs and pseudo-infinities: invalid as operands since the 80387. */
    static boolean isUnsupported(int se, long sig) {
        return exponent(se) != 0 && sig >= 0;
    }

    static boolean isNan(int se, long sig) {
        return exponent(se) == EXPONENT && sig < 0 && sig << 1 != 0;
    }

    static boolean isSignalling(int se, long sig) {
        return isNan(se, sig) && (sig & QUIET_BIT) == 0;
    }

    static boolean isInfinite(int se, long sig) {
        return exponent(se) == EXPONENT && sig == INTEGER_BIT;
    }

    static boolean isZero(int se, long sig) {
        return exponent(se) == 0 && sig == 0;
    }

    /** Denormals and pseudo-denormals, which have the integer bit set beside exponent 0. */
    static boolean isDenormal(int se, long sig) {
        return exponent(se) == 0 && sig != 0;
    }

    /**
     * Biased exponent of a finite non-zero number once its significand is normalised; may be
     * negative.
     */
    static int normalExponent(int se, long sig) {
        int exponent = exponent(se);
        return exponent != 0 ? exponent : 1 - Long.numberOfLeadingZeros(sig);
    }

    /** Significand of a finite non-zero number shifted so that its integer bit is set. */
    static long normalSignificand(long sig) {
        return sig << Long.numberOfLeadingZeros(sig);
    }
}

package org.xenolith.cpu.translate;

import org.xenolith.cpu.semantics.Division;

/**
 * Products and quotients as translated code asks for them, with a dividend in two registers. Public
 * for the units' classes.
 */
public final class Products {
    private static final long LOW_32 = 0xffff_ffffL;

    private Products() {}

    /** AX, or DX:AX, extended. */
    public static long narrowDividend(long high, long low, int bits, boolean signed) {
        long dividend = bits == 8 ? low & 0xffff : (high & 0xffff) << 16 | low & 0xffff;
        int unused = 64 - 2 * bits;
        return signed ? dividend << unused >> unused : dividend;
    }

    /** Whether the quotient has at most so many bits; both are extended as {@code signed} says. */
    public static boolean fitsNarrow(long dividend, long divisor, int bits, boolean signed) {
        if (divisor == 0) {
            return false;
        }
        long quotient = dividend / divisor;
        int unused = 64 - bits;
        return quotient == (signed ? quotient << unused >> unused : quotient << unused >>> unused);
    }

    public static boolean fitsUnsigned64(long high, long low, long divisor) {
        return Division.unsignedFits(high, divisor);
    }

    public static boolean fitsSigned64(long high, long low, long divisor) {
        return Division.signedFits(high, low, divisor);
    }

    public static long quotientUnsigned64(long high, long low, long divisor) {
        return high == 0
                ? Long.divideUnsigned(low, divisor)
                : Division.unsignedQuotient(high, low, divisor);
    }

    public static long quotientSigned64(long high, long low, long divisor) {
        return high == low >> 63 ? low / divisor : Division.signedQuotient(high, low, divisor);
    }

    public static long remainder64(long high, long low, long divisor, long quotient) {
        return low - quotient * divisor;
    }

    private static long dividend(long high, long low) {
        return high << 32 | low & LOW_32;
    }

    /** The divisor is zero-extended from 32 bits. */
    public static boolean fitsUnsigned32(long high, long low, long divisor) {
        return Long.compareUnsigned(high & LOW_32, divisor) < 0;
    }

    /** The divisor is sign-extended from 32 bits. */
    public static boolean fitsSigned32(long high, long low, long divisor) {
        if (divisor == 0) {
            return false;
        }
        long quotient = dividend(high, low) / divisor;
        return (int) quotient == quotient;
    }

    public static long quotientUnsigned32(long high, long low, long divisor) {
        return Long.divideUnsigned(dividend(high, low), divisor);
    }

    public static long quotientSigned32(long high, long low, long divisor) {
        return dividend(high, low) / divisor & LOW_32;
    }

    public static long remainder32(long high, long low, long divisor, long quotient) {
        return (int) low - (int) quotient * (int) divisor & LOW_32;
    }
}

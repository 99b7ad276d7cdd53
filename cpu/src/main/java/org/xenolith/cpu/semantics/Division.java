package org.xenolith.cpu.semantics;

/**
 * Division of 128 by 64 bits, Knuth's algorithm D with two 32-bit digits. Callers ask first whether
 * the quotient fits: when not, DIV and IDIV raise #DE. SDM vol. 2, DIV, IDIV.
 */
public final class Division {
    private static final long DIGIT = 0xffff_ffffL;

    private Division() {}

    /** Whether {@code high:low / divisor}, unsigned, fits 64 bits; false for a divisor of 0. */
    public static boolean unsignedFits(long high, long divisor) {
        return Long.compareUnsigned(high, divisor) < 0;
    }

    /** Quotient of the unsigned division; the remainder is {@code low - quotient * divisor}. */
    public static long unsignedQuotient(long high, long low, long divisor) {
        if (high == 0) {
            return Long.divideUnsigned(low, divisor);
        }
        int shift = Long.numberOfLeadingZeros(divisor);
        long v = divisor << shift;
        long u = shift == 0 ? high : high << shift | low >>> 64 - shift;
        long rest = low << shift;
        long q1 = digit(u, rest >>> 32, v);
        long partial = (u << 32 | rest >>> 32) - q1 * v;
        long q0 = digit(partial, rest & DIGIT, v);
        return q1 << 32 | q0 & DIGIT;
    }

    /** One quotient digit of (u, next digit) by v, v normalised. */
    private static long digit(long u, long next, long v) {
        long vHigh = v >>> 32;
        long vLow = v & DIGIT;
        long q = Long.divideUnsigned(u, vHigh);
        long r = u - q * vHigh;
        while (q > DIGIT || Long.compareUnsigned(q * vLow, r << 32 | next) > 0) {
            q--;
            r += vHigh;
            if (r > DIGIT) {
                break;
            }
        }
        return q;
    }

    /** Whether the signed quotient fits 64 bits; false for a divisor of 0. */
    public static boolean signedFits(long high, long low, long divisor) {
        if (divisor == 0) {
            return false;
        }
        boolean negative = high < 0;
        long absoluteHigh = negative ? ~high + (low == 0 ? 1 : 0) : high;
        long absoluteLow = negative ? -low : low;
        long by = Math.abs(divisor);
        if (!unsignedFits(absoluteHigh, by)) {
            return false;
        }
        long quotient = unsignedQuotient(absoluteHigh, absoluteLow, by);
        return negative != divisor < 0
                ? Long.compareUnsigned(quotient, Long.MIN_VALUE) <= 0
                : quotient >= 0;
    }

    /** Quotient of the signed division, rounded towards zero. */
    public static long signedQuotient(long high, long low, long divisor) {
        boolean negative = high < 0;
        long absoluteHigh = negative ? ~high + (low == 0 ? 1 : 0) : high;
        long quotient = unsignedQuotient(absoluteHigh, negative ? -low : low, Math.abs(divisor));
        return negative != divisor < 0 ? -quotient : quotient;
    }
}

package org.xenolith.cpu.x87;

/**
 * Conversions between the register format and memory formats. Widening is exact and leaves {@code
 * se} and {@code sig}; narrowing leaves the memory image, right-justified, in {@code sig} (and, for
 * packed BCD, bits 79..64 in {@code se}).
 */
final class Float80Conversions {
    private static final int SINGLE_FRACTION_BITS = 23;
    private static final int DOUBLE_FRACTION_BITS = 52;
    private static final int BCD_DIGITS = 18;
    private static final long BCD_LIMIT = 1_000_000_000_000_000_000L;
    private static final long BCD_INDEFINITE_LOW = 0xC000_0000_0000_0000L;

    private final Float80Result result;

    Float80Conversions(Float80Result result) {
        this.result = result;
    }

    /** Widens a single; signalling NaNs stay signalling, a denormal is noted as operand. */
    void widenSingle(int bits) {
        widen(Integer.toUnsignedLong(bits), SINGLE_FRACTION_BITS, 8);
    }

    /** Widens a double; signalling NaNs stay signalling, a denormal is noted as operand. */
    void widenDouble(long bits) {
        widen(bits, DOUBLE_FRACTION_BITS, 11);
    }

    private void widen(long bits, int fractionBits, int exponentBits) {
        int maxExponent = (1 << exponentBits) - 1;
        int exponent = (int) (bits >>> fractionBits) & maxExponent;
        int sign = (bits >>> fractionBits + exponentBits & 1) != 0 ? Float80.SIGN : 0;
        long fraction = bits << Long.SIZE - fractionBits >>> 1;
        int rebias = Float80.BIAS - (maxExponent >> 1);
        if (exponent == maxExponent) {
            result.set(sign | Float80.EXPONENT, Float80.INTEGER_BIT | fraction);
        } else if (exponent != 0) {
            result.set(sign | exponent + rebias, Float80.INTEGER_BIT | fraction);
        } else if (fraction == 0) {
            result.set(sign, 0);
        } else {
            result.noteSourceDenormal();
            int shift = Long.numberOfLeadingZeros(fraction);
            result.set(sign | rebias + 1 - shift, fraction << shift);
        }
    }

    void fromInteger(long value) {
        if (value == 0) {
            result.set(0, 0);
            return;
        }
        long magnitude = Math.abs(value);
        int shift = Long.numberOfLeadingZeros(magnitude);
        int sign = value < 0 ? Float80.SIGN : 0;
        result.set(sign | Float80.BIAS + 63 - shift, magnitude << shift);
    }

    /** Digits above 9 are undefined; they count with their value. */
    void fromBcd(long low, int high) {
        long value = 0;
        for (int digit = BCD_DIGITS - 1; digit >= 0; digit--) {
            int byteHigh = digit / 2 == 8 ? high : (int) (low >>> digit / 2 * 8);
            value = value * 10 + (byteHigh >>> (digit & 1) * 4 & 0xf);
        }
        fromInteger(value);
        result.se |= high & Float80.SIGN;
    }

    void toSingle(int se, long sig) {
        narrow(se, sig, SINGLE_FRACTION_BITS, 8);
    }

    void toDouble(int se, long sig) {
        narrow(se, sig, DOUBLE_FRACTION_BITS, 11);
    }

    private void narrow(int se, long sig, int fractionBits, int exponentBits) {
        long sign = Float80.isNegative(se) ? 1L << fractionBits + exponentBits : 0;
        long infinity = (1L << exponentBits) - 1 << fractionBits;
        if (Float80.isUnsupported(se, sig)) {
            result.invalid();
            se = result.se;
            sig = result.sig;
            sign = 1L << fractionBits + exponentBits;
        }
        if (Float80.exponent(se) == Float80.EXPONENT) {
            if (Float80.isSignalling(se, sig)) {
                result.raise(StatusWord.INVALID);
            }
            long quiet = Float80.isNan(se, sig) ? Float80.QUIET_BIT : 0;
            long fraction = (sig | quiet) << 1 >>> Long.SIZE - fractionBits;
            result.sig = sign | infinity | fraction;
        } else if (sig == 0) {
            result.sig = sign;
        } else {
            narrowFinite(se, sig, fractionBits, infinity);
            result.sig |= sign;
        }
    }

    private void narrowFinite(int se, long sig, int fractionBits, long infinity) {
        boolean negative = Float80.isNegative(se);
        int maxExponent = (int) (infinity >>> fractionBits);
        int dropped = Long.SIZE - 1 - fractionBits;
        int exponent = Float80.normalExponent(se, sig) - Float80.BIAS + (maxExponent >> 1);
        long normal = Float80.normalSignificand(sig);
        int rounded = result.roundAt(negative, exponent, normal, 0, dropped);
        if (rounded >= maxExponent) {
            boolean toInfinity = result.overflowsToInfinity(negative);
            // The largest finite number is the image just below infinity.
            result.sig = toInfinity ? infinity : infinity - 1;
            result.roundedUp = toInfinity;
            result.raise(StatusWord.OVERFLOW | StatusWord.PRECISION);
            return;
        }
        if (rounded <= 0) {
            boolean masked = result.isMasked(StatusWord.UNDERFLOW);
            int shift = 1 - exponent;
            long lo = Shift.rightJamLo(normal, 0, shift);
            result.roundAt(negative, 0, Shift.rightHi(normal, shift), lo, dropped);
            if (result.wasInexact() || !masked) {
                result.raise(StatusWord.UNDERFLOW);
            }
            // An integer bit gained by rounding is the exponent field's 1.
            result.sig = result.sig >>> dropped;
        } else {
            long fraction = result.sig << 1 >>> Long.SIZE - fractionBits;
            result.sig = (long) rounded << fractionBits | fraction;
        }
        if (result.wasInexact()) {
            result.raise(StatusWord.PRECISION);
        }
    }

    /**
     * Rounds to a signed integer of 16, 32 or 64 bits, as the given rounding mode says; what does
     * not fit is invalid and becomes the most negative integer.
     */
    void toInteger(int se, long sig, int bits, int rounding) {
        long limit = 1L << bits - 1;
        if (!isRoundable(se, sig)) {
            invalidInteger(limit);
            return;
        }
        boolean negative = Float80.isNegative(se);
        long magnitude = roundMagnitude(se, sig, rounding);
        boolean fits = Long.compareUnsigned(magnitude, limit) < 0 || negative && magnitude == limit;
        if (!fits) {
            invalidInteger(limit);
            return;
        }
        long value = negative ? -magnitude : magnitude;
        result.sig = value & (limit << 1) - 1;
    }

    private void invalidInteger(long image) {
        result.flags = StatusWord.INVALID;
        result.roundedUp = false;
        result.sig = image;
    }

    private static boolean isRoundable(int se, long sig) {
        return !Float80.isUnsupported(se, sig) && Float80.exponent(se) < Float80.BIAS + Long.SIZE;
    }

    private long roundMagnitude(int se, long sig, int rounding) {
        int shift = Float80.BIAS + 63 - Float80.exponent(se);
        long whole = Shift.rightHi(sig, shift);
        long tail = Shift.rightJamLo(sig, 0, shift);
        if (tail == 0) {
            return whole;
        }
        result.raise(StatusWord.PRECISION);
        result.roundedUp =
                Float80Result.roundsUp(rounding, Float80.isNegative(se), (whole & 1) != 0, tail);
        return result.roundedUp ? whole + 1 : whole;
    }

    /**
     * Rounds to an 18-digit packed decimal; what does not fit is invalid and becomes indefinite.
     */
    void toBcd(int se, long sig) {
        long magnitude =
                isRoundable(se, sig) ? roundMagnitude(se, sig, result.rounding()) : BCD_LIMIT;
        if (Long.compareUnsigned(magnitude, BCD_LIMIT) >= 0) {
            invalidInteger(BCD_INDEFINITE_LOW);
            result.se = Float80.INDEFINITE_SE;
            return;
        }
        long low = 0;
        for (int digit = 0; digit < 16; digit++) {
            low |= magnitude % 10 << digit * 4;
            magnitude /= 10;
        }
        result.sig = low;
        result.se = (int) (magnitude % 10 | magnitude / 10 << 4) | se & Float80.SIGN;
    }
}

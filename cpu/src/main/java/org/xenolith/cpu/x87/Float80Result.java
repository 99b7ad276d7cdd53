package org.xenolith.cpu.x87;

/**
 * Where every operation of one unit leaves its outcome: value, exceptions and rounding direction.
 * One object per unit takes the place of multiple return values, so that nothing is allocated per
 * operation; the operations are otherwise functions of their arguments and the control word.
 * Rounding, and what overflow and underflow make of a result, is decided here once. SDM vol. 1,
 * 4.8.4 and 4.9.1.
 */
final class Float80Result {
    /**
     * Added to, or taken from, the exponent of a result whose underflow or overflow is unmasked.
     */
    private static final int BIAS_ADJUST = 24576;

    /** Sign and exponent of the result. */
    int se;

    /** Significand of the result, or the image of a converted value. */
    long sig;

    /** Exceptions raised: {@link StatusWord} bits 0..5. */
    int flags;

    /** The result's magnitude is above the exact value: condition bit C1. */
    boolean roundedUp;

    private int control;
    private boolean sourceDenormal;
    private boolean inexact;

    void begin(int controlWord) {
        control = controlWord;
        flags = 0;
        roundedUp = false;
        sourceDenormal = false;
    }

    int control() {
        return control;
    }

    int rounding() {
        return ControlWord.rounding(control);
    }

    boolean isMasked(int exception) {
        return (control & exception) != 0;
    }

    void raise(int exceptions) {
        flags |= exceptions;
    }

    /** A memory operand was denormal in its own format, though it is normal once widened. */
    void noteSourceDenormal() {
        sourceDenormal = true;
    }

    /** Raises the denormal-operand exception for a widened memory operand. */
    void checkSourceDenormal() {
        if (sourceDenormal) {
            raise(StatusWord.DENORMAL);
        }
    }

    /** Raises the denormal-operand exception when one operand is denormal. */
    void checkDenormal(int aSe, long aSig, int bSe, long bSig) {
        if (sourceDenormal || Float80.isDenormal(aSe, aSig) || Float80.isDenormal(bSe, bSig)) {
            raise(StatusWord.DENORMAL);
        }
    }

    void checkDenormal(int aSe, long aSig) {
        checkDenormal(aSe, aSig, aSe, aSig);
    }

    void set(int resultSe, long resultSig) {
        se = resultSe;
        sig = resultSig;
    }

    void setZero(boolean negative) {
        set(negative ? Float80.SIGN : 0, 0);
    }

    void setInfinity(boolean negative) {
        set(Float80.EXPONENT | (negative ? Float80.SIGN : 0), Float80.INTEGER_BIT);
    }

    void invalid() {
        raise(StatusWord.INVALID);
        set(Float80.INDEFINITE_SE, Float80.INDEFINITE_SIG);
    }

    /** Answers unsupported formats and NaNs; true when the result is settled. */
    boolean settledByNan(int aSe, long aSig, int bSe, long bSig) {
        if (Float80.isUnsupported(aSe, aSig) || Float80.isUnsupported(bSe, bSig)) {
            invalid();
            return true;
        }
        boolean aNan = Float80.isNan(aSe, aSig);
        boolean bNan = Float80.isNan(bSe, bSig);
        if (!aNan && !bNan) {
            return false;
        }
        if (Float80.isSignalling(aSe, aSig) || Float80.isSignalling(bSe, bSig)) {
            raise(StatusWord.INVALID);
        }
        if (aNan && (!bNan || prefersFirst(aSe, aSig, bSe, bSig))) {
            set(aSe, aSig | Float80.QUIET_BIT);
        } else {
            set(bSe, bSig | Float80.QUIET_BIT);
        }
        return true;
    }

    boolean settledByNan(int aSe, long aSig) {
        return settledByNan(aSe, aSig, aSe, aSig);
    }

    /**
     * A quiet NaN beats a signalling one, then the larger significand, then the positive one. SDM
     * table 4-7.
     */
    private static boolean prefersFirst(int aSe, long aSig, int bSe, long bSig) {
        long quietDifference = (aSig ^ bSig) & Float80.QUIET_BIT;
        if (quietDifference != 0) {
            return (aSig & Float80.QUIET_BIT) != 0;
        }
        int order = Long.compareUnsigned(aSig, bSig);
        return order != 0 ? order > 0 : !Float80.isNegative(aSe);
    }

    /** Rounds as the precision control says; see {@link #round(boolean, int, long, long, int)}. */
    void roundToPrecision(boolean negative, int exponent, long hi, long lo) {
        round(negative, exponent, hi, lo, ControlWord.precisionBits(control));
    }

    /**
     * Rounds and packs {@code hi:lo * 2^(exponent - BIAS - 127)}.
     *
     * @param exponent biased, of any size
     * @param hi normalised: bit 63 is set
     * @param lo bits below, the last one sticky
     * @param precisionBits 24, 53 or 64
     */
    void round(boolean negative, int exponent, long hi, long lo, int precisionBits) {
        int sign = negative ? Float80.SIGN : 0;
        int dropped = Long.SIZE - precisionBits;
        int rounded = roundAt(negative, exponent, hi, lo, dropped);
        if (rounded <= 0) {
            underflow(negative, exponent, rounded, hi, lo, dropped);
        } else if (rounded >= Float80.EXPONENT) {
            overflow(negative, rounded, dropped);
        } else {
            se = sign | rounded;
        }
        if (inexact) {
            raise(StatusWord.PRECISION);
        }
    }

    private void underflow(
            boolean negative, int exponent, int rounded, long hi, long lo, int dropped) {
        int sign = negative ? Float80.SIGN : 0;
        if (!isMasked(StatusWord.UNDERFLOW)) {
            raise(StatusWord.UNDERFLOW);
            se = sign | rounded + BIAS_ADJUST;
            if (rounded + BIAS_ADJUST <= 0) { // only FSCALE goes this far
                setZero(negative);
                inexact = true;
                roundedUp = false;
            }
            return;
        }
        int shift = 1 - exponent;
        roundAt(negative, 0, Shift.rightHi(hi, shift), Shift.rightJamLo(hi, lo, shift), dropped);
        se = sign | (int) (sig >>> 63);
        if (inexact) {
            raise(StatusWord.UNDERFLOW);
        }
    }

    private void overflow(boolean negative, int rounded, int dropped) {
        int sign = negative ? Float80.SIGN : 0;
        raise(StatusWord.OVERFLOW);
        if (!isMasked(StatusWord.OVERFLOW)) {
            se = sign | rounded - BIAS_ADJUST;
            if (rounded - BIAS_ADJUST >= Float80.EXPONENT) { // only FSCALE goes this far
                setInfinity(negative);
                inexact = true;
                roundedUp = true;
            }
            return;
        }
        inexact = true;
        roundedUp = overflowsToInfinity(negative);
        if (roundedUp) {
            setInfinity(negative);
        } else {
            set(sign | Float80.EXPONENT - 1, -1L << dropped);
        }
    }

    /** Whether the rounding mode takes a magnitude beyond the largest finite number to infinity. */
    boolean overflowsToInfinity(boolean negative) {
        return roundsUp(rounding(), negative, true, -1L);
    }

    /**
     * Clears the lowest {@code dropped} bits of {@code hi}, rounding; leaves {@link #sig}, {@link
     * #roundedUp} and whether it was inexact.
     *
     * @return the exponent, one higher when the significand wrapped
     */
    int roundAt(boolean negative, int exponent, long hi, long lo, int dropped) {
        long tail = lo;
        long kept = hi;
        if (dropped != 0) {
            tail = hi << Long.SIZE - dropped | lo >>> dropped;
            tail |= lo << Long.SIZE - dropped != 0 ? 1 : 0;
            kept = hi >>> dropped << dropped;
        }
        inexact = tail != 0;
        roundedUp = roundsUp(rounding(), negative, (kept >>> dropped & 1) != 0, tail);
        int carry = 0;
        if (roundedUp) {
            kept += 1L << dropped;
            if (kept == 0) {
                kept = Float80.INTEGER_BIT;
                carry = 1;
            }
        }
        sig = kept;
        return exponent + carry;
    }

    boolean wasInexact() {
        return inexact;
    }

    /**
     * Whether the magnitude is incremented.
     *
     * @param odd the last kept bit
     * @param tail the fraction cut off, its first bit in bit 63, its last bit sticky
     */
    static boolean roundsUp(int rounding, boolean negative, boolean odd, long tail) {
        return switch (rounding) {
            case ControlWord.ROUND_NEAREST -> tail < 0 && (tail != Long.MIN_VALUE || odd);
            case ControlWord.ROUND_DOWN -> negative && tail != 0;
            case ControlWord.ROUND_UP -> !negative && tail != 0;
            default -> false;
        };
    }
}

package org.xenolith.cpu.x87;

/** FPREM, FPREM1 and the other operations that work on the exponent: FSCALE, FXTRACT, FRNDINT. */
final class Float80Remainder {
    /** Beyond this every scaled number overflows or underflows. */
    private static final int SCALE_LIMIT = 0x10000;

    /** An exponent difference of this or more is reduced in steps, with C2 set. */
    private static final int WHOLE_REDUCTION = 64;

    /** A NaN or an invalid operation: C0 and C3 stay as they were. */
    static final int NO_QUOTIENT = -1;

    private final Float80Result result;

    Float80Remainder(Float80Result result) {
        this.result = result;
    }

    /**
     * The remainder of a / b.
     *
     * @param nearest FPREM1: the quotient is rounded to nearest, not truncated
     * @return condition bits: C2 when the reduction is incomplete, else the quotient's low bits in
     *     C0, C3, C1; or {@link #NO_QUOTIENT}
     */
    int remainder(int aSe, long aSig, int bSe, long bSig, boolean nearest) {
        if (result.settledByNan(aSe, aSig, bSe, bSig)) {
            return NO_QUOTIENT;
        }
        if (Float80.isInfinite(aSe, aSig) || Float80.isZero(bSe, bSig)) {
            result.invalid();
            return NO_QUOTIENT;
        }
        result.checkDenormal(aSe, aSig, bSe, bSig);
        if (Float80.isZero(aSe, aSig)) {
            result.set(aSe, aSig);
            return 0;
        }
        if (Float80.isInfinite(bSe, bSig)) {
            pack(Float80.isNegative(aSe), Float80.normalExponent(aSe, aSig), normal(aSig));
            return 0;
        }
        return reduce(aSe, aSig, bSe, bSig, nearest);
    }

    private int reduce(int aSe, long aSig, int bSe, long bSig, boolean nearest) {
        boolean negative = Float80.isNegative(aSe);
        int aExponent = Float80.normalExponent(aSe, aSig);
        int bExponent = Float80.normalExponent(bSe, bSig);
        long rest = normal(aSig);
        long divisor = normal(bSig);
        int distance = aExponent - bExponent;
        if (distance < 0) {
            boolean toOne = nearest && distance == -1 && Long.compareUnsigned(rest, divisor) > 0;
            pack(negative != toOne, aExponent, toOne ? (divisor << 1) - rest : rest);
            return toOne ? StatusWord.C1 : 0;
        }
        boolean partial = distance >= WHOLE_REDUCTION;
        int steps = partial ? distance & 31 | 32 : distance;
        long quotient = 0;
        boolean carry = false;
        for (int step = steps; ; step--) {
            quotient <<= 1;
            if (carry || Long.compareUnsigned(rest, divisor) >= 0) {
                rest -= divisor;
                quotient |= 1;
            }
            if (step == 0) {
                break;
            }
            carry = rest < 0;
            rest <<= 1;
        }
        if (partial) {
            pack(negative, bExponent + distance - steps, rest);
            return StatusWord.C2;
        }
        if (nearest && isAboveHalf(rest, divisor, (quotient & 1) != 0)) {
            rest = divisor - rest;
            negative = !negative;
            quotient++;
        }
        pack(rest == 0 ? Float80.isNegative(aSe) : negative, bExponent, rest);
        return quotientBits(quotient);
    }

    private static boolean isAboveHalf(long rest, long divisor, boolean odd) {
        int order = Long.compareUnsigned(rest, divisor - rest);
        return order > 0 || order == 0 && odd;
    }

    private static int quotientBits(long quotient) {
        return ((quotient & 1) != 0 ? StatusWord.C1 : 0)
                | ((quotient & 2) != 0 ? StatusWord.C3 : 0)
                | ((quotient & 4) != 0 ? StatusWord.C0 : 0);
    }

    private static long normal(long sig) {
        return Float80.normalSignificand(sig);
    }

    private void pack(boolean negative, int exponent, long sig) {
        if (sig == 0) {
            result.setZero(negative);
        } else {
            int shift = Long.numberOfLeadingZeros(sig);
            result.round(negative, exponent - shift, sig << shift, 0, Long.SIZE);
        }
    }

    /** FSCALE: a times two to the power of b truncated. SDM vol. 2, FSCALE, table 3-31. */
    void scale(int aSe, long aSig, int bSe, long bSig) {
        if (result.settledByNan(aSe, aSig, bSe, bSig)) {
            return;
        }
        boolean negative = Float80.isNegative(aSe);
        if (Float80.isInfinite(bSe, bSig)) {
            boolean shrinks = Float80.isNegative(bSe);
            if (shrinks ? Float80.isInfinite(aSe, aSig) : Float80.isZero(aSe, aSig)) {
                result.invalid();
                return;
            }
            result.checkDenormal(aSe, aSig);
            if (shrinks) {
                result.setZero(negative);
            } else {
                result.setInfinity(negative);
            }
            return;
        }
        result.checkDenormal(aSe, aSig, bSe, bSig);
        if (aSig == 0 || Float80.isInfinite(aSe, aSig)) {
            result.set(aSe, aSig);
        } else {
            int exponent = Float80.normalExponent(aSe, aSig) + scaleFactor(bSe, bSig);
            result.round(negative, exponent, normal(aSig), 0, Long.SIZE);
        }
    }

    private static int scaleFactor(int se, long sig) {
        int shift = Float80.BIAS + 63 - Float80.exponent(se);
        if (shift >= Long.SIZE) {
            return 0;
        }
        int magnitude =
                shift < 63 - Integer.numberOfTrailingZeros(SCALE_LIMIT)
                        ? SCALE_LIMIT
                        : (int) (sig >>> shift);
        return Float80.isNegative(se) ? -magnitude : magnitude;
    }

    /** FRNDINT: rounds to an integer as the rounding control says. */
    void roundToInteger(int se, long sig) {
        if (result.settledByNan(se, sig)) {
            return;
        }
        int shift = Float80.BIAS + 63 - Float80.exponent(se);
        result.set(se, sig);
        if (sig == 0 || shift <= 0) {
            return;
        }
        result.checkDenormal(se, sig);
        boolean negative = Float80.isNegative(se);
        long whole = Shift.rightHi(sig, shift);
        long tail = Shift.rightJamLo(sig, 0, shift);
        boolean up = Float80Result.roundsUp(result.rounding(), negative, (whole & 1) != 0, tail);
        pack(negative, Float80.BIAS + 63, up ? whole + 1 : whole);
        result.roundedUp = up;
        if (tail != 0) {
            result.raise(StatusWord.PRECISION);
        }
    }

    /** FXTRACT's significand: the operand with the exponent of 1.0. */
    void extractSignificand(int se, long sig) {
        if (settledByExtract(se, sig)) {
            return;
        }
        result.set(Float80.BIAS | se & Float80.SIGN, normal(sig));
    }

    /**
     * FXTRACT's exponent, unbiased, as a number; raises what {@link #extractSignificand} raises.
     */
    void extractExponent(int se, long sig) {
        if (settledByExtract(se, sig)) {
            if (Float80.isZero(se, sig)) {
                result.setInfinity(true);
            } else if (Float80.isInfinite(se, sig)) {
                result.setInfinity(false);
            }
            return;
        }
        int exponent = Float80.normalExponent(se, sig) - Float80.BIAS;
        pack(exponent < 0, Float80.BIAS + 63, Math.abs(exponent));
    }

    private boolean settledByExtract(int se, long sig) {
        if (result.settledByNan(se, sig)) {
            return true;
        }
        result.checkDenormal(se, sig);
        result.set(se, sig);
        if (sig == 0) {
            result.raise(StatusWord.ZERO_DIVIDE);
        }
        return sig == 0 || Float80.isInfinite(se, sig);
    }
}

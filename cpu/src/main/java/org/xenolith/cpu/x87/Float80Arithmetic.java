package org.xenolith.cpu.x87;

/**
 * Add, subtract, multiply, divide, square root and compare. Each method leaves its outcome in the
 * shared {@link Float80Result}, on which the caller has called {@code begin}.
 */
final class Float80Arithmetic {
    private final Float80Result result;

    Float80Arithmetic(Float80Result result) {
        this.result = result;
    }

    void add(int aSe, long aSig, int bSe, long bSig) {
        if (!result.settledByNan(aSe, aSig, bSe, bSig)) {
            addNumbers(aSe, aSig, bSe, bSig);
        }
    }

    void subtract(int aSe, long aSig, int bSe, long bSig) {
        if (!result.settledByNan(aSe, aSig, bSe, bSig)) {
            addNumbers(aSe, aSig, bSe ^ Float80.SIGN, bSig);
        }
    }

    private void addNumbers(int aSe, long aSig, int bSe, long bSig) {
        boolean aInfinite = Float80.isInfinite(aSe, aSig);
        boolean bInfinite = Float80.isInfinite(bSe, bSig);
        if (aInfinite && bInfinite && aSe != bSe) {
            result.invalid();
            return;
        }
        result.checkDenormal(aSe, aSig, bSe, bSig);
        if (aInfinite || bInfinite) {
            result.setInfinity(Float80.isNegative(aInfinite ? aSe : bSe));
        } else if (aSig == 0 && bSig == 0) {
            result.setZero(aSe == bSe ? Float80.isNegative(aSe) : zeroSumIsNegative());
        } else if (aSig == 0) {
            roundOperand(bSe, bSig);
        } else if (bSig == 0) {
            roundOperand(aSe, aSig);
        } else {
            addFinite(aSe, aSig, bSe, bSig);
        }
    }

    private void addFinite(int aSe, long aSig, int bSe, long bSig) {
        int aExponent = Float80.normalExponent(aSe, aSig);
        int bExponent = Float80.normalExponent(bSe, bSig);
        long a = Float80.normalSignificand(aSig);
        long b = Float80.normalSignificand(bSig);
        boolean swap =
                aExponent < bExponent || aExponent == bExponent && Long.compareUnsigned(a, b) < 0;
        boolean negative = Float80.isNegative(swap ? bSe : aSe);
        int exponent = swap ? bExponent : aExponent;
        int distance = Math.abs(aExponent - bExponent);
        long larger = swap ? b : a;
        long smallerHi = Shift.rightHi(swap ? a : b, distance);
        long smallerLo = Shift.rightJamLo(swap ? a : b, 0, distance);
        if (((aSe ^ bSe) & Float80.SIGN) == 0) {
            addMagnitudes(negative, exponent, larger, smallerHi, smallerLo);
        } else {
            subtractMagnitudes(negative, exponent, larger, smallerHi, smallerLo);
        }
    }

    private void addMagnitudes(boolean negative, int exponent, long a, long bHi, long bLo) {
        long hi = a + bHi;
        if (Long.compareUnsigned(hi, a) >= 0) {
            result.roundToPrecision(negative, exponent, hi, bLo);
        } else {
            long lo = Shift.rightJamLo(hi, bLo, 1);
            result.roundToPrecision(negative, exponent + 1, hi >>> 1 | Float80.INTEGER_BIT, lo);
        }
    }

    private void subtractMagnitudes(boolean negative, int exponent, long a, long bHi, long bLo) {
        long lo = -bLo;
        long hi = a - bHi - (bLo != 0 ? 1 : 0);
        if ((hi | lo) == 0) {
            result.setZero(zeroSumIsNegative());
            return;
        }
        int shift = Shift.leadingZeros(hi, lo);
        result.roundToPrecision(
                negative, exponent - shift, Shift.leftHi(hi, lo, shift), Shift.leftLo(lo, shift));
    }

    private boolean zeroSumIsNegative() {
        return result.rounding() == ControlWord.ROUND_DOWN;
    }

    private void roundOperand(int se, long sig) {
        result.roundToPrecision(
                Float80.isNegative(se),
                Float80.normalExponent(se, sig),
                Float80.normalSignificand(sig),
                0);
    }

    void multiply(int aSe, long aSig, int bSe, long bSig) {
        if (result.settledByNan(aSe, aSig, bSe, bSig)) {
            return;
        }
        boolean negative = Float80.isNegative(aSe ^ bSe);
        boolean infinite = Float80.isInfinite(aSe, aSig) || Float80.isInfinite(bSe, bSig);
        boolean zero = aSig == 0 || bSig == 0;
        if (infinite && zero) {
            result.invalid();
            return;
        }
        result.checkDenormal(aSe, aSig, bSe, bSig);
        if (infinite) {
            result.setInfinity(negative);
        } else if (zero) {
            result.setZero(negative);
        } else {
            multiplyFinite(negative, aSe, aSig, bSe, bSig);
        }
    }

    private void multiplyFinite(boolean negative, int aSe, long aSig, int bSe, long bSig) {
        long a = Float80.normalSignificand(aSig);
        long b = Float80.normalSignificand(bSig);
        int exponent =
                Float80.normalExponent(aSe, aSig)
                        + Float80.normalExponent(bSe, bSig)
                        - Float80.BIAS
                        + 1;
        long hi = Math.unsignedMultiplyHigh(a, b);
        long lo = a * b;
        int shift = Long.numberOfLeadingZeros(hi);
        result.roundToPrecision(
                negative, exponent - shift, Shift.leftHi(hi, lo, shift), lo << shift);
    }

    void divide(int aSe, long aSig, int bSe, long bSig) {
        if (result.settledByNan(aSe, aSig, bSe, bSig)) {
            return;
        }
        boolean negative = Float80.isNegative(aSe ^ bSe);
        boolean aInfinite = Float80.isInfinite(aSe, aSig);
        boolean bInfinite = Float80.isInfinite(bSe, bSig);
        if (aInfinite && bInfinite || aSig == 0 && bSig == 0) {
            result.invalid();
        } else if (bSig == 0 && !aInfinite) {
            result.raise(StatusWord.ZERO_DIVIDE);
            result.setInfinity(negative);
        } else {
            result.checkDenormal(aSe, aSig, bSe, bSig);
            if (aInfinite) {
                result.setInfinity(negative);
            } else if (bInfinite || aSig == 0) {
                result.setZero(negative);
            } else {
                divideFinite(negative, aSe, aSig, bSe, bSig);
            }
        }
    }

    private void divideFinite(boolean negative, int aSe, long aSig, int bSe, long bSig) {
        long a = Float80.normalSignificand(aSig);
        long b = Float80.normalSignificand(bSig);
        int exponent =
                Float80.normalExponent(aSe, aSig)
                        - Float80.normalExponent(bSe, bSig)
                        + Float80.BIAS;
        boolean below = Long.compareUnsigned(a, b) < 0;
        long dividendHi = below ? a : a >>> 1;
        long dividendLo = below ? 0 : a << 63;
        long quotient = Shift.divide(dividendHi, dividendLo, b);
        long remainder = dividendLo - quotient * b;
        long fraction = Shift.divide(remainder, 0, b);
        long sticky = fraction * b != 0 ? 1 : 0;
        result.roundToPrecision(
                negative, below ? exponent - 1 : exponent, quotient, fraction | sticky);
    }

    void squareRoot(int se, long sig) {
        if (result.settledByNan(se, sig)) {
            return;
        }
        if (Float80.isZero(se, sig)) {
            result.set(se, sig);
        } else if (Float80.isNegative(se)) {
            result.invalid();
        } else if (Float80.isInfinite(se, sig)) {
            result.set(se, sig);
        } else {
            result.checkDenormal(se, sig);
            rootOfFinite(se, sig);
        }
    }

    /**
     * Digit by digit: two radicand bits give one root bit; the remainder never needs more than 66
     * bits.
     */
    private void rootOfFinite(int se, long sig) {
        int exponent = Float80.normalExponent(se, sig) - Float80.BIAS;
        long radicand = Float80.normalSignificand(sig);
        boolean even = (exponent & 1) == 0;
        long hi = even ? radicand >>> 1 : radicand;
        long lo = even ? radicand << 63 : 0;
        long root = 0;
        long restHi = 0;
        long rest = 0;
        for (int bit = 0; bit < Long.SIZE; bit++) {
            restHi = restHi << 2 | rest >>> 62;
            rest = rest << 2 | hi >>> 62;
            hi = hi << 2 | lo >>> 62;
            lo <<= 2;
            long trialHi = root >>> 62;
            long trial = root << 2 | 1;
            root <<= 1;
            if (restHi > trialHi || restHi == trialHi && Long.compareUnsigned(rest, trial) >= 0) {
                restHi -= trialHi + (Long.compareUnsigned(rest, trial) < 0 ? 1 : 0);
                rest -= trial;
                root |= 1;
            }
        }
        boolean aboveHalf = restHi != 0 || Long.compareUnsigned(rest, root) > 0;
        long tail = (aboveHalf ? Float80.INTEGER_BIT : 0) | ((rest | restHi) != 0 ? 1 : 0);
        result.roundToPrecision(false, (exponent >> 1) + Float80.BIAS, root, tail);
    }

    /**
     * Compares a with b; raises invalid for an unordered pair, unless {@code quiet} and neither is
     * a signalling NaN or unsupported.
     *
     * @return condition bits C3, C2, C0 as FCOM sets them
     */
    int compare(int aSe, long aSig, int bSe, long bSig, boolean quiet) {
        if (Float80.isUnsupported(aSe, aSig)
                || Float80.isUnsupported(bSe, bSig)
                || Float80.isNan(aSe, aSig)
                || Float80.isNan(bSe, bSig)) {
            result.settledByNan(aSe, aSig, bSe, bSig);
            if (!quiet) {
                result.raise(StatusWord.INVALID);
            }
            return StatusWord.C3 | StatusWord.C2 | StatusWord.C0;
        }
        result.checkDenormal(aSe, aSig, bSe, bSig);
        if (aSig == 0 && bSig == 0) {
            return StatusWord.C3;
        }
        boolean aNegative = Float80.isNegative(aSe);
        if (aNegative != Float80.isNegative(bSe)) {
            return aNegative ? StatusWord.C0 : 0;
        }
        int order = compareMagnitudes(aSe, aSig, bSe, bSig);
        if (order == 0) {
            return StatusWord.C3;
        }
        return order < 0 != aNegative ? StatusWord.C0 : 0;
    }

    private static int compareMagnitudes(int aSe, long aSig, int bSe, long bSig) {
        // A pseudo-denormal has exponent 0 but the weight of exponent 1, as every denormal has.
        int aExponent = Math.max(Float80.exponent(aSe), 1);
        int bExponent = Math.max(Float80.exponent(bSe), 1);
        return aExponent != bExponent
                ? Integer.compare(aExponent, bExponent)
                : Long.compareUnsigned(aSig, bSig);
    }
}

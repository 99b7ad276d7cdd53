package org.xenolith.cpu.x87;

/**
 * F2XM1, FYL2X, FYL2XP1, FPATAN, FSIN, FCOS and FPTAN: computed in {@link Wide} and rounded once,
 * to 64 bits whatever the precision control says. So a result is correctly rounded but where the
 * exact value lies within about 2^-120 of a rounding boundary; processors err now and then by one
 * unit in the last place. As on processors, angles are reduced by a pi of 66 bits. SDM vol. 1,
 * 8.3.8 and 8.3.10.
 */
final class Transcendentals {
    /** The processor's pi: its first 66 bits, as an integer of two words. */
    private static final long PI66_HI = 0x3L;

    private static final long PI66_LO = 0x243f6a8885a308d3L;

    /** Half of pi is PI66 times two to minus this. */
    private static final int HALF_PI_SCALE = 65;

    /** Angles from 2^63 on are out of range. */
    private static final int ANGLE_LIMIT = Float80.BIAS + 63;

    /** Below the square root of one half, a logarithm's argument moves up one octave. */
    private static final long ROOT_HALF_SIG = 0xb504f333f9de6484L;

    private final Float80Result result;
    private final WideSeries series = new WideSeries();
    private final Wide x = new Wide();
    private final Wide y = new Wide();
    private final Wide a = new Wide();
    private final Wide b = new Wide();
    private int quadrant;

    Transcendentals(Float80Result result) {
        this.result = result;
    }

    /** {@code 2^x - 1}; outside of -1..1 the result is undefined, and x here. */
    void exp2MinusOne(int se, long sig) {
        if (result.settledByNan(se, sig)) {
            return;
        }
        result.set(se, sig);
        if (Float80.isInfinite(se, sig)) {
            if (Float80.isNegative(se)) {
                result.set(Float80.BIAS | Float80.SIGN, Float80.INTEGER_BIT);
            }
            return;
        }
        if (sig == 0) {
            return;
        }
        result.checkDenormal(se, sig);
        if (Float80.exponent(se) >= Float80.BIAS) {
            result.raise(StatusWord.PRECISION);
            if (se == (Float80.BIAS | Float80.SIGN) && sig == Float80.INTEGER_BIT) {
                result.se--; // 2^-1 - 1 is -1/2
            }
            return;
        }
        x.set(se, sig);
        a.product(x, WideSeries.LN2);
        series.expMinusOne(a, a);
        a.roundTo(result, true);
    }

    /** {@code y log2 x}. SDM vol. 2, table of FYL2X. */
    void yLog2(int ySe, long ySig, int xSe, long xSig) {
        if (result.settledByNan(ySe, ySig, xSe, xSig)) {
            return;
        }
        boolean yNegative = Float80.isNegative(ySe);
        boolean yInfinite = Float80.isInfinite(ySe, ySig);
        if (xSig == 0) {
            logOfZero(ySig == 0, yInfinite, yNegative);
            return;
        }
        boolean isOne = xSe == Float80.BIAS && xSig == Float80.INTEGER_BIT;
        boolean xInfinite = Float80.isInfinite(xSe, xSig);
        if (Float80.isNegative(xSe) || isOne && yInfinite || xInfinite && ySig == 0) {
            result.invalid();
            return;
        }
        result.checkDenormal(ySe, ySig, xSe, xSig);
        boolean belowOne = Float80.exponent(xSe) < Float80.BIAS;
        if (xInfinite || yInfinite) {
            result.setInfinity(yNegative != belowOne);
        } else if (isOne || ySig == 0) {
            result.setZero(yNegative != belowOne);
        } else {
            x.set(xSe, xSig);
            y.set(ySe, ySig);
            multiplyByLog2();
        }
    }

    private void logOfZero(boolean yZero, boolean yInfinite, boolean yNegative) {
        if (yZero) {
            result.invalid();
            return;
        }
        if (!yInfinite) {
            result.raise(StatusWord.ZERO_DIVIDE);
        }
        result.setInfinity(!yNegative);
    }

    /**
     * Result {@code y log2 x}: x is split into a power of two and a factor within
     * sqrt(1/2)..sqrt(2).
     */
    private void multiplyByLog2() {
        int power = x.exponent() + 1;
        if (Long.compareUnsigned(x.high(), ROOT_HALF_SIG) < 0) {
            power--;
        }
        x.scale(-power);
        b.sum(x, WideSeries.ONE);
        a.difference(x, WideSeries.ONE);
        boolean irrational = !a.isZero();
        if (irrational) {
            a.quotient(a, b);
            series.logOfRatio(a, a);
            a.quotient(a, WideSeries.LN2);
        }
        b.setBits(power < 0, 63, Math.abs(power), 0);
        a.sum(a, b);
        a.product(a, y);
        a.roundTo(result, irrational);
        // Processors take every result for inexact, also that of a power of two, which may be
        // exact.
        boolean tiny = Float80.exponent(result.se) == 0;
        result.raise(tiny ? StatusWord.PRECISION | StatusWord.UNDERFLOW : StatusWord.PRECISION);
    }

    /** {@code y log2(x + 1)}; from x = -1 down the result is undefined, and x here. */
    void yLog2PlusOne(int ySe, long ySig, int xSe, long xSig) {
        if (result.settledByNan(ySe, ySig, xSe, xSig)) {
            return;
        }
        boolean negative = Float80.isNegative(ySe ^ xSe);
        boolean yInfinite = Float80.isInfinite(ySe, ySig);
        boolean xInfinite = Float80.isInfinite(xSe, xSig);
        boolean minusInfinity = xInfinite && Float80.isNegative(xSe);
        if (minusInfinity || yInfinite && xSig == 0 || xInfinite && ySig == 0) {
            result.invalid();
            return;
        }
        result.checkDenormal(ySe, ySig, xSe, xSig);
        if (xInfinite || yInfinite) {
            result.setInfinity(negative);
        } else if (xSig == 0 || ySig == 0) {
            result.setZero(negative);
        } else if (Float80.isNegative(xSe) && Float80.exponent(xSe) >= Float80.BIAS) {
            result.raise(StatusWord.PRECISION);
            result.set(xSe, xSig);
        } else {
            x.set(xSe, xSig);
            y.set(ySe, ySig);
            if (Float80.exponent(xSe) < Float80.BIAS - 2) {
                multiplyByLog2OfNearOne();
            } else {
                x.sum(x, WideSeries.ONE);
                multiplyByLog2();
            }
        }
    }

    /** For {@code |x| < 1/4}: the logarithm by way of {@code x / (2 + x)}, which loses nothing. */
    private void multiplyByLog2OfNearOne() {
        b.set(WideSeries.ONE);
        b.scale(1);
        b.sum(b, x);
        a.quotient(x, b);
        series.logOfRatio(a, a);
        a.quotient(a, WideSeries.LN2);
        a.product(a, y);
        a.roundTo(result, true);
    }

    /** The angle of the point (x, y). SDM vol. 2, table of FPATAN. */
    void atan2(int ySe, long ySig, int xSe, long xSig) {
        if (result.settledByNan(ySe, ySig, xSe, xSig)) {
            return;
        }
        boolean yNegative = Float80.isNegative(ySe);
        boolean xNegative = Float80.isNegative(xSe);
        boolean yInfinite = Float80.isInfinite(ySe, ySig);
        boolean xInfinite = Float80.isInfinite(xSe, xSig);
        result.checkDenormal(ySe, ySig, xSe, xSig);
        if (yInfinite && xInfinite) {
            a.set(WideSeries.HALF_PI);
            a.scale(-1);
        } else if (yInfinite || ySig != 0 && xSig == 0) {
            a.set(WideSeries.HALF_PI);
            xNegative = false;
        } else if (xInfinite || ySig == 0) {
            if (!xNegative) {
                result.setZero(yNegative);
                return;
            }
            a.setBits(false, 0, 0, 0);
        } else {
            x.set(xSe & Float80.EXPONENT, xSig);
            y.set(ySe & Float80.EXPONENT, ySig);
            angleInFirstQuadrant();
        }
        if (xNegative) {
            a.difference(WideSeries.PI, a);
        }
        a.setNegative(yNegative);
        a.roundTo(result, true);
    }

    private void angleInFirstQuadrant() {
        boolean steep = x.isSmallerThan(y);
        if (steep) {
            a.quotient(x, y);
        } else {
            a.quotient(y, x);
        }
        series.atan(a, a);
        if (steep) {
            a.difference(WideSeries.HALF_PI, a);
        }
    }

    /**
     * Whether the operand of FSIN, FCOS, FSINCOS or FPTAN is 2^63 or more: C2, and nothing done.
     */
    static boolean isAngleTooLarge(int se, long sig) {
        int exponent = Float80.exponent(se);
        return exponent >= ANGLE_LIMIT && exponent != Float80.EXPONENT && sig < 0;
    }

    void sine(int se, long sig) {
        if (settledAngle(se, sig)) {
            return;
        }
        if (sig == 0) {
            result.set(se, sig);
            return;
        }
        reduceAngle(se, sig);
        sineOfQuadrant(quadrant, a);
        a.roundTo(result, true);
    }

    void cosine(int se, long sig) {
        if (settledAngle(se, sig)) {
            return;
        }
        if (sig == 0) {
            result.set(Float80.BIAS, Float80.INTEGER_BIT);
            return;
        }
        reduceAngle(se, sig);
        sineOfQuadrant(quadrant + 1, a);
        a.roundTo(result, true);
    }

    void tangent(int se, long sig) {
        if (settledAngle(se, sig)) {
            return;
        }
        if (sig == 0) {
            result.set(se, sig);
            return;
        }
        reduceAngle(se, sig);
        sineOfQuadrant(quadrant, a);
        sineOfQuadrant(quadrant + 1, b);
        a.quotient(a, b);
        a.roundTo(result, true);
    }

    private boolean settledAngle(int se, long sig) {
        if (result.settledByNan(se, sig)) {
            return true;
        }
        if (Float80.isInfinite(se, sig)) {
            result.invalid();
            return true;
        }
        result.checkDenormal(se, sig);
        return false;
    }

    /** {@code out = sin(x + q pi / 2)}, x being within pi / 4. */
    private void sineOfQuadrant(int q, Wide out) {
        if ((q & 1) == 0) {
            series.sine(x, out);
        } else {
            series.cosine(x, out);
        }
        if ((q & 2) != 0) {
            out.negate();
        }
    }

    /**
     * Leaves the angle less {@link #quadrant} times half of pi in {@link #x}. Exact: the remainder
     * is found by doubling and subtracting integers of at most 67 bits.
     */
    private void reduceAngle(int se, long sig) {
        quadrant = 0;
        int doublings = Float80.exponent(se) - Float80.BIAS - 63 + HALF_PI_SCALE;
        if (doublings < 0) {
            x.set(se, sig);
            return;
        }
        long restHi = 0;
        long rest = sig;
        for (int i = 0; i < doublings; i++) {
            restHi = restHi << 1 | rest >>> 63;
            rest <<= 1;
            quadrant <<= 1;
            if (isAtLeastPi(restHi, rest)) {
                restHi -= PI66_HI + (Long.compareUnsigned(rest, PI66_LO) < 0 ? 1 : 0);
                rest -= PI66_LO;
                quadrant |= 1;
            }
        }
        boolean negative = Float80.isNegative(se);
        boolean aboveHalf = isAtLeastPi(restHi << 1 | rest >>> 63, rest << 1);
        if (aboveHalf) {
            long borrow = Long.compareUnsigned(PI66_LO, rest) < 0 ? 1 : 0;
            restHi = PI66_HI - restHi - borrow;
            rest = PI66_LO - rest;
            quadrant++;
        }
        if (negative) {
            quadrant = -quadrant;
        }
        x.setBits(negative != aboveHalf, 127 - HALF_PI_SCALE, restHi, rest);
    }

    private static boolean isAtLeastPi(long hi, long lo) {
        return hi > PI66_HI || hi == PI66_HI && Long.compareUnsigned(lo, PI66_LO) >= 0;
    }
}

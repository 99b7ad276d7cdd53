package org.xenolith.cpu.x87;

import java.math.BigInteger;

/**
 * Slow and plain reference for the transcendental functions: fixed point of 400 fraction bits on
 * {@link BigInteger}, textbook series, nothing shared with the code under test.
 */
final class Fixed {
    static final int FRACTION_BITS = 400;
    static final BigInteger ONE = BigInteger.ONE.shiftLeft(FRACTION_BITS);

    /** Machin: pi = 16 atan(1/5) - 4 atan(1/239). */
    static final BigInteger PI =
            atanSeries(ONE.divide(BigInteger.valueOf(5)))
                    .multiply(BigInteger.valueOf(16))
                    .subtract(atanSeries(ONE.divide(BigInteger.valueOf(239))).shiftLeft(2));

    static final BigInteger LN2 = ln(ONE.shiftLeft(1));

    private Fixed() {}

    static BigInteger of(int se, long sig) {
        int shift = FRACTION_BITS + Float80.exponent(se) - Float80.BIAS - 63;
        BigInteger magnitude = new BigInteger(Long.toUnsignedString(sig)).shiftLeft(shift);
        return Float80.isNegative(se) ? magnitude.negate() : magnitude;
    }

    static BigInteger multiply(BigInteger a, BigInteger b) {
        return a.multiply(b).shiftRight(FRACTION_BITS);
    }

    static BigInteger divide(BigInteger a, BigInteger b) {
        return a.shiftLeft(FRACTION_BITS).divide(b);
    }

    static BigInteger expMinusOne(BigInteger x) {
        BigInteger sum = BigInteger.ZERO;
        BigInteger term = x;
        for (long n = 2; term.abs().bitLength() > 1; n++) {
            sum = sum.add(term);
            term = multiply(term, x).divide(BigInteger.valueOf(n));
        }
        return sum;
    }

    static BigInteger sin(BigInteger x) {
        return alternating(x, x, 2);
    }

    static BigInteger cos(BigInteger x) {
        return alternating(ONE, x, 1);
    }

    private static BigInteger alternating(BigInteger first, BigInteger x, long firstDivisor) {
        BigInteger square = multiply(x, x);
        BigInteger sum = BigInteger.ZERO;
        BigInteger term = first;
        for (long n = firstDivisor; term.abs().bitLength() > 1; n += 2) {
            sum = sum.add(term);
            term = multiply(term, square).divide(BigInteger.valueOf(n * (n + 1))).negate();
        }
        return sum;
    }

    /** Halves the angle until the series is quick: atan x = 2 atan(x / (1 + sqrt(1 + x^2))). */
    static BigInteger atan(BigInteger x) {
        BigInteger reduced = x;
        int halvings = 8;
        for (int i = 0; i < halvings; i++) {
            BigInteger root = ONE.add(multiply(reduced, reduced)).shiftLeft(FRACTION_BITS).sqrt();
            reduced = divide(reduced, ONE.add(root));
        }
        return atanSeries(reduced).shiftLeft(halvings);
    }

    private static BigInteger atanSeries(BigInteger x) {
        return oddPowers(x, multiply(x, x).negate());
    }

    /** ln x = 2 atanh((x - 1) / (x + 1)), for x from 1/2 to 2. */
    static BigInteger ln(BigInteger x) {
        BigInteger z = divide(x.subtract(ONE), x.add(ONE));
        return oddPowers(z, multiply(z, z)).shiftLeft(1);
    }

    private static BigInteger oddPowers(BigInteger x, BigInteger square) {
        BigInteger sum = BigInteger.ZERO;
        BigInteger power = x;
        for (long n = 1; power.abs().bitLength() > 1; n += 2) {
            sum = sum.add(power.divide(BigInteger.valueOf(n)));
            power = multiply(power, square);
        }
        return sum;
    }
}

package org.xenolith.cpu.x87;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

import java.math.BigInteger;
import java.util.function.BiFunction;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;

/** Each result must be the correctly rounded value of a reference with 400 fraction bits. */
class TranscendentalsTest {
    private static final int CASES = 1000;
    private static final long SEED = Long.getLong("x87.seed", 20250811L);

    private static final int CUT = Fixed.FRACTION_BITS + 2 - 66;

    /** The processor's pi: the true one cut to 66 bits. */
    private static final BigInteger PI66 = Fixed.PI.shiftRight(CUT).shiftLeft(CUT);

    private final RandomGenerator random =
            RandomGeneratorFactory.of("L64X128MixRandom").create(SEED);
    private final Float80Result result = new Float80Result();
    private final Transcendentals transcendentals = new Transcendentals(result);

    @FunctionalInterface
    private interface Function {
        void apply(int ySe, long ySig, int xSe, long xSig);
    }

    /** Operands with exponents in {@code low..high} around 1.0; the reference is told y and x. */
    private void check(
            int low,
            int high,
            boolean signed,
            Function function,
            BiFunction<BigInteger, BigInteger, BigInteger> reference) {
        for (int i = 0; i < CASES; i++) {
            int xSe = Float80.BIAS + random.nextInt(low, high + 1);
            int ySe = Float80.BIAS + random.nextInt(-20, 21);
            if (signed) {
                xSe |= random.nextInt(2) << 15;
                ySe |= random.nextInt(2) << 15;
            }
            long xSig = random.nextLong() | Long.MIN_VALUE;
            long ySig = random.nextLong() | Long.MIN_VALUE;
            int rounding = random.nextInt(4);
            result.begin(0x37f & ~0xc00 | rounding << 10);
            function.apply(ySe, ySig, xSe, xSig);
            BigInteger exact = reference.apply(Fixed.of(ySe, ySig), Fixed.of(xSe, xSig));
            assertThat("%04x.%016x".formatted(result.se, result.sig))
                    .as(
                            "seed %d: y %04x.%016x x %04x.%016x rounding %d",
                            SEED, ySe, ySig, xSe, xSig, rounding)
                    .isEqualTo(rounded(exact, rounding));
        }
    }

    /** Rounds by exact integer arithmetic to 64 bits. */
    private static String rounded(BigInteger exact, int rounding) {
        boolean negative = exact.signum() < 0;
        BigInteger magnitude = exact.abs();
        int shift = magnitude.bitLength() - 64;
        BigInteger kept = magnitude.shiftRight(shift);
        boolean up =
                switch (rounding) {
                    case ControlWord.ROUND_NEAREST -> magnitude.testBit(shift - 1);
                    case ControlWord.ROUND_DOWN -> negative;
                    case ControlWord.ROUND_UP -> !negative;
                    default -> false;
                };
        kept = up ? kept.add(BigInteger.ONE) : kept;
        if (kept.bitLength() > 64) {
            kept = kept.shiftRight(1);
            shift++;
        }
        int se = shift - Fixed.FRACTION_BITS + 63 + Float80.BIAS | (negative ? 0x8000 : 0);
        return "%04x.%016x".formatted(se, kept.longValue());
    }

    @Test
    void powerOfTwoLessOneIsCorrectlyRounded() {
        check(
                -60,
                -1,
                true,
                (ySe, ySig, xSe, xSig) -> transcendentals.exp2MinusOne(xSe, xSig),
                (y, x) -> Fixed.expMinusOne(Fixed.multiply(x, Fixed.LN2)));
    }

    @Test
    void logarithmIsCorrectlyRounded() {
        check(
                -1,
                0,
                false,
                transcendentals::yLog2,
                (y, x) -> Fixed.multiply(y, Fixed.divide(Fixed.ln(x), Fixed.LN2)));
    }

    @Test
    void logarithmOfOnePlusASmallNumberIsCorrectlyRounded() {
        check(
                -60,
                -3,
                true,
                transcendentals::yLog2PlusOne,
                (y, x) -> Fixed.multiply(y, Fixed.divide(Fixed.ln(x.add(Fixed.ONE)), Fixed.LN2)));
    }

    @Test
    void angleOfAPointIsCorrectlyRounded() {
        check(
                -20,
                20,
                true,
                transcendentals::atan2,
                (y, x) -> {
                    BigInteger angle = Fixed.atan(Fixed.divide(y, x));
                    if (x.signum() > 0) {
                        return angle;
                    }
                    return y.signum() < 0 ? angle.subtract(Fixed.PI) : angle.add(Fixed.PI);
                });
    }

    /** The sine of x plus so many quarter turns, x being reduced to within an eighth first. */
    private static BigInteger sine(BigInteger x, int quarterTurns) {
        BigInteger quarter = PI66.shiftRight(1);
        BigInteger shifted = x.add(quarter.shiftRight(1));
        BigInteger count = shifted.subtract(shifted.mod(quarter)).divide(quarter);
        BigInteger rest = x.subtract(count.multiply(quarter));
        int quadrant = count.intValue() + quarterTurns & 3;
        BigInteger magnitude = (quadrant & 1) == 0 ? Fixed.sin(rest) : Fixed.cos(rest);
        return quadrant < 2 ? magnitude : magnitude.negate();
    }

    @Test
    void sineIsCorrectlyRoundedForAPiOf66Bits() {
        check(
                -60,
                62,
                true,
                (ySe, ySig, xSe, xSig) -> transcendentals.sine(xSe, xSig),
                (y, x) -> sine(x, 0));
    }

    @Test
    void cosineIsCorrectlyRoundedForAPiOf66Bits() {
        check(
                -25,
                62,
                true,
                (ySe, ySig, xSe, xSig) -> transcendentals.cosine(xSe, xSig),
                (y, x) -> sine(x, 1));
    }

    @Test
    void tangentIsCorrectlyRoundedForAPiOf66Bits() {
        check(
                -60,
                62,
                true,
                (ySe, ySig, xSe, xSig) -> transcendentals.tangent(xSe, xSig),
                (y, x) -> Fixed.divide(sine(x, 0), sine(x, 1)));
    }

    @Test
    void anglesFrom2ToThe63AreOutOfRange() {
        X87 x87 = new X87();
        x87.load(3, 5, Long.MIN_VALUE, Float80.BIAS + 63);
        int[] functions = {0xf2, 0xfb, 0xfe, 0xff};
        for (int modrm : functions) {
            x87.execute(1, modrm, 0);
            assertThat(x87.statusWord() & StatusWord.C2).isNotZero();
            assertThat(x87.signAndExponent(0)).isEqualTo(Float80.BIAS + 63);
        }
        x87.execute(1, 0xfc, 0);
        x87.load(3, 5, -1L, Float80.BIAS + 62);
        x87.execute(1, 0xfe, 0);
        assertThat(x87.statusWord() & StatusWord.C2).isZero();
    }
}

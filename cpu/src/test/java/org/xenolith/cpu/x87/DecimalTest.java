package org.xenolith.cpu.x87;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;

/** The ways by which C libraries turn long doubles into digits, and digits into long doubles. */
class DecimalTest {
    private static final int CASES = 300;
    private static final long SEED = Long.getLong("x87.seed", 20250811L);
    private static final int TEN_SE = Float80.BIAS + 3;
    private static final long TEN_SIG = 0xaL << 60;

    private final RandomGenerator random =
            RandomGeneratorFactory.of("L64X128MixRandom").create(SEED);
    private final Float80Result result = new Float80Result();
    private final Float80Arithmetic arithmetic = new Float80Arithmetic(result);
    private final Float80Remainder remainder = new Float80Remainder(result);
    private final Float80Conversions conversions = new Float80Conversions(result);

    /** fmodl(x, 10) and (x - digit) / 10, as a naive printf does: every step is exact. */
    @Test
    void repeatedRemainderOfTenGivesEveryDigitOfAnInteger() {
        for (int i = 0; i < CASES; i++) {
            long value = random.nextLong(Long.MAX_VALUE);
            result.begin(ControlWord.INITIAL);
            conversions.fromInteger(value);
            StringBuilder digits = new StringBuilder();
            int se = result.se;
            long sig = result.sig;
            while (sig != 0) {
                result.begin(ControlWord.INITIAL);
                remainder.remainder(se, sig, TEN_SE, TEN_SIG, false);
                int digitSe = result.se;
                long digitSig = result.sig;
                conversions.toInteger(digitSe, digitSig, Long.SIZE, ControlWord.ROUND_TO_ZERO);
                digits.insert(0, result.sig);
                arithmetic.subtract(se, sig, digitSe, digitSig);
                arithmetic.divide(result.se, result.sig, TEN_SE, TEN_SIG);
                se = result.se;
                sig = result.sig;
                assertThat(result.flags).as("seed %d: %d is exact", SEED, value).isZero();
            }
            assertThat(digits.toString()).isEqualTo(Long.toString(value));
        }
    }

    /**
     * Eighteen digits over a power of ten up to 10^27 is one rounding of two exact numbers:
     * strtold.
     */
    @Test
    void digitsOverAPowerOfTenAreTheNearestLongDouble() {
        for (int i = 0; i < CASES; i++) {
            long digits = random.nextLong(1, 1_000_000_000_000_000_000L);
            int power = random.nextInt(28);
            result.begin(ControlWord.INITIAL);
            conversions.fromInteger(1);
            for (int n = 0; n < power; n++) {
                arithmetic.multiply(result.se, result.sig, TEN_SE, TEN_SIG);
            }
            assertThat(result.flags).as("10^%d is exact", power).isZero();
            int powerSe = result.se;
            long powerSig = result.sig;
            conversions.fromInteger(digits);
            arithmetic.divide(result.se, result.sig, powerSe, powerSig);
            assertNearest(BigDecimal.valueOf(digits, power));
        }
    }

    private void assertNearest(BigDecimal decimal) {
        int scale = Float80.BIAS + 63 - Float80.exponent(result.se);
        BigDecimal unit = BigDecimal.ONE.divide(new BigDecimal(BigInteger.TWO.pow(scale)));
        BigDecimal value = new BigDecimal(Long.toUnsignedString(result.sig)).multiply(unit);
        assertThat(value.subtract(decimal).abs().multiply(BigDecimal.TWO))
                .as("seed %d: %s", SEED, decimal)
                .isLessThanOrEqualTo(unit);
    }

    @Test
    void packedDecimalRoundTripsEighteenDigits() {
        for (int i = 0; i < CASES; i++) {
            long value = random.nextLong(-999_999_999_999_999_999L, 1_000_000_000_000_000_000L);
            result.begin(ControlWord.INITIAL);
            conversions.fromInteger(value);
            conversions.toBcd(result.se, result.sig);
            int high = result.se;
            String digits = "%02x%016x".formatted(high & 0xff, result.sig);
            assertThat(digits).isEqualTo("%018d".formatted(Math.abs(value)));
            conversions.fromBcd(result.sig, high);
            conversions.toInteger(result.se, result.sig, Long.SIZE, ControlWord.ROUND_NEAREST);
            assertThat(result.sig).isEqualTo(value);
        }
    }
}

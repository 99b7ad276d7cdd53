package org.xenolith.cpu.translate;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/** Bounds of results hold, however operands cancel or round. */
class MagnitudeTest {
    private static final int ROUNDS = 400_000;
    private static final long SEED = Long.getLong("xenolith.magnitude.seed", System.nanoTime());

    private record Bounded(double value, Magnitude magnitude) {
        /** The power of two of the lowest bit that is set. */
        int lowestBit() {
            long fraction = Double.doubleToRawLongBits(value) & (1L << 52) - 1 | 1L << 52;
            return Math.getExponent(value) - 52 + Long.numberOfTrailingZeros(fraction);
        }

        void check(Object origin) {
            if (value == 0) {
                assertThat(magnitude.nonZero()).as("%s, but it is 0", origin).isFalse();
                return;
            }
            assertThat(Math.abs(value))
                    .as("%s of %s", origin, magnitude)
                    .isBetween(Math.scalb(1.0, magnitude.low()), Math.scalb(1.0, magnitude.high()));
            assertThat(lowestBit()).as("%s: grid", origin).isGreaterThanOrEqualTo(magnitude.grid());
        }
    }

    private final Random random = new Random(SEED);
    private final List<Bounded> values = new ArrayList<>();

    private Bounded pick() {
        return values.get(random.nextInt(values.size()));
    }

    /** Any, or a neighbour of another one, so that differences cancel. */
    private Bounded moderate() {
        double value =
                switch (random.nextInt(4)) {
                    case 0 -> random.nextInt(-9, 10);
                    case 1 -> Math.scalb(random.nextGaussian(), random.nextInt(-250, 250));
                    case 2 -> Math.nextUp(pick().value);
                    default -> pick().value * (random.nextBoolean() ? 1 : 1.5);
                };
        if (!QuickOperandsTest.passes(Doubles::requireModerate, value)) {
            value = 1;
        }
        return value != 0 && random.nextBoolean()
                ? new Bounded(value, Magnitude.MODERATE_AND_NOT_ZERO)
                : new Bounded(value, Magnitude.MODERATE);
    }

    private Bounded result(int operation, Bounded a, Bounded b) {
        return switch (operation) {
            case 0 -> new Bounded(a.value + b.value, a.magnitude.plus(b.magnitude));
            case 1 -> new Bounded(a.value - b.value, a.magnitude.plus(b.magnitude));
            case 2 -> new Bounded(a.value * b.value, a.magnitude.times(b.magnitude));
            case 3 ->
                    b.magnitude.nonZero()
                            ? new Bounded(a.value / b.value, a.magnitude.dividedBy(b.magnitude))
                            : a;
            case 4 -> new Bounded(Math.sqrt(Math.abs(a.value)), a.magnitude.root());
            case 5 -> new Bounded(Math.rint(a.value), a.magnitude.rounded());
            default ->
                    new Bounded(
                            a.value < b.value ? a.value : b.value,
                            Magnitude.either(a.magnitude, b.magnitude));
        };
    }

    @Test
    void resultsLieWithinTheBoundsThatFollowFromTheirOperands() {
        values.add(new Bounded(1, Magnitude.MODERATE));
        int safe = 0;
        for (int i = 0; i < ROUNDS; i++) {
            Bounded value = random.nextInt(4) == 0 ? moderate() : null;
            if (value == null) {
                int operation = random.nextInt(7);
                Bounded a = pick(), b = pick();
                value = result(operation, a, b);
                if (!value.magnitude.isSafe()) {
                    continue;
                }
                value.check("seed " + SEED + ": operation " + operation + " on " + a + ", " + b);
                safe++;
            }
            if (values.size() < 64) {
                values.add(value);
            } else {
                values.set(random.nextInt(values.size()), value);
            }
        }
        assertThat(safe).isGreaterThan(ROUNDS / 4);
    }

    @Test
    void comparableNumbersAreNotSafeToCalculateWith() {
        assertThat(Magnitude.COMPARABLE.isSafe()).isFalse();
        assertThat(Magnitude.COMPARABLE.plus(Magnitude.MODERATE).isSafe()).isFalse();
        assertThat(Magnitude.COMPARABLE.isWide()).isTrue();
    }

    @Test
    void productsOfFourModerateNumbersAreSafe() {
        Magnitude two = Magnitude.MODERATE.times(Magnitude.MODERATE);
        assertThat(two.times(two).isSafe()).isTrue();
        assertThat(two.times(two).times(Magnitude.MODERATE).isSafe()).isFalse();
    }
}

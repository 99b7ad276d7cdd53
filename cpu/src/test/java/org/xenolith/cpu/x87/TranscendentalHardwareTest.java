package org.xenolith.cpu.x87;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.xenolith.cpu.x87.X87Case.Instruction;

import java.util.ArrayList;
import java.util.List;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import java.util.stream.Stream;

/**
 * The transcendental instructions against the hardware's: all state is equal, but a significand may
 * be off by one in few cases, for processors do not round these correctly every time.
 */
class TranscendentalHardwareTest {
    private static final int CASES = 3000;
    private static final int PERCENT_OFF_BY_ONE = 5;
    private static final int F2XM1 = 0xf0;
    private static final int FYL2XP1 = 0xf9;
    private static final long SEED = Long.getLong("x87.seed", 20250811L);

    static Stream<Instruction> transcendentals() {
        return Stream.of(
                Instruction.register("f2xm1", 0xd9, 0xf0),
                Instruction.register("fyl2x", 0xd9, 0xf1),
                Instruction.register("fptan", 0xd9, 0xf2),
                Instruction.register("fpatan", 0xd9, 0xf3),
                Instruction.register("fyl2xp1", 0xd9, 0xf9),
                Instruction.register("fsincos", 0xd9, 0xfb),
                Instruction.register("fsin", 0xd9, 0xfe),
                Instruction.register("fcos", 0xd9, 0xff));
    }

    /** Draws until the operand is in the range for which the SDM defines a result. */
    private static X87Case drawDefined(X87CaseGenerator generator, Instruction instruction) {
        while (true) {
            X87Case drawn = generator.draw(instruction);
            X87State before = new X87State(drawn.image(), 0, drawn.memory());
            int exponent = before.se(0) & Float80.EXPONENT;
            boolean defined =
                    switch (instruction.modrm()) {
                        case F2XM1 -> exponent < Float80.BIAS;
                        case FYL2XP1 -> exponent < Float80.BIAS - 2;
                        default -> true;
                    };
            if (defined || exponent == Float80.EXPONENT) {
                return drawn;
            }
        }
    }

    @ParameterizedTest
    @MethodSource("transcendentals")
    void resultsAreWithinOneUnitOfTheHardwares(Instruction instruction) {
        HardwareX87.assumeReference();
        RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(SEED);
        X87CaseGenerator masked = new X87CaseGenerator(random, 0, 0);
        X87CaseGenerator any = new X87CaseGenerator(random, 30, 60);
        List<X87Case> cases = new ArrayList<>();
        for (int i = 0; i < CASES; i++) {
            cases.add(drawDefined(i % 3 != 0 ? masked : any, instruction));
        }
        List<X87State> expected =
                HardwareX87.execute(cases.stream().map(X87Case::request).toList());
        List<String> differences = new ArrayList<>();
        int offByOne = 0;
        for (int i = 0; i < CASES; i++) {
            X87State ours = cases.get(i).execute();
            X87State theirs = expected.get(i);
            if (ours.describe(0).equals(theirs.describe(0))) {
                continue;
            }
            if (ours.isNear(theirs)) {
                offByOne++;
            } else {
                differences.add(
                        "before %s%nours   %s%ntheirs %s"
                                .formatted(
                                        cases.get(i).describe(),
                                        ours.describe(0),
                                        theirs.describe(0)));
            }
        }
        System.out.printf(
                "%s: %d of %d results off by one in the last place%n",
                instruction, offByOne, CASES);
        assertThat(differences)
                .as("%s, seed %d: %d of %d", instruction, SEED, differences.size(), CASES)
                .isEmpty();
        assertThat(offByOne).isLessThanOrEqualTo(CASES * PERCENT_OFF_BY_ONE / 100);
    }
}

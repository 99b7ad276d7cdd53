package org.xenolith.cpu.translate;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.io.InputStream;
import java.lang.classfile.ClassFile;
import java.lang.classfile.MethodModel;
import java.lang.classfile.instruction.InvokeInstruction;
import java.util.List;
import java.util.Random;
import java.util.function.DoubleConsumer;

/** Which operands the quick form of floating point takes, by the exponents that Java sees. */
class QuickOperandsTest {
    private static final int RANDOM = 200_000;
    private static final long SEED = Long.getLong("xenolith.operands.seed", System.nanoTime());

    private static final double[] ODD = {
        0,
        Double.MIN_VALUE,
        Math.nextDown(Double.MIN_NORMAL),
        Double.MIN_NORMAL,
        Math.nextDown(0x1p-255),
        0x1p-255,
        1,
        Math.nextDown(0x1p255),
        0x1p255,
        Double.MAX_VALUE,
        Double.POSITIVE_INFINITY,
        Double.NaN,
        Double.longBitsToDouble(0x7ff0_0000_0000_0001L),
    };

    static boolean passes(DoubleConsumer test, double x) {
        try {
            test.accept(x);
            return true;
        } catch (RoughDouble rough) {
            return false;
        }
    }

    private static void check(double x) {
        String name = "%016x, seed %d".formatted(Double.doubleToRawLongBits(x), SEED);
        int exponent = Math.getExponent(x);
        boolean inRange =
                exponent >= -Magnitude.MODERATE_EXPONENT && exponent < Magnitude.MODERATE_EXPONENT;
        boolean denormal = exponent < Double.MIN_EXPONENT && x != 0;
        assertThat(passes(Doubles::requireModerate, x)).as(name).isEqualTo(inRange || x == 0);
        assertThat(passes(Doubles::requireModerateAndNotZero, x)).as(name).isEqualTo(inRange);
        assertThat(passes(Doubles::requireComparable, x))
                .as(name)
                .isEqualTo(!Double.isNaN(x) && !denormal);
    }

    @Test
    void takesZeroesAndExponentsFromMinus255To254() {
        for (double x : ODD) {
            check(x);
            check(-x);
        }
        Random random = new Random(SEED);
        for (int i = 0; i < RANDOM; i++) {
            check(Double.longBitsToDouble(random.nextLong()));
        }
    }

    /** What C2 would leave a call each in large loops: behind 18,000 nodes it inlines no other. */
    @Test
    void testsOfOperandsCallOnlyWhatHotSpotKnowsItself() throws IOException {
        List<String> called =
                methods().stream()
                        .filter(method -> method.methodName().stringValue().startsWith("require"))
                        .flatMap(method -> method.code().orElseThrow().elementStream())
                        .filter(InvokeInstruction.class::isInstance)
                        .map(call -> ((InvokeInstruction) call).owner().asInternalName())
                        .distinct()
                        .toList();
        assertThat(called).containsOnly("java/lang/Double", "java/lang/Integer", "java/lang/Math");
    }

    private static List<MethodModel> methods() throws IOException {
        try (InputStream in = Doubles.class.getResourceAsStream("Doubles.class")) {
            return ClassFile.of().parse(in.readAllBytes()).methods();
        }
    }
}

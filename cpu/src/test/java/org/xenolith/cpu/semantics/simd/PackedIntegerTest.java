package org.xenolith.cpu.semantics.simd;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.LongBinaryOperator;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Arithmetic on all lanes at once has the results of the definition, lane by lane. */
class PackedIntegerTest {
    private static final int RANDOM_CASES = 50_000;

    /** Around the extremes of signed and unsigned bytes, words and doublewords, and zero. */
    private static final int[] EDGES = {0, 1, 2, 0x7e, 0x7f, 0x80, 0x81, 0xfe, 0xff};

    private static final Map<String, LongBinaryOperator> DEFINITIONS =
            PackedByDefinition.operations();

    private static final List<Class<?>> OPERATIONS =
            List.of(
                    PackedInteger.class,
                    PackedShift.class,
                    PackedProduct.class,
                    PackedPack.class,
                    PackedHorizontal.class,
                    HalfShuffle.class);

    private final Random random = new Random(20250119);

    static Stream<String> everyOperation() {
        return DEFINITIONS.keySet().stream();
    }

    private static Stream<Method> publicMethods() {
        return OPERATIONS.stream()
                .flatMap(operations -> Arrays.stream(operations.getDeclaredMethods()))
                .filter(m -> Modifier.isPublic(m.getModifiers()));
    }

    /** The method of two longs, or of the second alone. */
    private static MethodHandle method(String name) throws ReflectiveOperationException {
        Method method =
                publicMethods().filter(m -> m.getName().equals(name)).findFirst().orElseThrow();
        MethodHandle handle = MethodHandles.lookup().unreflect(method);
        if (method.getParameterCount() == 1) {
            handle = MethodHandles.dropArguments(handle, 0, long.class);
        }
        return handle.asType(MethodType.methodType(long.class, long.class, long.class));
    }

    private static void compare(String name, MethodHandle method, long a, long b) throws Throwable {
        long ours = (long) method.invokeExact(a, b);
        long defined = DEFINITIONS.get(name).applyAsLong(a, b);
        if (ours != defined) {
            assertThat("%016x".formatted(ours))
                    .as("%s %016x %016x", name, a, b)
                    .isEqualTo("%016x".formatted(defined));
        }
    }

    /** Each pair of bytes stands in each lane, beside ever other ones. */
    @ParameterizedTest
    @MethodSource("everyOperation")
    void everyPairOfBytesAgrees(String name) throws Throwable {
        MethodHandle method = method(name);
        for (int pair = 0; pair < 1 << 16; pair++) {
            long a = 0, b = 0;
            for (int lane = 0; lane < 8; lane++) {
                int other = pair + lane * 0x9e37;
                a |= (other & 0xffL) << 8 * lane;
                b |= (other >>> 8 & 0xffL) << 8 * lane;
            }
            compare(name, method, a, b);
        }
    }

    /** Bytes that are edges, or anything, or all zeros or ones. */
    private long edges() {
        return PackedByDefinition.lanes(
                8,
                i ->
                        switch (random.nextInt(6)) {
                            case 0 -> random.nextInt(256);
                            case 1 -> -random.nextInt(2);
                            default -> EDGES[random.nextInt(EDGES.length)];
                        });
    }

    /** Words or doublewords whose bytes are an edge's and, below it, all zeros or all ones. */
    private long wideEdges(int width) {
        long result = 0;
        for (int lane = 0; lane < 64; lane += width) {
            long edge = (long) EDGES[random.nextInt(EDGES.length)] << width - 8;
            long below = random.nextBoolean() ? 0 : (1L << width - 8) - 1;
            long near = random.nextInt(5) - 2;
            result |= (edge + below + near & -1L >>> 64 - width) << lane;
        }
        return result;
    }

    private long operand() {
        return switch (random.nextInt(5)) {
            case 0 -> random.nextLong();
            case 1 -> edges();
            case 2 -> wideEdges(16);
            case 3 -> wideEdges(32);
            default -> PackedByDefinition.lanes(16, i -> EDGES[random.nextInt(EDGES.length)]);
        };
    }

    @ParameterizedTest
    @MethodSource("everyOperation")
    void edgesAndRandomLanesAgree(String name) throws Throwable {
        MethodHandle method = method(name);
        for (int i = 0; i < RANDOM_CASES; i++) {
            long a = operand();
            compare(name, method, a, random.nextInt(8) == 0 ? a : operand());
        }
    }

    @ParameterizedTest
    @MethodSource("everyShift")
    void everyCountAgrees(String name) throws Throwable {
        MethodHandle method = method(name);
        for (int i = 0; i < 200; i++) {
            long a = operand();
            for (long count = 0; count < 260; count++) {
                compare(name, method, a, count);
                compare(name, method, a, count << 32);
                compare(name, method, a, -count);
            }
        }
    }

    static Stream<String> everyShift() {
        return everyOperation().filter(name -> name.matches("ps(ll|rl|ra)[wdq]"));
    }

    @Test
    void everyOperationOnLanesHasADefinition() {
        assertThat(
                        publicMethods()
                                .filter(m -> !takesImmediate(m))
                                .map(Method::getName)
                                .collect(Collectors.toSet()))
                .isEqualTo(DEFINITIONS.keySet());
    }

    /** See {@link PackedShuffleTest}. */
    private static boolean takesImmediate(Method method) {
        return Arrays.asList(method.getParameterTypes()).contains(int.class);
    }
}

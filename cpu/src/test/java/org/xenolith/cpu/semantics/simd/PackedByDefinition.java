package org.xenolith.cpu.semantics.simd;

import java.util.Map;
import java.util.TreeMap;
import java.util.function.IntToLongFunction;
import java.util.function.LongBinaryOperator;
import java.util.function.LongUnaryOperator;

/**
 * The operations of {@link PackedInteger} as the SDM defines them: lane by lane, with the lane's
 * number in a long that is wide enough for every sum and product.
 */
final class PackedByDefinition {
    private static final Map<Character, Integer> WIDTHS = Map.of('b', 8, 'w', 16, 'd', 32, 'q', 64);

    private final Map<String, LongBinaryOperator> operations = new TreeMap<>();

    private PackedByDefinition() {
        sums();
        comparisons();
        signs();
        shifts();
        products();
        packs();
        interleavings();
        horizontals();
    }

    /** From the names of methods of {@link PackedInteger}. */
    static Map<String, LongBinaryOperator> operations() {
        return new PackedByDefinition().operations;
    }

    static long unsigned(long a, int width, int index) {
        return a >>> width * index & -1L >>> 64 - width;
    }

    static long signed(long a, int width, int index) {
        return unsigned(a, width, index) << 64 - width >> 64 - width;
    }

    /** The low bits of each lane's number, side by side. */
    static long lanes(int width, IntToLongFunction lane) {
        long result = 0;
        for (int i = 0; i < 64 / width; i++) {
            result |= unsigned(lane.applyAsLong(i), width, 0) << width * i;
        }
        return result;
    }

    /** A lane as a number. */
    private interface Lane {
        long of(long a, int width, int index);
    }

    private void signed(String name, String widths, LongBinaryOperator f) {
        put(name, widths, PackedByDefinition::signed, f);
    }

    private void unsigned(String name, String widths, LongBinaryOperator f) {
        put(name, widths, PackedByDefinition::unsigned, f);
    }

    private void put(String name, String widths, Lane lane, LongBinaryOperator f) {
        for (char letter : widths.toCharArray()) {
            int width = WIDTHS.get(letter);
            operations.put(
                    name + letter,
                    (a, b) ->
                            lanes(
                                    width,
                                    i ->
                                            f.applyAsLong(
                                                    lane.of(a, width, i), lane.of(b, width, i))));
        }
    }

    private static LongUnaryOperator clamp(long least, long most) {
        return x -> x < least ? least : x > most ? most : x;
    }

    private static LongUnaryOperator toSigned(int width) {
        return clamp(-1L << width - 1, (1L << width - 1) - 1);
    }

    private static LongUnaryOperator toUnsigned(int width) {
        return clamp(0, (1L << width) - 1);
    }

    private void sums() {
        signed("padd", "bwdq", Long::sum);
        signed("psub", "bwdq", (x, y) -> x - y);
        for (String letter : new String[] {"b", "w"}) {
            LongUnaryOperator toSigned = toSigned(WIDTHS.get(letter.charAt(0)));
            LongUnaryOperator toUnsigned = toUnsigned(WIDTHS.get(letter.charAt(0)));
            signed("padds", letter, (x, y) -> toSigned.applyAsLong(x + y));
            signed("psubs", letter, (x, y) -> toSigned.applyAsLong(x - y));
            unsigned("paddus", letter, (x, y) -> toUnsigned.applyAsLong(x + y));
            unsigned("psubus", letter, (x, y) -> toUnsigned.applyAsLong(x - y));
        }
        unsigned("pavg", "bw", (x, y) -> x + y + 1 >> 1);
    }

    private void comparisons() {
        signed("pcmpeq", "bwdq", (x, y) -> x == y ? -1 : 0);
        signed("pcmpgt", "bwdq", (x, y) -> x > y ? -1 : 0);
        signed("pmins", "bwd", Math::min);
        signed("pmaxs", "bwd", Math::max);
        unsigned("pminu", "bwd", Math::min);
        unsigned("pmaxu", "bwd", Math::max);
        operations.put("pand", (a, b) -> a & b);
        operations.put("pandn", (a, b) -> ~a & b);
        operations.put("por", (a, b) -> a | b);
        operations.put("pxor", (a, b) -> a ^ b);
    }

    private void signs() {
        signed("pabs", "bwd", (x, y) -> Math.abs(y));
        signed("psign", "bwd", (x, y) -> x * Long.signum(y));
        operations.put("maskmovBytes", (a, b) -> lanes(8, i -> signed(b, 8, i) < 0 ? -1 : 0));
        operations.put(
                "pmovmskb",
                (a, b) -> {
                    long mask = 0;
                    for (int i = 0; i < 8; i++) {
                        mask |= signed(b, 8, i) < 0 ? 1 << i : 0;
                    }
                    return mask;
                });
    }

    /** The count is the whole of b. */
    private void shifts() {
        for (char letter : "wdq".toCharArray()) {
            int width = WIDTHS.get(letter);
            operations.put(
                    "psll" + letter,
                    (a, b) -> lanes(width, i -> tooFar(b, width) ? 0 : signed(a, width, i) << b));
            operations.put(
                    "psrl" + letter,
                    (a, b) ->
                            lanes(width, i -> tooFar(b, width) ? 0 : unsigned(a, width, i) >>> b));
            if (width < 64) {
                operations.put(
                        "psra" + letter,
                        (a, b) ->
                                lanes(
                                        width,
                                        i -> signed(a, width, i) >> (tooFar(b, width) ? 63 : b)));
            }
        }
    }

    private static boolean tooFar(long count, int width) {
        return Long.compareUnsigned(count, width) >= 0;
    }

    private void products() {
        signed("pmull", "wd", (x, y) -> x * y);
        signed("pmulh", "w", (x, y) -> x * y >> 16);
        unsigned("pmulhu", "w", (x, y) -> x * y >> 16);
        signed("pmulhrs", "w", (x, y) -> (x * y >> 14) + 1 >> 1);
        operations.put("pmuludq", (a, b) -> unsigned(a, 32, 0) * unsigned(b, 32, 0));
        operations.put("pmuldq", (a, b) -> signed(a, 32, 0) * signed(b, 32, 0));
        operations.put(
                "pmaddwd",
                (a, b) ->
                        lanes(
                                32,
                                i ->
                                        signed(a, 16, 2 * i) * signed(b, 16, 2 * i)
                                                + signed(a, 16, 2 * i + 1)
                                                        * signed(b, 16, 2 * i + 1)));
        operations.put(
                "pmaddubsw",
                (a, b) ->
                        lanes(
                                16,
                                i ->
                                        toSigned(16)
                                                .applyAsLong(
                                                        unsigned(a, 8, 2 * i) * signed(b, 8, 2 * i)
                                                                + unsigned(a, 8, 2 * i + 1)
                                                                        * signed(
                                                                                b, 8, 2 * i + 1))));
        operations.put(
                "psadbw",
                (a, b) -> {
                    long sum = 0;
                    for (int i = 0; i < 8; i++) {
                        sum += Math.abs(unsigned(a, 8, i) - unsigned(b, 8, i));
                    }
                    return sum;
                });
    }

    private void pack(String name, int from, LongUnaryOperator saturate) {
        int half = 64 / from;
        operations.put(
                name,
                (a, b) ->
                        lanes(
                                from / 2,
                                i ->
                                        saturate.applyAsLong(
                                                i < half
                                                        ? signed(a, from, i)
                                                        : signed(b, from, i - half))));
    }

    private void packs() {
        pack("packsswb", 16, toSigned(8));
        pack("packuswb", 16, toUnsigned(8));
        pack("packssdw", 32, toSigned(16));
        pack("packusdw", 32, toUnsigned(16));
    }

    private void interleave(String letters, int width) {
        int half = 32 / width;
        operations.put(
                "punpckl" + letters,
                (a, b) -> lanes(width, i -> unsigned(i % 2 == 0 ? a : b, width, i / 2)));
        operations.put(
                "punpckh" + letters,
                (a, b) -> lanes(width, i -> unsigned(i % 2 == 0 ? a : b, width, half + i / 2)));
    }

    private void interleavings() {
        interleave("bw", 8);
        interleave("wd", 16);
        interleave("dq", 32);
    }

    /** Lanes of the result from pairs of lanes: those of a, then those of b. */
    private void pairs(String name, int width, LongBinaryOperator f) {
        int half = 32 / width;
        operations.put(
                name,
                (a, b) ->
                        lanes(
                                width,
                                i -> {
                                    long from = i < half ? a : b;
                                    int first = 2 * (i % half);
                                    return f.applyAsLong(
                                            signed(from, width, first),
                                            signed(from, width, first + 1));
                                }));
    }

    private void horizontals() {
        pairs("phaddw", 16, Long::sum);
        pairs("phaddd", 32, Long::sum);
        pairs("phaddsw", 16, (x, y) -> toSigned(16).applyAsLong(x + y));
        pairs("phsubw", 16, (x, y) -> x - y);
        pairs("phsubd", 32, (x, y) -> x - y);
        pairs("phsubsw", 16, (x, y) -> toSigned(16).applyAsLong(x - y));
        operations.put(
                "pshufb",
                (a, b) ->
                        lanes(
                                8,
                                i -> {
                                    int selector = (int) unsigned(b, 8, i);
                                    return selector >= 0x80 ? 0 : unsigned(a, 8, selector & 7);
                                }));
    }
}

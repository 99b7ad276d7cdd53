package org.xenolith.cpu.semantics.simd;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

import java.lang.reflect.Method;
import java.util.Arrays;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.Stream;

/**
 * Halves of a register, made with shifts, have the bytes that the SDM says of whole registers. Of
 * each instruction with an immediate: which byte of a:b the result's byte comes from.
 */
class PackedShuffleTest {
    private static final int VALUES = 8;

    /** Where zero comes from. */
    private static final int NOWHERE = -1;

    /** The number in a:b, 0 to 31, of the byte of the result; b has the lower numbers. */
    private interface Source {
        int of(int index, int imm);
    }

    private static final int OF_A = 16;

    private static final Map<String, Source> SOURCES = new TreeMap<>();

    static {
        SOURCES.put("pshufd", (i, imm) -> element(i, 4, imm >>> 2 * (i / 4) & 3));
        SOURCES.put("pshuflw", (i, imm) -> i < 8 ? element(i, 2, imm >>> 2 * (i / 2) & 3) : i);
        SOURCES.put(
                "pshufhw",
                (i, imm) -> i < 8 ? i : element(i, 2, 4 + (imm >>> 2 * (i / 2 - 4) & 3)));
        SOURCES.put(
                "shufps", (i, imm) -> (i < 8 ? OF_A : 0) + element(i, 4, imm >>> 2 * (i / 4) & 3));
        SOURCES.put("shufpd", (i, imm) -> (i < 8 ? OF_A : 0) + element(i, 8, imm >>> i / 8 & 1));
        SOURCES.put("pslldq", (i, imm) -> i < imm ? NOWHERE : OF_A + i - imm);
        SOURCES.put("psrldq", (i, imm) -> i + imm > 15 ? NOWHERE : OF_A + i + imm);
        SOURCES.put("palignr", (i, imm) -> i + imm > 31 ? NOWHERE : i + imm);
        SOURCES.put("pblendw", (i, imm) -> blended(i, imm >>> i / 2));
        SOURCES.put("blendps", (i, imm) -> blended(i, imm >>> i / 4));
        SOURCES.put("blendpd", (i, imm) -> blended(i, imm >>> i / 8));
        SOURCES.put("pinsrb", (i, imm) -> i == (imm & 15) ? 0 : OF_A + i);
        SOURCES.put("pinsrw", (i, imm) -> i / 2 == (imm & 7) ? i % 2 : OF_A + i);
        SOURCES.put("pinsrd", (i, imm) -> i / 4 == (imm & 3) ? i % 4 : OF_A + i);
        SOURCES.put("pinsrq", (i, imm) -> i / 8 == (imm & 1) ? i % 8 : OF_A + i);
        SOURCES.put("insertps", PackedShuffleTest::insertedSingle);
    }

    /** The byte of an element that stands where byte i stands in its own. */
    private static int element(int i, int size, int element) {
        return element * size + i % size;
    }

    private static int blended(int i, int bit) {
        return (bit & 1) != 0 ? i : OF_A + i;
    }

    private static int insertedSingle(int i, int imm) {
        int single = i / 4;
        if ((imm >>> single & 1) != 0) {
            return NOWHERE;
        }
        return single == (imm >>> 4 & 3) ? element(i, 4, imm >>> 6) : OF_A + i;
    }

    private final Random random = new Random(20250119);

    static Stream<String> everyShuffle() {
        return SOURCES.keySet().stream();
    }

    private static long byteOf(long[] pair, int index) {
        return pair[index / 8] >>> 8 * (index % 8) & 0xff;
    }

    private static Method method(String name) {
        return Arrays.stream(PackedShuffle.class.getMethods())
                .filter(method -> method.getName().equals(name))
                .findFirst()
                .orElseThrow();
    }

    private long[] values(int count) {
        return random.longs(count).toArray();
    }

    @ParameterizedTest
    @MethodSource("everyShuffle")
    void everyImmediateTakesItsBytes(String name) throws ReflectiveOperationException {
        for (int imm = 0; imm < 256; imm++) {
            for (int value = 0; value < VALUES; value++) {
                long[] ba = values(4);
                for (String half : new String[] {"Low", "High"}) {
                    long ours =
                            (long)
                                    method(name + half)
                                            .invoke(null, ba[2], ba[3], ba[0], ba[1], imm);
                    assertThat(ours)
                            .as("%s%s, imm %d, of %s", name, half, imm, Arrays.toString(ba))
                            .isEqualTo(
                                    taken(SOURCES.get(name), ba, imm, half.equals("Low") ? 0 : 8));
                }
            }
        }
    }

    private static long taken(Source source, long[] ba, int imm, int first) {
        return PackedByDefinition.lanes(
                8,
                i -> {
                    int from = source.of(first + i, imm);
                    return from == NOWHERE ? 0 : byteOf(ba, from);
                });
    }

    /** Selectors of all kinds: inside, with the bits between set, and with the top bit set. */
    @Test
    void bytesAreTakenAsTheirSelectorsSay() {
        for (int i = 0; i < 20_000; i++) {
            long[] a = values(2), b = values(2);
            for (int half = 0; half < 2; half++) {
                long selectors = b[half];
                long expected =
                        PackedByDefinition.lanes(
                                8,
                                lane -> {
                                    int selector = (int) (selectors >>> 8 * lane & 0xff);
                                    return selector >= 0x80 ? 0 : byteOf(a, selector & 15);
                                });
                long ours =
                        half == 0
                                ? PackedShuffle.pshufbLow(a[0], a[1], b[0], b[1], 0)
                                : PackedShuffle.pshufbHigh(a[0], a[1], b[0], b[1], 0);
                assertThat(ours).isEqualTo(expected);
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"8,16", "8,32", "8,64", "16,32", "16,64", "32,64"})
    void lanesAreExtended(int from, int to) {
        for (int i = 0; i < 2_000; i++) {
            long b = random.nextLong();
            for (int first : new int[] {0, 64 / to}) {
                assertThat(PackedShuffle.extend(b, from, to, first, true))
                        .as("%x", b)
                        .isEqualTo(
                                PackedByDefinition.lanes(
                                        to,
                                        lane -> PackedByDefinition.signed(b, from, first + lane)));
                assertThat(PackedShuffle.extend(b, from, to, first, false))
                        .as("%x", b)
                        .isEqualTo(
                                PackedByDefinition.lanes(
                                        to,
                                        lane ->
                                                PackedByDefinition.unsigned(
                                                        b, from, first + lane)));
            }
        }
    }

    @Test
    void elementsAreExtracted() {
        for (int imm = 0; imm < 256; imm++) {
            long[] b = values(2);
            assertThat(PackedShuffle.pextrb(b[0], b[1], imm)).isEqualTo(byteOf(b, imm & 15));
            assertThat(PackedShuffle.pextrw(b[0], b[1], imm)).isEqualTo(element(b, 16, imm & 7));
            assertThat(PackedShuffle.pextrd(b[0], b[1], imm)).isEqualTo(element(b, 32, imm & 3));
            assertThat(PackedShuffle.pextrq(b[0], b[1], imm)).isEqualTo(element(b, 64, imm & 1));
        }
    }

    private static long element(long[] b, int width, int index) {
        int inHalf = 64 / width;
        return PackedByDefinition.unsigned(b[index / inHalf], width, index % inHalf);
    }

    @Test
    void masksHaveTheSignOfEachLane() {
        for (int i = 0; i < 20_000; i++) {
            long[] b = values(2);
            assertThat(PackedShuffle.pmovmskb(b[0], b[1])).isEqualTo(signs(b, 8));
            assertThat(PackedShuffle.movmskps(b[0], b[1])).isEqualTo(signs(b, 32));
            assertThat(PackedShuffle.movmskpd(b[0], b[1])).isEqualTo(signs(b, 64));
        }
    }

    private static long signs(long[] b, int width) {
        long signs = 0;
        for (int i = 0; i < 128 / width; i++) {
            signs |= element(b, width, i) >>> width - 1 << i;
        }
        return signs;
    }

    @Test
    void signsOfTheMaskSelectLanes() {
        for (int i = 0; i < 20_000; i++) {
            long[] v = values(3);
            assertThat(PackedShuffle.pblendvb(v[0], v[1], v[2])).isEqualTo(selected(v, 8));
            assertThat(PackedShuffle.blendvps(v[0], v[1], v[2])).isEqualTo(selected(v, 32));
            assertThat(PackedShuffle.blendvpd(v[0], v[1], v[2])).isEqualTo(selected(v, 64));
        }
    }

    private static long selected(long[] abMask, int width) {
        return PackedByDefinition.lanes(
                width,
                i ->
                        PackedByDefinition.signed(
                                abMask[PackedByDefinition.signed(abMask[2], width, i) < 0 ? 1 : 0],
                                width,
                                i));
    }

    @Test
    void bitsOutsideTheMaskDoNotCountInATest() {
        long bit = 1L << 40;
        for (long[] v : new long[][] {{0, 0, 0, 0}, {bit, 0, bit, 0}, {0, bit, 0, bit}}) {
            boolean none = v[2] == 0 && v[3] == 0;
            assertThat(PackedShuffle.ptest(v[0], v[1], v[2], v[3])).isEqualTo(none ? 0x41 : 1);
            assertThat(PackedShuffle.ptest(~v[0], ~v[1], v[2], v[3])).isEqualTo(none ? 0x41 : 0x40);
        }
        assertThat(PackedShuffle.ptest(bit, 0, bit, bit)).isZero();
    }
}

package org.xenolith.core.image;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Random;

class Lz4Test {
    @Test
    void aMatchMayOverlapWhatItWrites() {
        // One literal 'a', a match of 6 at distance 1, then the closing literal 'b'.
        assertThat(decode("12 61 0100 10 62", 8)).isEqualTo("aaaaaaab");
    }

    @Test
    void longLengthsAreSumsOfBytes() {
        // 15 + 255 + 3 literals.
        byte[] block = new byte[3 + 273];
        block[0] = (byte) 0xf0;
        block[1] = (byte) 0xff;
        block[2] = 3;
        Arrays.fill(block, 3, block.length, (byte) 'z');

        byte[] target = new byte[300];
        assertThat(Lz4Block.decode(block, 0, block.length, target, 0, 300)).isEqualTo(273);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "12 61 0200 10 62", // reaches back before the block
                "12 61 0000 10 62", // distance zero
                "12 61 01", // cut within the distance
                "f0 ff", // cut within a length
                "90 61", // fewer literals than said
                "1f 61 0100 ff ff ff ff 00 10 62", // more than fits
                "12 61 0100", // no closing literals
                ""
            })
    void aDamagedBlockIsCorrupt(String hex) {
        assertThat(decode(hex, 8)).isEqualTo("corrupt");
    }

    private static String decode(String hex, int capacity) {
        byte[] block = HexFormat.of().parseHex(hex.replace(" ", ""));
        byte[] target = new byte[capacity];
        int size = Lz4Block.decode(block, 0, block.length, target, 0, capacity);
        return size == Lz4Block.CORRUPT
                ? "corrupt"
                : new String(target, 0, size, java.nio.charset.StandardCharsets.US_ASCII);
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4})
    void noiseNeverWritesOutsideItsTarget(long seed) {
        Random random = new Random(seed);
        byte[] target = new byte[256];
        for (int round = 0; round < 20_000; round++) {
            byte[] noise = new byte[1 + random.nextInt(60)];
            random.nextBytes(noise);
            Arrays.fill(target, (byte) 0);

            int size = Lz4Block.decode(noise, 0, noise.length, target, 64, 128);

            assertThat(size).isBetween(Lz4Block.CORRUPT, 64);
            for (int i = 0; i < target.length; i++) {
                if ((i < 64 || i >= 128) && target[i] != 0) {
                    throw new AssertionError("byte " + i + " written by seed " + seed);
                }
            }
        }
    }

    @Test
    void framesMayFollowEachOther() throws IOException {
        ByteArrayOutputStream two = new ByteArrayOutputStream();
        two.write(TestBzImage.pack("first ".getBytes(), Compression.LZ4_LEGACY));
        two.write(TestBzImage.pack("second".getBytes(), Compression.LZ4_LEGACY));

        byte[] unpacked =
                new Lz4Legacy.Stream(new ByteArrayInputStream(two.toByteArray())).readAllBytes();

        assertThat(unpacked).asString().isEqualTo("first second");
    }
}

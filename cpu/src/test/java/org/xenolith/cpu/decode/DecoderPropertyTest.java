package org.xenolith.cpu.decode;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import java.util.Arrays;
import java.util.SplittableRandom;

/** What holds for any bytes whatever. */
class DecoderPropertyTest {
    private static final int ROUNDS = 1_000_000;

    private static final byte[] PREFIXES = {
        0x66, 0x67, 0x64, 0x65, 0x2e, 0x36, (byte) 0xf0, (byte) 0xf2, (byte) 0xf3, 0x40, 0x48, 0x4f
    };

    private final SplittableRandom random = new SplittableRandom(0x5eed);
    private final Instruction whole = new Instruction();
    private final Instruction part = new Instruction();

    /** The array ends with the last available byte, so that reading on would throw. */
    @ParameterizedTest
    @EnumSource(CodeSize.class)
    void moreBytesAreAskedForExactlyWhileTheInstructionIsIncomplete(CodeSize size) {
        byte[] code = new byte[Decoder.MAX_LENGTH + 5];
        for (int round = 0; round < ROUNDS; round++) {
            fill(code);
            int length = Decoder.decode(size, code, 0, code.length, whole);
            int complete = length == Decoder.TOO_LONG ? Decoder.MAX_LENGTH : length;
            assertThat(complete).isBetween(1, Decoder.MAX_LENGTH);
            assertTruncated(size, code, complete);
            assertSame(size, code, complete, length);
        }
    }

    @ParameterizedTest
    @EnumSource(CodeSize.class)
    void bytesBehindTheInstructionDoNotMatter(CodeSize size) {
        byte[] code = new byte[Decoder.MAX_LENGTH + 5];
        for (int round = 0; round < ROUNDS; round++) {
            fill(code);
            int length = Decoder.decode(size, code, 0, code.length, whole);
            if (length > 0) {
                Arrays.fill(code, length, code.length, (byte) random.nextInt());
                assertThat(Decoder.decode(size, code, 0, code.length, part)).isEqualTo(length);
                assertThat(part.row).isSameAs(whole.row);
            }
        }
    }

    @ParameterizedTest
    @EnumSource(CodeSize.class)
    void everyInstructionHasATextAtEveryAddress(CodeSize size) {
        byte[] code = new byte[Decoder.MAX_LENGTH];
        for (int round = 0; round < ROUNDS / 4; round++) {
            fill(code);
            if (Decoder.decode(size, code, 0, code.length, whole) > 0) {
                assertThat(Disassembler.disassemble(whole, random.nextLong())).isNotBlank();
            }
        }
    }

    private void assertTruncated(CodeSize size, byte[] code, int complete) {
        int available = random.nextInt(complete);
        int offset = random.nextInt(3);
        byte[] cut = new byte[offset + available];
        System.arraycopy(code, 0, cut, offset, available);
        if (Decoder.decode(size, cut, offset, available, part) != Decoder.NEED_MORE) {
            throw new AssertionError(
                    available + " of " + complete + " bytes sufficed: " + Arrays.toString(code));
        }
    }

    private void assertSame(CodeSize size, byte[] code, int complete, int length) {
        byte[] exact = Arrays.copyOf(code, complete);
        int again = Decoder.decode(size, exact, 0, complete, part);
        boolean same =
                again == length
                        && (length < 0
                                || part.row == whole.row
                                        && part.displacement == whole.displacement
                                        && part.immediate == whole.immediate);
        if (!same) {
            throw new AssertionError(
                    again + " instead of " + length + ": " + Arrays.toString(code));
        }
    }

    /** Random bytes; every second time behind some prefixes, and often with the two-byte escape. */
    private void fill(byte[] code) {
        random.nextBytes(code);
        int position = 0;
        if (random.nextBoolean()) {
            for (int count = random.nextInt(5); count > 0; count--) {
                code[position++] = PREFIXES[random.nextInt(PREFIXES.length)];
            }
        }
        if (random.nextInt(3) == 0) {
            code[position] = 0x0f;
        }
    }
}

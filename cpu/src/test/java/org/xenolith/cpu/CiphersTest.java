package org.xenolith.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.xenolith.cpu.Assembler.at;
import static org.xenolith.cpu.Cpu.RBX;
import static org.xenolith.cpu.GuestCode.DATA;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.xenolith.cpu.Assembler.Memory;

import java.math.BigInteger;
import java.util.HexFormat;
import java.util.function.DoubleUnaryOperator;
import java.util.stream.IntStream;

/** AES, PCLMULQDQ and SHA as programs use them, with the answers that their standards print. */
@Timeout(20)
class CiphersTest {
    private static final int NONE = 0, P66 = 0x66;
    private static final int MOVDQA = 0x6f, STORE = 0x7f, PXOR = 0xef, PADDD = 0xfe, PSHUFD = 0x70;
    private static final int PSHIFT_BYTES = 0x73, LEFT = 7, PALIGNR = 0x3a0f;
    private static final int AESIMC = 0x38db, AESENC = 0x38dc, AESENCLAST = 0x38dd;
    private static final int AESDEC = 0x38de, AESDECLAST = 0x38df, AESKEYGENASSIST = 0x3adf;
    private static final int PCLMULQDQ = 0x3a44;
    private static final int SHA1NEXTE = 0x38c8, SHA1MSG1 = 0x38c9, SHA1MSG2 = 0x38ca;
    private static final int SHA256RNDS2 = 0x38cb, SHA256MSG1 = 0x38cc, SHA256MSG2 = 0x38cd;
    private static final int SHA1RNDS4 = 0x3acc;
    private static final int[] SHA1_START = {
        0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0
    };

    /** "abc" as the one block that it makes: FIPS 180-4, 5.1.1. */
    private static final int[] ABC = new int[16];

    static {
        ABC[0] = 0x61626380;
        ABC[15] = 24;
    }

    private final GuestCode guest = new GuestCode();
    private final Cpu cpu = guest.cpu;

    private static Memory slot(int number) {
        return at(RBX, 16 * number);
    }

    private void setSlot(int number, long low, long high) {
        cpu.mmu().write64(DATA + 16L * number, low);
        cpu.mmu().write64(DATA + 16L * number + 8, high);
    }

    private void setBytes(int register, String hex) {
        byte[] bytes = HexFormat.of().parseHex(hex);
        for (int half = 0; half < 2; half++) {
            long value = 0;
            for (int i = 7; i >= 0; i--) {
                value = value << 8 | bytes[8 * half + i] & 0xff;
            }
            cpu.xmm[2 * register + half] = value;
        }
    }

    private String bytesOf(int register) {
        return "%016x%016x"
                .formatted(
                        Long.reverseBytes(cpu.xmm[2 * register]),
                        Long.reverseBytes(cpu.xmm[2 * register + 1]));
    }

    // ---- AES: FIPS 197, appendix C

    /** The key schedule's next four words to XMM{@code to}, which holds the words before. */
    private static void nextKey(Assembler code, int to, int last, int constant, int word) {
        code.sse(P66, AESKEYGENASSIST, 5, last).bytes(constant);
        code.sse(P66, PSHUFD, 5, 5).bytes(word);
        code.sse(P66, MOVDQA, 6, to);
        for (int i = 0; i < 3; i++) {
            code.sse(P66, PSHIFT_BYTES, LEFT, 6).bytes(4).sse(P66, PXOR, to, 6);
        }
        code.sse(P66, PXOR, to, 5);
    }

    /** Keys of all rounds to the slots; the key is in XMM1, its second half in XMM2. */
    private static void schedule(Assembler code, int rounds) {
        int constant = 1;
        boolean twice = rounds == 14;
        code.sse(P66, STORE, 1, slot(0)).sse(P66, STORE, 2, slot(1));
        for (int i = twice ? 2 : 1; i <= rounds; i++) {
            if (twice && i % 2 == 1) {
                nextKey(code, 2, 1, 0, 0xaa);
            } else {
                nextKey(code, 1, twice ? 2 : 1, constant, 0xff);
                constant = constant << 1 ^ (constant >>> 7) * 0x11b;
            }
            code.sse(P66, STORE, twice && i % 2 == 1 ? 2 : 1, slot(i));
        }
    }

    @ParameterizedTest
    @CsvSource({
        "000102030405060708090a0b0c0d0e0f, 69c4e0d86a7b0430d8cdb78070b4c55a",
        "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f,"
                + " 8ea2b7ca516745bfeafc49904b496089"
    })
    void aesGivesWhatItsStandardPrints(String key, String cipher) {
        String plain = "00112233445566778899aabbccddeeff";
        int rounds = key.length() == 32 ? 10 : 14;
        setBytes(0, plain);
        setBytes(1, key.substring(0, 32));
        setBytes(2, key.substring(key.length() - 32));
        guest.run(
                code -> {
                    code.mov(RBX, DATA);
                    schedule(code, rounds);
                    code.sse(P66, PXOR, 0, slot(0));
                    for (int i = 1; i < rounds; i++) {
                        code.sse(P66, AESENC, 0, slot(i));
                    }
                    code.sse(P66, AESENCLAST, 0, slot(rounds)).syscall();
                });
        assertThat(bytesOf(0)).isEqualTo(cipher);
        guest.run(
                code -> {
                    code.mov(RBX, DATA).sse(P66, PXOR, 0, slot(rounds));
                    for (int i = rounds - 1; i > 0; i--) {
                        code.sse(P66, AESIMC, 4, slot(i)).sse(P66, AESDEC, 0, 4);
                    }
                    code.sse(P66, AESDECLAST, 0, slot(0)).syscall();
                });
        assertThat(bytesOf(0)).isEqualTo(plain);
    }

    // ---- PCLMULQDQ

    /** Operands of the examples in Intel's paper on carry-less multiplication and GCM. */
    @ParameterizedTest
    @CsvSource({
        "0x00, 1d4d84c85c3440c0929633d5d36f0451",
        "0x01, 1a2bf6db3a30862fbabf262df4b7d5c9",
        "0x10, 1bd17c8d556ab5a17fa540ac2a281315",
        "0x11, 1d1e1f2c592e7c45d66ee03e410fd4ed",
        "0xee, 1d4d84c85c3440c0929633d5d36f0451"
    })
    void theImmediateSelectsTheFactorsOfACarrylessProduct(String immediate, String product) {
        cpu.xmm[0] = 0x63746f725d53475dL;
        cpu.xmm[1] = 0x7b5b546573745665L;
        cpu.xmm[2] = 0x5b477565726f6e5dL;
        cpu.xmm[3] = 0x4869285368617929L;
        int selected = Integer.decode(immediate);
        guest.run(code -> code.sse(P66, PCLMULQDQ, 0, 1).bytes(selected).syscall());
        assertThat("%016x%016x".formatted(cpu.xmm[1], cpu.xmm[0])).isEqualTo(product);
    }

    // ---- SHA: FIPS 180-4

    private static long pair(int upper, int lower) {
        return (long) upper << 32 | lower & 0xffff_ffffL;
    }

    /** Four words, the first one in the upper end. */
    private void setWordsDown(int register, int[] words, int first) {
        cpu.xmm[2 * register + 1] = pair(words[first], words[first + 1]);
        cpu.xmm[2 * register] = pair(words[first + 2], words[first + 3]);
    }

    /** A and B in XMM0, E in XMM1, words of the message in XMM4 to XMM7. */
    @Test
    void sha1OfAbcIsWhatItsStandardPrints() {
        setWordsDown(0, SHA1_START, 0);
        cpu.xmm[2] = 0;
        cpu.xmm[3] = pair(SHA1_START[4], 0);
        setSlot(0, cpu.xmm[0], cpu.xmm[1]);
        setSlot(1, cpu.xmm[2], cpu.xmm[3]);
        for (int i = 0; i < 4; i++) {
            setWordsDown(4 + i, ABC, 4 * i);
        }
        guest.run(
                code -> {
                    code.mov(RBX, DATA).sse(P66, PADDD, 1, 4);
                    for (int group = 0; group < 20; group++) {
                        code.sse(P66, MOVDQA, 2, 0).sse(NONE, SHA1RNDS4, 0, 1).bytes(group / 5);
                        code.sse(P66, MOVDQA, 1, 2);
                        int next = 4 + (group + 1 & 3);
                        if (group >= 3) {
                            code.sse(NONE, SHA1MSG1, next, 4 + (group + 2 & 3));
                            code.sse(P66, PXOR, next, 4 + (group + 3 & 3));
                            code.sse(NONE, SHA1MSG2, next, 4 + (group & 3));
                        }
                        if (group < 19) {
                            code.sse(NONE, SHA1NEXTE, 1, next);
                        }
                    }
                    code.sse(NONE, SHA1NEXTE, 1, slot(1)).sse(P66, PADDD, 0, slot(0)).syscall();
                });
        assertThat("%016x%016x%08x".formatted(cpu.xmm[1], cpu.xmm[0], cpu.xmm[3] >>> 32))
                .isEqualTo("a9993e364706816aba3e25717850c26c9cd0d89d");
    }

    /** Fractions of roots of the first primes, 32 bits each. */
    private static int[] fractions(int count, DoubleUnaryOperator root) {
        return IntStream.range(2, 1000)
                .filter(i -> BigInteger.valueOf(i).isProbablePrime(50))
                .limit(count)
                .mapToDouble(root::applyAsDouble)
                .mapToInt(x -> (int) (long) ((x - Math.floor(x)) * 0x1p32))
                .toArray();
    }

    /** A, B, E, F in XMM1, C, D, G, H in XMM2, words of the message in XMM4 to XMM7. */
    @Test
    void sha256OfAbcIsWhatItsStandardPrints() {
        int[] start = fractions(8, Math::sqrt), constants = fractions(64, Math::cbrt);
        cpu.xmm[3] = pair(start[0], start[1]);
        cpu.xmm[2] = pair(start[4], start[5]);
        cpu.xmm[5] = pair(start[2], start[3]);
        cpu.xmm[4] = pair(start[6], start[7]);
        for (int i = 0; i < 16; i++) {
            int[] k = constants;
            setSlot(i, pair(k[4 * i + 1], k[4 * i]), pair(k[4 * i + 3], k[4 * i + 2]));
        }
        setSlot(16, cpu.xmm[2], cpu.xmm[3]);
        setSlot(17, cpu.xmm[4], cpu.xmm[5]);
        for (int i = 0; i < 4; i++) {
            cpu.xmm[2 * (4 + i)] = pair(ABC[4 * i + 1], ABC[4 * i]);
            cpu.xmm[2 * (4 + i) + 1] = pair(ABC[4 * i + 3], ABC[4 * i + 2]);
        }
        guest.run(
                code -> {
                    code.mov(RBX, DATA);
                    for (int group = 0; group < 16; group++) {
                        int words = 4 + (group & 3), last = 4 + (group + 3 & 3);
                        if (group >= 4) {
                            code.sse(NONE, SHA256MSG1, words, 4 + (group + 1 & 3));
                            code.sse(P66, MOVDQA, 3, last);
                            code.sse(P66, PALIGNR, 3, 4 + (group + 2 & 3)).bytes(4);
                            code.sse(P66, PADDD, words, 3).sse(NONE, SHA256MSG2, words, last);
                        }
                        code.sse(P66, MOVDQA, 0, words).sse(P66, PADDD, 0, slot(group));
                        code.sse(NONE, SHA256RNDS2, 2, 1).sse(P66, PSHUFD, 0, 0).bytes(0x0e);
                        code.sse(NONE, SHA256RNDS2, 1, 2);
                    }
                    code.sse(P66, PADDD, 1, slot(16)).sse(P66, PADDD, 2, slot(17)).syscall();
                });
        assertThat("%016x%016x%016x%016x".formatted(cpu.xmm[3], cpu.xmm[5], cpu.xmm[2], cpu.xmm[4]))
                .isEqualTo("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }

    /** AMD's processors do without for SHA; guests see one of Intel's. */
    @ParameterizedTest
    @ValueSource(ints = {SHA1NEXTE, SHA1MSG1, SHA1MSG2, SHA256RNDS2, SHA256MSG1, SHA256MSG2})
    void operandsOfShaMustBeAligned(int opcode) {
        GuestFault fault =
                guest.fault(code -> code.mov(RBX, DATA).sse(NONE, opcode, 1, at(RBX, 8)));
        assertThat(fault.vector()).isEqualTo(Vector.GENERAL_PROTECTION);
    }
}

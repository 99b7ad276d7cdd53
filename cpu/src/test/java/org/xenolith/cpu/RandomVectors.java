package org.xenolith.cpu;

import org.xenolith.cpu.Assembler.Memory;

import java.util.function.Consumer;
import java.util.random.RandomGenerator;

/** Instructions on vector registers, for {@link RandomInstructions}. */
final class RandomVectors {
    /** Opcodes behind 66 0F with lanes of integers, and behind 0F or 66 0F with bits. */
    private static final int[] LANES = {
        0xfc, 0xfd, 0xfe, 0xd4, 0xf8, 0xf9, 0xfa, 0xfb, 0x74, 0x75, 0x76, 0x64, 0x65, 0x66, 0xda,
        0xde, 0xea, 0xee, 0xf4, 0xd5, 0xdb, 0xdf, 0xeb, 0xef, 0x60, 0x61, 0x62, 0x6c, 0x68, 0x69,
        0x6a, 0x6d, 0x54, 0x55, 0x56, 0x57, 0x14, 0x15, 0x63, 0x67, 0x6b, 0xd1, 0xd2, 0xd3, 0xd8,
        0xd9, 0xdc, 0xdd, 0xe0, 0xe1, 0xe2, 0xe3, 0xe4, 0xe5, 0xe8, 0xe9, 0xec, 0xed, 0xf1, 0xf2,
        0xf3, 0xf5, 0xf6
    };

    /** Conversions of packed numbers: each with the prefixes that make one. */
    private static final int[][] CONVERSIONS = {
        {0, 0x5a},
        {0x66, 0x5a},
        {0, 0x5b},
        {0x66, 0x5b},
        {0xf3, 0x5b},
        {0x66, 0xe6},
        {0xf2, 0xe6},
        {0xf3, 0xe6}
    };

    /** ADD, MUL, SUB, MIN, DIV, MAX, SQRT behind 0F, of four kinds by prefix. */
    private static final int[] FLOATING = {0x58, 0x59, 0x5c, 0x5d, 0x5e, 0x5f, 0x51};

    /** MOVLPS, MOVHPS, from and to memory, and their kin of doubles. */
    private static final int[] HALVES = {0x12, 0x13, 0x16, 0x17};

    /** AESIMC, AESENC, AESENCLAST, AESDEC, AESDECLAST behind 66 0F 38. */
    private static final int[] AES = {0x38db, 0x38dc, 0x38dd, 0x38de, 0x38df};

    /** SHA1NEXTE, SHA1MSG1, SHA1MSG2, SHA256RNDS2, SHA256MSG1, SHA256MSG2 behind 0F 38. */
    private static final int[] SHA = {0x38c8, 0x38c9, 0x38ca, 0x38cb, 0x38cc, 0x38cd};

    private static final int[] PREFIXES = {0, 0x66, 0xf2, 0xf3};

    private final RandomGenerator random;
    private final RandomInstructions choices;

    RandomVectors(RandomGenerator random, RandomInstructions choices) {
        this.random = random;
        this.choices = choices;
    }

    Consumer<Assembler> next() {
        int to = random.nextInt(16);
        int from = random.nextInt(16);
        int register = choices.register();
        Memory any = choices.memory();
        Memory aligned = choices.aligned();
        int lanes = LANES[random.nextInt(LANES.length)];
        int floating = FLOATING[random.nextInt(FLOATING.length)];
        int prefix = PREFIXES[random.nextInt(PREFIXES.length)];
        int scalar = random.nextInt(4) == 0 ? 0xf3 : 0xf2;
        int odd = random.nextInt(2);
        return switch (random.nextInt(17)) {
            case 16 -> cipher(to, from, aligned);
            case 14 -> bits(to, from);
            case 15 -> packed(to, from);
            case 0, 1, 2 -> code -> code.sse(0x66, lanes, to, from);
            case 3 -> code -> code.sse(0x66, lanes, to, aligned);
            case 4 -> code -> code.sse(scalar, floating, to, from);
            case 5 -> code -> code.sse(scalar, floating, to, any);
            case 6 -> code -> code.sse(packed(prefix), floating, to, from);
            case 7 -> code -> code.sse(packed(prefix), 0x2e | odd, to, from); // UCOMISD, COMISD
            case 8 -> code -> code.sse(scalar, 0x2a, to, register); // CVTSI2SD
            case 9 -> code -> code.sse(scalar, 0x2c | odd, register, from); // CVTTSD2SI, CVTSD2SI
            case 10 -> moveVector(to, from, any, aligned, prefix);
            case 11 -> moveVector(to, from, any, aligned, prefix);
            case 12 -> shuffle(to, from);
            default -> code -> code.sse(0x66, (from & 1) == 0 ? 0x6e : 0x7e, to, register); // MOVD
        };
    }

    /** PMOVMSKB, PEXTRW, PINSRW, MOVMSKPS, MOVMSKPD, and a store past the caches. */
    private Consumer<Assembler> bits(int to, int from) {
        int register = choices.register();
        int immediate = random.nextInt(256);
        Memory aligned = choices.aligned();
        return switch (random.nextInt(6)) {
            case 0 -> code -> code.sse(0x66, 0xd7, register, from);
            case 1 -> code -> code.sse(0x66, 0xc5, register, from).bytes(immediate);
            case 2 -> code -> code.sse(0x66, 0xc4, to, register).bytes(immediate);
            case 3 -> code -> code.sse(0, 0x50, register, from);
            case 4 -> code -> code.sse(0x66, 0x50, register, from);
            default -> code -> code.sse(0x66, 0xe7, to, aligned); // MOVNTDQ
        };
    }

    private Consumer<Assembler> packed(int to, int from) {
        int[] conversion = CONVERSIONS[random.nextInt(CONVERSIONS.length)];
        int prefix = PREFIXES[random.nextInt(PREFIXES.length)];
        int predicate = random.nextInt(8);
        return random.nextBoolean()
                ? code -> code.sse(conversion[0], conversion[1], to, from)
                : code -> code.sse(prefix, 0xc2, to, from).bytes(predicate); // CMPPS and its kin
    }

    /** AES, PCLMULQDQ and SHA. */
    private Consumer<Assembler> cipher(int to, int from, Memory aligned) {
        int aes = AES[random.nextInt(AES.length)];
        int sha = SHA[random.nextInt(SHA.length)];
        int immediate = random.nextInt(256);
        return switch (random.nextInt(8)) {
            case 0 -> code -> code.sse(0x66, aes, to, aligned);
            case 1, 2 -> code -> code.sse(0x66, aes, to, from);
            case 3 -> code -> code.sse(0, sha, to, aligned);
            case 4 -> code -> code.sse(0, sha, to, from);
            case 5 -> code -> code.sse(0x66, 0x3a44, to, from).bytes(immediate); // PCLMULQDQ
            case 6 -> code -> code.sse(0x66, 0x3adf, to, from).bytes(immediate); // AESKEYGENASSIST
            default -> code -> code.sse(0, 0x3acc, to, from).bytes(immediate); // SHA1RNDS4
        };
    }

    /** The packed form: of singles without a prefix, of doubles with 66. */
    private static int packed(int prefix) {
        return prefix == 0xf2 || prefix == 0xf3 ? 0x66 : prefix;
    }

    private Consumer<Assembler> moveVector(
            int to, int from, Memory any, Memory aligned, int prefix) {
        int half = HALVES[random.nextInt(HALVES.length)];
        return switch (random.nextInt(10)) {
            case 0 -> code -> code.sse(prefix, 0x10, to, any);
            case 1 -> code -> code.sse(prefix, 0x11, to, any);
            case 8 -> code -> code.sse(packed(prefix), half, to, any);
            case 9 -> code -> code.sse(0xf2 | from & 1, 0x5a, to, from); // CVTSD2SS, CVTSS2SD
            case 2 -> code -> code.sse(prefix, 0x10, to, from);
            case 3 -> code -> code.sse(0x66, 0x6f, to, aligned);
            case 4 -> code -> code.sse(0x66, 0x7f, to, aligned);
            case 5 -> code -> code.sse(0xf3, 0x6f, to, any);
            case 6 -> code -> code.sse(0xf3, 0x7e, to, any);
            default -> code -> code.sse(0x66, 0xd6, to, any);
        };
    }

    /** PSHUFD and kin, SHUFPS and SHUFPD, shifts by a constant. */
    private Consumer<Assembler> shuffle(int to, int from) {
        int immediate = random.nextInt(256);
        int count = random.nextInt(70);
        int prefix = PREFIXES[1 + random.nextInt(3)];
        int width = 0x71 + random.nextInt(3);
        int kind = new int[] {2, 6, width == 0x73 ? 3 : 4}[random.nextInt(3)];
        return switch (random.nextInt(3)) {
            case 0 -> code -> code.sse(prefix, 0x70, to, from).bytes(immediate);
            case 1 -> code -> code.sse(packed(prefix), 0xc6, to, from).bytes(immediate);
            default -> code -> code.sse(0x66, width, kind, to).bytes(count);
        };
    }
}

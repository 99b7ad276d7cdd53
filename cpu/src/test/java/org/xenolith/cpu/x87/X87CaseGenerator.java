package org.xenolith.cpu.x87;

import java.util.random.RandomGenerator;

/**
 * Draws states that reach every exception: edge values, neighbouring exponents, empty registers.
 */
final class X87CaseGenerator {
    private static final long[] EDGE_SIGNIFICANDS = {
        0L,
        1L,
        0x7fffffffffffffffL,
        0x8000000000000000L,
        0x8000000000000001L,
        0xbfffffffffffffffL,
        0xc000000000000000L,
        0xfffffffffffffffeL,
        0xffffffffffffffffL,
        0xfffffffffffffbffL,
        0xfffffffffffffc00L,
        0xffffff7fffffffffL,
        0xffffff8000000000L,
        0x4000000000000000L,
        0x8000008000000000L,
        0x8000000000000400L,
        0x8000000000000c00L,
    };
    private static final int[] EDGE_EXPONENTS = {
        0, 1, 2, 63, 64, 0x3c00, 0x3c01, 0x3bcd, 0x3bcc, 0x3bcb, 0x3f81, 0x3f80, 0x3f6a, 0x3f69,
        0x3f68, 0x3ffd, 0x3ffe, 0x3fff, 0x4000, 0x4001, 0x400d, 0x400e, 0x400f, 0x401d, 0x401e,
        0x401f, 0x403a, 0x403d, 0x403e, 0x403f, 0x407e, 0x407f, 0x43fe, 0x43ff, 0x7ffd, 0x7ffe,
        0x7fff
    };
    private static final int ARITHMETIC_FLAGS = 0x8d5;

    private final RandomGenerator random;
    private final int emptyPercent;
    private final int unmaskedPercent;

    X87CaseGenerator(RandomGenerator random, int emptyPercent, int unmaskedPercent) {
        this.random = random;
        this.emptyPercent = emptyPercent;
        this.unmaskedPercent = unmaskedPercent;
    }

    X87Case draw(X87Case.Instruction instruction) {
        byte[] image = new byte[X87State.IMAGE_BYTES];
        int masks = percent(unmaskedPercent) ? random.nextInt(0x40) : ControlWord.MASKS;
        int control = 0x40 | masks | random.nextInt(16) << 8;
        int flags = percent(5) ? random.nextInt(0x80) : 0;
        int conditions = random.nextInt(0x10000) & 0x7f00;
        X87Images.putInt(image, 0, 0xffff0000 | control);
        X87Images.putInt(image, 4, 0xffff0000 | conditions | flags);
        X87Images.putInt(image, 8, 0xffff0000 | tags());
        int base = random.nextInt(0x8000);
        for (int i = 0; i < 8; i++) {
            X87Images.putLong(image, 28 + i * 10, significand());
            X87Images.putShort(image, 36 + i * 10, signAndExponent(base));
        }
        byte[] memory = new byte[X87State.MEMORY_BYTES];
        drawOperand(memory, instruction);
        long rflags = 0x202 | random.nextInt(0x1000) & ARITHMETIC_FLAGS;
        return new X87Case(instruction, image, rflags, memory);
    }

    private int tags() {
        int tags = 0;
        for (int r = 0; r < 8; r++) {
            boolean free = percent(40) && percent(emptyPercent) || percent(emptyPercent / 8);
            tags |= (free ? 3 : 0) << 2 * r;
        }
        return tags;
    }

    private void drawOperand(byte[] memory, X87Case.Instruction instruction) {
        int bytes = instruction.memoryBytes();
        if (bytes == X87State.IMAGE_BYTES || bytes == 94 || bytes == 28 || bytes == 14) {
            drawImage(memory, bytes);
        } else if (bytes == 10) {
            drawTenBytes(memory, instruction);
        } else if (percent(50)) {
            X87Images.putLong(memory, 0, edgeOperand(bytes));
        } else {
            X87Images.putLong(memory, 0, random.nextLong());
        }
    }

    private void drawTenBytes(byte[] memory, X87Case.Instruction instruction) {
        if (instruction.esc() == 7) {
            long digits = 0;
            for (int i = 0; i < 16; i++) {
                digits = digits << 4 | random.nextInt(10);
            }
            X87Images.putLong(memory, 0, digits >>> 4 * random.nextInt(16));
            X87Images.putShort(memory, 8, random.nextInt(10) << 4 | random.nextInt(10));
            memory[9] = (byte) (percent(50) ? 0x80 : 0);
        } else {
            X87Images.putLong(memory, 0, significand());
            X87Images.putShort(memory, 8, signAndExponent(random.nextInt(0x8000)));
        }
    }

    /**
     * Any bytes make an image, one with an exception pending too: FNSAVE, which follows, does not
     * wait.
     */
    private void drawImage(byte[] memory, int bytes) {
        random.nextBytes(memory);
        for (int i = bytes; i < memory.length; i++) {
            memory[i] = 0;
        }
    }

    private long edgeOperand(int bytes) {
        long sign = random.nextLong() & Long.MIN_VALUE;
        long fraction = random.nextBoolean() ? significand() : 0;
        if (bytes == 4) {
            int[] exponents = {0, 1, 0x7e, 0x7f, 0x80, 0xfe, 0xff};
            int exponent = exponents[random.nextInt(exponents.length)];
            return (sign >>> 32 | (long) exponent << 23 | fraction >>> 41) & 0xffff_ffffL;
        }
        int[] exponents = {0, 1, 0x3fe, 0x3ff, 0x400, 0x7fe, 0x7ff};
        return sign
                | (long) exponents[random.nextInt(exponents.length)] << 52
                | fraction << 1 >>> 12;
    }

    private long significand() {
        return switch (random.nextInt(6)) {
            case 0, 1 -> EDGE_SIGNIFICANDS[random.nextInt(EDGE_SIGNIFICANDS.length)];
            case 2 -> random.nextLong() | Long.MIN_VALUE;
            case 3 -> random.nextLong() & -1L << random.nextInt(64) | Long.MIN_VALUE;
            case 4 -> random.nextLong() >>> random.nextInt(64);
            default -> random.nextLong() >>> 52 << random.nextInt(64) | Long.MIN_VALUE;
        };
    }

    private int signAndExponent(int base) {
        int exponent =
                switch (random.nextInt(8)) {
                    case 0 -> random.nextInt(0x8000);
                    case 1, 2 -> EDGE_EXPONENTS[random.nextInt(EDGE_EXPONENTS.length)];
                    case 3 -> 0x3fff + random.nextInt(-70, 70);
                    case 4 -> base + random.nextInt(-400, 400);
                    default -> base + random.nextInt(-70, 70);
                };
        return Math.clamp(exponent, 0, 0x7fff) | (random.nextBoolean() ? 0x8000 : 0);
    }

    private boolean percent(int percent) {
        return random.nextInt(100) < percent;
    }
}

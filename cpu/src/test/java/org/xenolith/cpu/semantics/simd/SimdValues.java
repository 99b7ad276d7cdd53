package org.xenolith.cpu.semantics.simd;

import java.util.random.RandomGenerator;

/**
 * Operand values that matter: edges of every lane width and of both floating point formats, and
 * noise.
 */
public final class SimdValues {
    private static final long[] EDGES = {
        0,
        1,
        2,
        0x7f,
        0x80,
        0x81,
        0xff,
        0x7fff,
        0x8000,
        0x8001,
        0xffff,
        0x7fffffffL,
        0x80000000L,
        0xffffffffL,
        Long.MAX_VALUE,
        Long.MIN_VALUE,
        -1
    };

    private static final int[] FLOATS = {
        0x00000000, 0x00000001, 0x00000002, 0x00400000, 0x007fffff, 0x00800000, 0x00800001,
        0x00ffffff, 0x01000000, 0x33000000, 0x3effffff, 0x3f000000, 0x3f7fffff, 0x3f800000,
        0x3f800001, 0x3fc00000, 0x40000000, 0x40200000, 0x4b000000, 0x4b7fffff, 0x4b800000,
        0x4effffff, 0x4f000000, 0x4f800000, 0x5effffff, 0x5f000000, 0x7e800000, 0x7f000000,
        0x7f7fffff, 0x7f800000, 0x7f800001, 0x7fbfffff, 0x7fc00000, 0x7fc12345
    };

    private static final long[] DOUBLES = {
        0L,
        1L,
        2L,
        0x0008000000000000L,
        0x000fffffffffffffL,
        0x0010000000000000L,
        0x0010000000000001L,
        0x001fffffffffffffL,
        0x0020000000000000L,
        0x3690000000000000L,
        0x3810000000000000L,
        0x380fffffffffffffL,
        0x380ffffff0000000L,
        0x3fdfffffffffffffL,
        0x3fe0000000000000L,
        0x3fefffffffffffffL,
        0x3ff0000000000000L,
        0x3ff0000000000001L,
        0x3ff8000000000000L,
        0x4000000000000000L,
        0x4004000000000000L,
        0x41dfffffffc00000L,
        0x41dfffffffe00000L,
        0x41e0000000000000L,
        0x41e0000000100000L,
        0x4330000000000000L,
        0x433fffffffffffffL,
        0x43dfffffffffffffL,
        0x43e0000000000000L,
        0x47efffffe0000000L,
        0x47effffff0000000L,
        0x47f0000000000000L,
        0x7fd0000000000000L,
        0x7fe0000000000000L,
        0x7fefffffffffffffL,
        0x7ff0000000000000L,
        0x7ff0000000000001L,
        0x7ff7ffffffffffffL,
        0x7ff8000000000000L,
        0x7ff8123456789abcL
    };

    private final RandomGenerator random;

    public SimdValues(RandomGenerator random) {
        this.random = random;
    }

    long integers() {
        return switch (random.nextInt(6)) {
            case 0 -> random.nextLong();
            case 1 -> EDGES[random.nextInt(EDGES.length)];
            default -> {
                int width = 8 << random.nextInt(3);
                long value = 0;
                for (int i = 0; i < 64; i += width) {
                    long lane =
                            random.nextBoolean()
                                    ? random.nextLong()
                                    : EDGES[random.nextInt(EDGES.length)];
                    value |= (lane & (1L << width) - 1) << i;
                }
                yield value;
            }
        };
    }

    /** A shift count: mostly around the lane widths. */
    long count() {
        return random.nextInt(8) == 0 ? integers() : random.nextInt(70);
    }

    private int oneFloat() {
        int sign = random.nextInt() & 1 << 31;
        return switch (random.nextInt(4)) {
            case 0 -> FLOATS[random.nextInt(FLOATS.length)] | sign;
            case 1 -> random.nextInt();
            case 2 -> Float.floatToRawIntBits(random.nextInt(-64, 64) / 4f);
            default -> sign | (0x78 + random.nextInt(0x10)) << 23 | random.nextInt() >>> 9;
        };
    }

    public long floats() {
        return oneFloat() & 0xffffffffL | (long) oneFloat() << 32;
    }

    public long doubles() {
        long sign = random.nextLong() & Long.MIN_VALUE;
        return switch (random.nextInt(5)) {
            case 0 -> DOUBLES[random.nextInt(DOUBLES.length)] | sign;
            case 1 -> random.nextLong();
            case 2 -> Double.doubleToRawLongBits(random.nextInt(-64, 64) / 4.0);
            case 3 -> Double.doubleToRawLongBits(Float.intBitsToFloat(oneFloat()));
            default -> sign | (0x3f8L + random.nextInt(0x10)) << 52 | random.nextLong() >>> 12;
        };
    }

    /**
     * Often the default; also every rounding mode, FZ, DAZ, flags already set and unmasked
     * exceptions.
     */
    public int mxcsr() {
        int value =
                switch (random.nextInt(4)) {
                    case 0 -> Mxcsr.DEFAULT;
                    case 1 -> Mxcsr.DEFAULT | Mxcsr.PE;
                    case 2 -> Mxcsr.DEFAULT | random.nextInt() & (Mxcsr.RC | 0x3f);
                    default ->
                            Mxcsr.DEFAULT
                                    | random.nextInt() & (Mxcsr.RC | Mxcsr.FZ | Mxcsr.DAZ | 0x3f);
                };
        return random.nextInt(6) == 0 ? value & ~(random.nextInt() & 0x1f80) : value;
    }
}

package org.xenolith.cpu.interp;

/**
 * Reading and writing parts of general registers: 32-bit writes zero-extend, narrower ones merge.
 */
final class Registers {
    static final long LOW_32 = 0xffff_ffffL;

    private Registers() {}

    /**
     * Bits of an address that count.
     *
     * @param size 8, 4 or 2 bytes
     */
    static long addressMask(int size) {
        return size == 8 ? -1 : (1L << size * 8) - 1;
    }

    /** Sign-extended value of the low {@code width} bits after {@code shift}. */
    static long get(long[] r, int number, int shift, int width) {
        return switch (width) {
            case 64 -> r[number];
            case 32 -> (int) r[number];
            case 16 -> (short) r[number];
            default -> (byte) (r[number] >> shift);
        };
    }

    static void set(long[] r, int number, int shift, int width, long value) {
        switch (width) {
            case 64 -> r[number] = value;
            case 32 -> r[number] = value & LOW_32;
            case 16 -> set16(r, number, value);
            default -> set8(r, number, shift, value);
        }
    }

    static void set16(long[] r, int number, long value) {
        r[number] = r[number] & ~0xffffL | value & 0xffffL;
    }

    static void set8(long[] r, int number, int shift, long value) {
        r[number] = r[number] & ~(0xffL << shift) | (value & 0xffL) << shift;
    }

    static long narrow(long value, int width) {
        return switch (width) {
            case 64 -> value;
            case 32 -> (int) value;
            case 16 -> (short) value;
            default -> (byte) value;
        };
    }

    static long zeroExtend(long value, int width) {
        return width == 64 ? value : value & (1L << width) - 1;
    }
}

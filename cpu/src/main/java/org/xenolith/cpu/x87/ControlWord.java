package org.xenolith.cpu.x87;

/** Fields of the x87 control word. SDM vol. 1, 8.1.5. */
final class ControlWord {
    /** After FNINIT: all exceptions masked, 64-bit precision, round to nearest. */
    static final int INITIAL = 0x37f;

    static final int MASKS = 0x3f;

    static final int ROUND_NEAREST = 0;
    static final int ROUND_DOWN = 1;
    static final int ROUND_UP = 2;
    static final int ROUND_TO_ZERO = 3;

    /** Bits a program can set; bit 6 reads as one. */
    private static final int WRITABLE = 0x1f3f;

    private static final int FIXED_ONES = 0x40;
    private static final int PRECISION_SHIFT = 8;
    private static final int ROUNDING_SHIFT = 10;
    private static final int TWO_BITS = 3;

    private ControlWord() {}

    static int rounding(int control) {
        return control >>> ROUNDING_SHIFT & TWO_BITS;
    }

    /** Significand bits kept by add, subtract, multiply, divide and square root. */
    static int precisionBits(int control) {
        return switch (control >>> PRECISION_SHIFT & TWO_BITS) {
            case 0 -> 24;
            case 2 -> 53;
            default -> 64; // 1 is reserved and behaves like 3
        };
    }

    static int sanitise(int value) {
        return value & WRITABLE | FIXED_ONES;
    }
}

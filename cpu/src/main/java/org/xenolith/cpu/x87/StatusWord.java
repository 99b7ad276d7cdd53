package org.xenolith.cpu.x87;

/** Fields of the x87 status word. SDM vol. 1, 8.1.3. */
final class StatusWord {
    static final int INVALID = 1;
    static final int DENORMAL = 1 << 1;
    static final int ZERO_DIVIDE = 1 << 2;
    static final int OVERFLOW = 1 << 3;
    static final int UNDERFLOW = 1 << 4;
    static final int PRECISION = 1 << 5;
    static final int STACK_FAULT = 1 << 6;
    static final int ERROR_SUMMARY = 1 << 7;
    static final int C0 = 1 << 8;
    static final int C1 = 1 << 9;
    static final int C2 = 1 << 10;
    static final int C3 = 1 << 14;
    static final int BUSY = 1 << 15;

    static final int EXCEPTIONS = 0x3f;

    /** Exceptions found before the operation: unmasked, they leave the destination alone. */
    static final int BEFORE_OPERATION = INVALID | DENORMAL | ZERO_DIVIDE;

    static final int CONDITIONS = C0 | C1 | C2 | C3;
    static final int TOP_SHIFT = 11;
    static final int TOP = 7 << TOP_SHIFT;

    private StatusWord() {}
}

package org.xenolith.cpu.x87;

/** The instructions that move, exchange or classify registers without arithmetic. */
final class X87Moves {
    private static final int CONSTANTS = 7;

    /** FLD1, FLDL2T, FLDL2E, FLDPI, FLDLG2, FLDLN2, FLDZ: sign and exponent. */
    private static final int[] CONSTANT_SE = {0x3fff, 0x4000, 0x3fff, 0x4000, 0x3ffd, 0x3ffe, 0};

    /** Their significands truncated to 64 bits. */
    private static final long[] CONSTANT_SIG = {
        0x8000000000000000L,
        0xd49a784bcd1b8afeL,
        0xb8aa3b295c17f0bbL,
        0xc90fdaa22168c234L,
        0x9a209a84fbcff798L,
        0xb17217f7d1cf79abL,
        0
    };

    /** The bits that follow, enough to tell which way to round. */
    private static final long[] CONSTANT_TAIL = {
        0,
        0x492bf6ff4dafdb4cL,
        0xbe87fed0691d3e88L,
        0xc4c6628b80dc1cd1L,
        0x8f8959ac0b7c9178L,
        0xc9e3b39803f2f6afL,
        0
    };

    private final X87Registers registers;

    X87Moves(X87Registers registers) {
        this.registers = registers;
    }

    void pushValue(int se, long sig) {
        if (registers.isEmpty(-1)) {
            registers.clearC1();
            registers.push(se, sig);
        } else if (registers.stackOverflow()) {
            registers.push(Float80.INDEFINITE_SE, Float80.INDEFINITE_SIG);
        }
    }

    /** Pushes the constant of opcode D9 E8+index; rounded, but never inexact. */
    void pushConstant(int index) {
        if (index >= CONSTANTS) {
            throw new IllegalStateException("constant " + index);
        }
        long sig = CONSTANT_SIG[index];
        int rounding = ControlWord.rounding(registers.control);
        boolean up = Float80Result.roundsUp(rounding, false, (sig & 1) != 0, CONSTANT_TAIL[index]);
        pushValue(CONSTANT_SE[index], up ? sig + 1 : sig);
    }

    void pushCopy(int i) {
        // Both an empty source and a full stack: the processor reports the underflow.
        if (registers.isEmpty(i)) {
            if (registers.stackUnderflow()) {
                registers.push(Float80.INDEFINITE_SE, Float80.INDEFINITE_SIG);
            }
        } else {
            pushValue(registers.se(i), registers.sig(i));
        }
    }

    void store(int i, boolean pop) {
        if (!registers.isEmpty(0)) {
            registers.clearC1();
            registers.set(i, registers.se(0), registers.sig(0));
        } else if (registers.stackUnderflow()) {
            registers.setIndefinite(i);
        } else {
            return;
        }
        if (pop) {
            registers.pop();
        }
    }

    void exchange(int i) {
        boolean empty0 = registers.isEmpty(0);
        boolean emptyI = registers.isEmpty(i);
        if (empty0 || emptyI) {
            if (!registers.stackUnderflow()) {
                return;
            }
            if (empty0) {
                registers.setIndefinite(0);
            }
            if (emptyI) {
                registers.setIndefinite(i);
            }
        } else {
            registers.clearC1();
        }
        int se = registers.se(0);
        long sig = registers.sig(0);
        registers.set(0, registers.se(i), registers.sig(i));
        registers.set(i, se, sig);
    }

    void conditionalMove(int i, boolean condition) {
        if (registers.isEmpty(0) || registers.isEmpty(i)) {
            if (registers.stackUnderflow()) {
                registers.setIndefinite(0);
            }
        } else if (condition) {
            registers.set(0, registers.se(i), registers.sig(i));
        }
    }

    /** FCHS and FABS: {@code (sign AND and) XOR xor}. */
    void changeSign(int and, int xor) {
        if (registers.isEmpty(0)) {
            if (registers.stackUnderflow()) {
                registers.setIndefinite(0);
            }
            return;
        }
        registers.clearC1();
        int se = registers.se(0);
        int sign = se & Float80.SIGN & and ^ xor;
        registers.set(0, se & Float80.EXPONENT | sign, registers.sig(0));
    }

    /** FXAM: the class of ST(0) in C3, C2, C0 and its sign in C1. */
    void examine() {
        int se = registers.se(0);
        int sign = Float80.isNegative(se) ? StatusWord.C1 : 0;
        registers.setConditions(StatusWord.CONDITIONS, sign | classify(se, registers.sig(0)));
    }

    private int classify(int se, long sig) {
        if (registers.isEmpty(0)) {
            return StatusWord.C3 | StatusWord.C0;
        }
        if (Float80.isZero(se, sig)) {
            return StatusWord.C3;
        }
        if (Float80.isDenormal(se, sig)) {
            return StatusWord.C3 | StatusWord.C2;
        }
        if (Float80.isUnsupported(se, sig)) {
            return 0;
        }
        if (Float80.isNan(se, sig)) {
            return StatusWord.C0;
        }
        return Float80.isInfinite(se, sig) ? StatusWord.C2 | StatusWord.C0 : StatusWord.C2;
    }

    void moveTop(int count) {
        registers.clearC1();
        registers.rotate(count);
    }
}

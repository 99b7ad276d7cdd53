package org.xenolith.cpu.semantics;

/**
 * The arithmetic flags, computed when somebody asks. An instruction leaves behind a <em>rule</em>,
 * its two operands, its result and sometimes a few ready bits; all values sign-extended from the
 * operand width, which makes every rule independent of the width: order and sign are kept by sign
 * extension. SDM vol. 1, 3.4.3.1.
 */
public final class Flags {
    public static final int CF = 1;
    public static final int PF = 1 << 2;
    public static final int AF = 1 << 4;
    public static final int ZF = 1 << 6;
    public static final int SF = 1 << 7;
    public static final int TF = 1 << 8;
    public static final int IF = 1 << 9;
    public static final int DF = 1 << 10;
    public static final int OF = 1 << 11;
    public static final int IOPL = 3 << 12;
    public static final int NT = 1 << 14;
    public static final int RF = 1 << 16;
    public static final int VM = 1 << 17;
    public static final int AC = 1 << 18;
    public static final int ID = 1 << 21;

    /** Bit 1 of RFLAGS, always set. */
    public static final int FIXED = 1 << 1;

    /** CF, PF, AF, ZF, SF and OF. */
    public static final int ARITHMETIC = CF | PF | AF | ZF | SF | OF;

    /** Rule: all six flags stand in the ready bits. */
    public static final int EXPLICIT = 0;

    /** Rule: CF, OF and AF clear, the rest from the result. */
    public static final int LOGIC = 1;

    /** Rule: result = a + b. */
    public static final int ADD = 2;

    /** Rule: result = a + b + 1. */
    public static final int ADC = 3;

    /** Rule: result = a - b. */
    public static final int SUB = 4;

    /** Rule: result = a - b - 1. */
    public static final int SBB = 5;

    /** Rule: as ADD, but CF stands in the ready bits. */
    public static final int INC = 6;

    /** Rule: as SUB, but CF stands in the ready bits. */
    public static final int DEC = 7;

    /** Rule: CF, OF and AF stand in the ready bits, the rest comes from the result. */
    public static final int READY = 8;

    private Flags() {}

    /** CF as 0 or 1. */
    public static int carry(int rule, long a, long b, long result, int ready) {
        return switch (rule) {
            case ADD -> Long.compareUnsigned(result, a) < 0 ? 1 : 0;
            case ADC -> Long.compareUnsigned(result, a) <= 0 ? 1 : 0;
            case SUB -> Long.compareUnsigned(a, b) < 0 ? 1 : 0;
            case SBB -> Long.compareUnsigned(a, b) <= 0 ? 1 : 0;
            case LOGIC -> 0;
            default -> ready & CF;
        };
    }

    /** CF where an ADC has set the flags. */
    public static int carryOfAdc(int rule, long a, long result) {
        int order = Long.compareUnsigned(result, a);
        return order < 0 || order == 0 && rule == ADC ? 1 : 0;
    }

    /** CF where an SBB has set the flags. */
    public static int carryOfSbb(int rule, long a, long b) {
        int order = Long.compareUnsigned(a, b);
        return order < 0 || order == 0 && rule == SBB ? 1 : 0;
    }

    public static boolean overflow(int rule, long a, long b, long result, int ready) {
        return switch (rule) {
            case ADD, ADC, INC -> ((a ^ result) & (b ^ result)) < 0;
            case SUB, SBB, DEC -> ((a ^ b) & (a ^ result)) < 0;
            case LOGIC -> false;
            default -> (ready & OF) != 0;
        };
    }

    public static boolean zero(int rule, long result, int ready) {
        return rule == EXPLICIT ? (ready & ZF) != 0 : result == 0;
    }

    public static boolean sign(int rule, long result, int ready) {
        return rule == EXPLICIT ? (ready & SF) != 0 : result < 0;
    }

    public static boolean parity(int rule, long result, int ready) {
        return rule == EXPLICIT ? (ready & PF) != 0 : evenParity(result);
    }

    /** Whether the low byte has an even number of ones. */
    public static boolean evenParity(long value) {
        return (Integer.bitCount((int) value & 0xff) & 1) == 0;
    }

    public static boolean adjust(int rule, long a, long b, long result, int ready) {
        return switch (rule) {
            case ADD, ADC, INC, SUB, SBB, DEC -> ((a ^ b ^ result) & AF) != 0;
            case LOGIC -> false;
            default -> (ready & AF) != 0;
        };
    }

    /** All six flags as RFLAGS bits. */
    public static int materialize(int rule, long a, long b, long result, int ready) {
        if (rule == EXPLICIT) {
            return ready & ARITHMETIC;
        }
        return carry(rule, a, b, result, ready)
                | (overflow(rule, a, b, result, ready) ? OF : 0)
                | (adjust(rule, a, b, result, ready) ? AF : 0)
                | ofResult(result);
    }

    /** ZF, SF and PF of a sign-extended result. */
    public static int ofResult(long result) {
        return (result == 0 ? ZF : 0) | (result < 0 ? SF : 0) | (evenParity(result) ? PF : 0);
    }

    /** JB and friends: CF. Short path for the comparison that usually came before. */
    public static boolean below(int rule, long a, long b, long result, int ready) {
        return rule == SUB ? Long.compareUnsigned(a, b) < 0 : carry(rule, a, b, result, ready) != 0;
    }

    /** JBE: CF or ZF. */
    public static boolean belowOrEqual(int rule, long a, long b, long result, int ready) {
        return rule == SUB
                ? Long.compareUnsigned(a, b) <= 0
                : carry(rule, a, b, result, ready) != 0 || zero(rule, result, ready);
    }

    /** JL: SF differs from OF. */
    public static boolean less(int rule, long a, long b, long result, int ready) {
        return rule == SUB
                ? a < b
                : sign(rule, result, ready) != overflow(rule, a, b, result, ready);
    }

    /** JLE: ZF, or SF differs from OF. */
    public static boolean lessOrEqual(int rule, long a, long b, long result, int ready) {
        return rule == SUB ? a <= b : zero(rule, result, ready) || less(rule, a, b, result, ready);
    }

    /**
     * The condition that the low four bits of Jcc, SETcc and CMOVcc name. SDM vol. 2, appendix B,
     * table B-10.
     */
    public static boolean condition(int code, int rule, long a, long b, long result, int ready) {
        boolean met =
                switch (code >> 1) {
                    case 0 -> overflow(rule, a, b, result, ready);
                    case 1 -> below(rule, a, b, result, ready);
                    case 2 -> zero(rule, result, ready);
                    case 3 -> belowOrEqual(rule, a, b, result, ready);
                    case 4 -> sign(rule, result, ready);
                    case 5 -> parity(rule, result, ready);
                    case 6 -> less(rule, a, b, result, ready);
                    default -> lessOrEqual(rule, a, b, result, ready);
                };
        return met == ((code & 1) == 0);
    }
}

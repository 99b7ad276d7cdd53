package org.xenolith.cpu.semantics;

/**
 * The arithmetic flags, computed when somebody asks. An instruction leaves behind a <em>rule</em>,
 * its two operands, its result and sometimes a few ready bits; all values sign-extended from the
 * operand width, which makes every rule independent of the width: order and sign are kept by sign
 * extension. SDM vol. 1, 3.4.3.1.
 *
 * <p>Instructions that set CF alone, or CF and OF, and keep the others add {@link #CARRY_READY} and
 * {@link #OVERFLOW_READY} to the rule that stands: nothing of before has to be computed.
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

    /** Rule: CF is the bit of a that b names, OF whether it differs from SF, AF clear. */
    public static final int SHL = 6;

    /** Rule: CF is the bit of a that b names, OF the sign of a, AF clear. */
    public static final int SHR = 7;

    /** Rule: CF is the bit of a that b names, OF and AF clear. */
    public static final int SAR = 8;

    /** Rule: CF is the bit of a that b names, OF whether the result has another sign, AF clear. */
    public static final int DOUBLE_SHIFT = 9;

    /** Rule: CF and OF are set if a and b differ, AF clear. */
    public static final int PRODUCT = 10;

    /** Of a rule: which of the above, bits of {@link #CARRY_READY} and so on aside. */
    public static final int KIND = 15;

    /** Added to a rule: CF stands in the ready bits. Changes nothing in EXPLICIT. */
    public static final int CARRY_READY = 1 << 4;

    /** Added to a rule that has CARRY_READY: OF stands in the ready bits, too. */
    public static final int OVERFLOW_READY = 1 << 5;

    /** Rule: as ADD, but CF stands in the ready bits. */
    public static final int INC = ADD | CARRY_READY;

    /** Rule: as SUB, but CF stands in the ready bits. */
    public static final int DEC = SUB | CARRY_READY;

    private Flags() {}

    /** CF as 0 or 1. */
    public static int carry(int rule, long a, long b, long result, int ready) {
        return switch (rule) {
            case ADD -> Long.compareUnsigned(result, a) < 0 ? 1 : 0;
            case ADC -> Long.compareUnsigned(result, a) <= 0 ? 1 : 0;
            case SUB -> Long.compareUnsigned(a, b) < 0 ? 1 : 0;
            case SBB -> Long.compareUnsigned(a, b) <= 0 ? 1 : 0;
            case LOGIC -> 0;
            default -> isCarryReady(rule) ? ready & CF : carryOfRare(rule, a, b);
        };
    }

    private static boolean isCarryReady(int rule) {
        return rule == EXPLICIT || (rule & CARRY_READY) != 0;
    }

    /** CF of a product or, as all of these have it in the same place, a shift. */
    private static int carryOfRare(int rule, long a, long b) {
        return rule == PRODUCT ? a != b ? 1 : 0 : bit(a, b);
    }

    private static int bit(long value, long position) {
        return (int) (value >>> position) & 1;
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
        return switch (rule & ~CARRY_READY) {
            case ADD, ADC -> ((a ^ result) & (b ^ result)) < 0;
            case SUB, SBB -> ((a ^ b) & (a ^ result)) < 0;
            case LOGIC -> false;
            default -> overflowOfRare(rule & ~CARRY_READY, a, b, result, ready);
        };
    }

    private static boolean overflowOfRare(int rule, long a, long b, long result, int ready) {
        return switch (rule) {
            case SHL -> bit(a, b) != 0 != result < 0;
            case SHR -> a < 0;
            case SAR -> false;
            case DOUBLE_SHIFT -> (a ^ result) < 0;
            case PRODUCT -> a != b;
            default -> (ready & OF) != 0;
        };
    }

    private static boolean isExplicit(int rule) {
        return (rule & KIND) == EXPLICIT;
    }

    public static boolean zero(int rule, long result, int ready) {
        return isExplicit(rule) ? (ready & ZF) != 0 : result == 0;
    }

    public static boolean sign(int rule, long result, int ready) {
        return isExplicit(rule) ? (ready & SF) != 0 : result < 0;
    }

    public static boolean parity(int rule, long result, int ready) {
        return isExplicit(rule) ? (ready & PF) != 0 : evenParity(result);
    }

    /** Whether the low byte has an even number of ones. */
    public static boolean evenParity(long value) {
        return (Integer.bitCount((int) value & 0xff) & 1) == 0;
    }

    public static boolean adjust(int rule, long a, long b, long result, int ready) {
        return switch (rule & KIND) {
            case EXPLICIT -> (ready & AF) != 0;
            case ADD, ADC, SUB, SBB -> ((a ^ b ^ result) & AF) != 0;
            default -> false;
        };
    }

    /** All six flags as RFLAGS bits. */
    public static int materialize(int rule, long a, long b, long result, int ready) {
        if (isExplicit(rule)) {
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

package org.xenolith.cpu.semantics;

/**
 * Two-operand arithmetic and logic. SDM vol. 2; the flag rule of each is named in {@link Flags}.
 */
public final class Alu {
    private Alu() {}

    public static long add(long a, long b) {
        return a + b;
    }

    public static long adc(long a, long b, int carry) {
        return a + b + carry;
    }

    public static long sub(long a, long b) {
        return a - b;
    }

    public static long sbb(long a, long b, int borrow) {
        return a - b - borrow;
    }

    public static long and(long a, long b) {
        return a & b;
    }

    public static long or(long a, long b) {
        return a | b;
    }

    public static long xor(long a, long b) {
        return a ^ b;
    }

    public static long neg(long a) {
        return -a;
    }

    public static long not(long a) {
        return ~a;
    }

    /** The flag rule that ADC leaves behind for the carry it took. */
    public static int ruleOfAdc(int carry) {
        return carry == 0 ? Flags.ADD : Flags.ADC;
    }

    /** The flag rule that SBB leaves behind for the borrow it took. */
    public static int ruleOfSbb(int borrow) {
        return borrow == 0 ? Flags.SUB : Flags.SBB;
    }
}

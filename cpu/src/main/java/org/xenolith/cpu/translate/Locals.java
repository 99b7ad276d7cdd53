package org.xenolith.cpu.translate;

import org.xenolith.cpu.Cpu;

/**
 * The local variables of a unit's method, by number, for all that write a part of it. Longs and
 * doubles take two.
 */
final class Locals {
    // The parameters behind the unit itself.
    static final int CPU = 1;
    static final int START = 2;

    // What loads and stores look up addresses in.
    static final int TLB = 3;
    static final int ASID = 4;

    /** Linear address of the unit's page. */
    static final int BASE = 6;

    // What the exits are about.
    static final int BUDGET = 8;
    static final int SITE = 10;
    static final int REASON = 11;
    static final int RIP = 12;

    // The flags, as the interpreter keeps them.
    static final int FLAG_RULE = 14;
    static final int FLAG_READY = 15;
    static final int FLAG_A = 16;
    static final int FLAG_B = 18;
    static final int FLAG_RESULT = 20;
    // The same for operands of at most 32 bits, for branches that know what they compare.
    static final int INT_A = 22;
    static final int INT_B = 23;
    static final int INT_RESULT = 24;

    /** Where in host memory the operand is that an instruction writes. */
    static final int HOST = 26;

    static final int LONG_TEMP = 28;
    static final int INT_TEMP = 30;
    static final int TASK_SWITCHED = 31;
    static final int XMM_ARRAY = 32;
    static final int LOW_TEMP = 33;
    static final int HIGH_TEMP = 35;
    static final int REGISTERS = 37;
    static final int MXCSR = 38;
    static final int QUICK = 39;

    /** Registers of {@code Cpu.r} that may have a variable, the first so many. */
    static final int REGISTER_COUNT = Cpu.CODE_BASE + 1;

    /** Of these: a long each. */
    static final int FIRST_REGISTER = 40;

    /** Of the halves of vector registers: a long or a double each. */
    static final int FIRST_XMM = FIRST_REGISTER + 2 * REGISTER_COUNT;

    private Locals() {}
}

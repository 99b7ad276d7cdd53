package org.xenolith.cpu.interp;

import org.xenolith.cpu.Cpu;

/**
 * Guest code of one page as one Java method, with one or more entries. It takes the vCPU as a
 * parameter and holds nothing of a domain or of a linear address: {@link Cpu#CODE_BASE} says where
 * its page is.
 */
public abstract class TranslatedUnit {
    /** Left at {@link Cpu#rip}, which may be anywhere. */
    public static final int ON = 0;

    /**
     * Left before the instruction at {@link Cpu#rip}, for the interpreter to execute it: the TLB
     * misses, it crosses pages, writes to a frame with code, faults.
     */
    public static final int MISS = 1;

    /** Left at {@link Cpu#rip} because the budget may not reach to the next such test. */
    public static final int BUDGET = 2;

    /** As {@link #MISS}, for another reason: an address is not canonical, a quotient too large. */
    public static final int SPECIAL = 3;

    /**
     * As {@link #MISS}: a number is very large or small, no number, or MXCSR asks for more than the
     * quick form of floating point knows.
     */
    public static final int ROUGH = 4;

    public static final int REASONS = 5;

    /**
     * In place of a start: leaves at once, with {@link Cpu#rip} at the page's first byte and all
     * else as it was, for the JVM to see the unit run.
     */
    public static final int REHEARSE = -1;

    /** Set whenever it runs, by any vCPU; {@link UnitLibrary} takes it back now and then. */
    boolean ran;

    /**
     * Runs from one of the unit's entries and counts instructions in {@link Cpu#budget}.
     *
     * @param start where the entry is, in bytes from the page's start; or {@link #REHEARSE}
     * @return why it stopped
     */
    public abstract int run(Cpu cpu, int start);
}

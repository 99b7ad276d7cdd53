package org.xenolith.cpu;

/** Why {@link Cpu#run} returned. Codes, not objects: an exit happens on every system call. */
public final class Exit {
    /**
     * The instruction budget is used up, or the processor was kicked; RIP is at the next
     * instruction.
     */
    public static final int BUDGET = 0;

    /** SYSCALL was executed: RIP is behind it, RCX and R11 are untouched. */
    public static final int SYSCALL = 1;

    /** An architectural fault: RIP at the faulting instruction, {@link Cpu#fault()} says which. */
    public static final int FAULT = 2;

    /**
     * A software interrupt (INT n, INT3, INT1, INTO) or a single-step trap: RIP is behind the
     * instruction, {@link Cpu#exitVector()} says which.
     */
    public static final int SOFTWARE_INTERRUPT = 3;

    /**
     * #DB: behind an instruction for a single step or a data breakpoint, in front of it for an
     * instruction breakpoint; {@link Cpu#debugStatus()} says which.
     */
    public static final int DEBUG_TRAP = 4;

    private Exit() {}
}

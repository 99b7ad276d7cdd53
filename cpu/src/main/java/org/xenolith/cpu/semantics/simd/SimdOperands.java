package org.xenolith.cpu.semantics.simd;

/**
 * Operand values and results of one instruction, reused from instruction to instruction. The caller
 * fills in what the row's operand codes name, runs {@link Semantics#execute}, commits the {@link
 * Mxcsr}, and writes the results.
 */
public final class SimdOperands {
    /**
     * First operand (the destination) as it is before: an XMM register, or in {@code aLow} an MMX
     * or general register. With memory as destination its value does not matter.
     */
    public long aLow, aHigh;

    /** Second operand, as the first. What memory does not supply is 0. */
    public long bLow, bHigh;

    /** The immediate byte, unsigned. */
    public int imm;

    /**
     * The second operand comes from memory: MOVSS, MOVSD and the like then clear the rest of the
     * register.
     */
    public boolean memory;

    /** Operands coded Y have 64 bits (REX.W), not 32. */
    public boolean wide;

    /** The implicit XMM0 of the variable blends. */
    public long xmm0Low, xmm0High;

    /** The implicit RAX and RDX of PCMPESTRI and PCMPESTRM: lengths. */
    public long rax, rdx;

    /**
     * The new value of the destination: all 128 bits of an XMM register, else only {@code low}. For
     * a general register the 32-bit result is zero-extended.
     */
    public long low, high;

    /** Room for PCMPESTRI and its kin. */
    final StringCompare strings = new StringCompare();

    /** OF, SF, ZF, AF, PF and CF as RFLAGS bits, if {@link Semantics#setsFlags}. */
    public int flags;
}

package org.xenolith.cpu.decode;

/**
 * One decoded instruction, filled in by {@link Decoder}. Mutable and reused by callers that decode
 * many; nothing in it refers to an address: RIP-relative operands and branch targets are
 * displacements from the next instruction.
 */
public final class Instruction {
    /** Register number of "no base", "no index": the interpreter's register file holds 0 there. */
    public static final int NO_REGISTER = 16;

    /**
     * Values of {@link #segment}: where the interpreter's register file keeps the segments' bases.
     * 64-bit mode knows the first two.
     */
    public static final int FS = 17, GS = 18, ES = 21, CS = 22, SS = 23, DS = 24;

    /** The table row, or null when the bytes are no instruction that we know (#UD). */
    public OpcodeRow row;

    /** Bytes, 1 to 15. */
    public int length;

    /** Whether it was decoded as 32-bit code, not in 64-bit mode. */
    public boolean code32;

    /**
     * Width in bytes of operands coded v: 2, 4 or 8; 1 has operand codes of its own. Near branches
     * of 32-bit code cut EIP to this width.
     */
    public int operandSize;

    /** 8, or 4 with a 67 prefix; 4, or 2 with a 67 prefix, in 32-bit code. */
    public int addressSize;

    public boolean lock, rep, repne;

    /**
     * The REX prefix (0x40-0x4f) that counts, or 0: decides whether byte registers 4-7 are SPL.. or
     * AH..
     */
    public int rex;

    /** ModRM byte, or -1 when the instruction has none. */
    public int modRm;

    /**
     * ModRM.reg and ModRM.rm with their REX bits (0-15), or the opcode's register with REX.B in
     * {@code rm}. Segment and MMX registers know no REX bits: there only the low three count.
     */
    public int reg, rm;

    /**
     * Whether an operand is memory, ModRM.rm or moffs; then the next five describe the address.
     * String instructions imply theirs.
     */
    public boolean memory;

    /** Register numbers, or {@link #NO_REGISTER}. */
    public int base, index;

    /** Shift of the index, 0-3. */
    public int scale;

    /**
     * The segment of the memory operand, or of a string source. {@link #NO_REGISTER}, {@link #FS}
     * or {@link #GS} in 64-bit mode, where other overrides mean nothing. In 32-bit code one of the
     * six: the override, or else {@link #SS} for an address based on (E)SP or (E)BP, {@link #DS}
     * for others. String destinations and the stack have segments of their own.
     */
    public int segment;

    /** Whether a prefix named {@link #segment}. */
    public boolean segmentOverride;

    /** The displacement counts from the next instruction; base and index are none. */
    public boolean ripRelative;

    /** Sign-extended; moffs zero-extended. The sum counts modulo the address size. */
    public long displacement;

    /**
     * First immediate, sign-extended where the operand code says so (IBS, IZ), else zero-extended;
     * a far pointer's offset; branch displacement for J operands, sign-extended.
     */
    public long immediate;

    /** Second immediate (ENTER), or the selector of a far pointer, zero-extended. */
    public long immediate2;

    /** The last opcode byte: its low bits name a condition or a register in some rows. */
    public int opcode;

    /**
     * A copy whose memory operand is {@code [base]} in a segment. The width of addresses stays, for
     * instructions that add to them.
     */
    public Instruction withAddress(int newBase, int newSegment) {
        Instruction copy = new Instruction();
        copy.row = row;
        copy.length = length;
        copy.code32 = code32;
        copy.operandSize = operandSize;
        copy.addressSize = addressSize;
        copy.lock = lock;
        copy.rep = rep;
        copy.repne = repne;
        copy.rex = rex;
        copy.modRm = modRm;
        copy.reg = reg;
        copy.rm = rm;
        copy.memory = memory;
        copy.base = newBase;
        copy.index = NO_REGISTER;
        copy.segment = newSegment;
        copy.segmentOverride = segmentOverride;
        copy.immediate = immediate;
        copy.immediate2 = immediate2;
        copy.opcode = opcode;
        return copy;
    }
}

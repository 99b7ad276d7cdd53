package org.xenolith.cpu.interp;

import org.xenolith.cpu.decode.Instruction;
import org.xenolith.cpu.decode.Operand;

/** A decoded instruction on its way to becoming an {@link Op}: what it is and where it stands. */
public final class Binding {
    public Instruction in;
    CodePage page;

    /** First byte and the byte behind it, from the page's start. */
    public int start;

    public int end;

    /** Nobody reads the arithmetic flags that it writes. */
    boolean flagsDead;

    /** For a translator: an instruction of a page that is copied, its flags are flow's affair. */
    public Binding(Instruction in, int start) {
        this(in, null, start, false);
    }

    Binding(Instruction in, CodePage page, int start, boolean flagsDead) {
        set(in, page, start, flagsDead);
    }

    /** To be filled for one instruction after the other, so that decoding leaves no garbage. */
    Binding() {}

    final void set(Instruction in, CodePage page, int start, boolean flagsDead) {
        this.in = in;
        this.page = page;
        this.start = start;
        this.end = start + in.length;
        this.flagsDead = flagsDead;
    }

    public Operand operand(int i) {
        return in.row.operands().get(i);
    }

    public int operandCount() {
        return in.row.operands().size();
    }

    /** Number of the register that a byte operand names: 4-7 are AH, CH, DH, BH without REX. */
    public int byteRegister(int number) {
        return isHighByte(number) ? number - 4 : number;
    }

    /** Where that byte stands in its register: 0 or 8 bits up. */
    public int byteShift(int number) {
        return isHighByte(number) ? 8 : 0;
    }

    private boolean isHighByte(int number) {
        return in.rex == 0 && number >= 4 && number < 8;
    }

    /** Width in bits of a v operand. */
    public int bits() {
        return in.operandSize * 8;
    }
}

package org.xenolith.cpu.translate;

import org.xenolith.cpu.decode.Instruction;
import org.xenolith.cpu.decode.Operand;
import org.xenolith.cpu.interp.Binding;

/** A decoded instruction of a region, and what flow analysis found out about its flags. */
final class GuestInstruction {
    final Instruction in;
    final Binding b;
    final Translations.Entry entry;

    /** First byte and the byte behind it, from the page's start. */
    final int start;

    final int end;

    /** Somebody in the region, or whoever takes over at an exit, may read the flags after it. */
    boolean flagsLive;

    /** They are read by others than branches behind it that know what they compare. */
    boolean flagsStored;

    GuestInstruction(Instruction in, int start, Translations.Entry entry) {
        this.in = in;
        this.b = new Binding(in, start);
        this.start = start;
        this.end = b.end;
        this.entry = entry;
    }

    String mnemonic() {
        return in.row.mnemonic();
    }

    /** Target of a relative jump, from the page's start; may lie outside. */
    int target() {
        return end + (int) in.immediate;
    }

    /** A call whose target is part of the instruction. */
    boolean isDirect() {
        return b.operand(0) == Operand.JZ;
    }

    /** The low four bits of Jcc, SETcc and CMOVcc. */
    int condition() {
        return in.opcode & 15;
    }
}

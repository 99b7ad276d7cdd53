package org.xenolith.cpu.interp;

import org.xenolith.cpu.Cpu;
import org.xenolith.cpu.decode.Instruction;

/** An operation with one memory operand: base + (index << scale) + displacement + segment base. */
abstract class MemoryOp extends Op {
    final byte base;
    final byte index;
    final byte scale;
    final byte segment;
    final long displacement;

    MemoryOp(Binding binding) {
        Instruction in = binding.in;
        this.base = (byte) (in.ripRelative ? Cpu.CODE_BASE : in.base);
        this.index = (byte) in.index;
        this.scale = (byte) in.scale;
        this.segment = (byte) in.segment;
        this.displacement = in.displacement + (in.ripRelative ? binding.end : 0);
    }

    final long vaddr(long[] r) {
        return r[base] + (r[index] << scale) + displacement + r[segment];
    }

    @Override
    final boolean addressesStack() {
        return segment == Cpu.ZERO && (base == Cpu.RSP || base == Cpu.RBP);
    }
}

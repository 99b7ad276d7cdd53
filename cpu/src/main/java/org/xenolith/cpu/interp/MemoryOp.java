package org.xenolith.cpu.interp;

import org.xenolith.cpu.Cpu;
import org.xenolith.cpu.decode.Instruction;

/** An operation with one memory operand: base + (index << scale) + displacement + segment base. */
abstract class MemoryOp extends Op {
    final int base;
    final int index;
    final int scale;
    final int segment;
    final long displacement;

    MemoryOp(Binding binding) {
        Instruction in = binding.in;
        this.base = in.ripRelative ? Cpu.CODE_BASE : in.base;
        this.index = in.index;
        this.scale = in.scale;
        this.segment = in.segment;
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

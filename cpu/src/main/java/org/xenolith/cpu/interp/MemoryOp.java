package org.xenolith.cpu.interp;

import org.xenolith.cpu.Cpu;
import org.xenolith.cpu.decode.Instruction;

/**
 * An operation with one memory operand: base + (index << scale) + displacement + segment base. The
 * displacement has 32 bits; of others {@link FormedAddress} makes a base.
 */
abstract class MemoryOp extends Op {
    final byte base;
    final byte index;
    final byte scale;
    final byte segment;
    final int displacement;

    MemoryOp(Binding binding) {
        Instruction in = binding.in;
        this.base = (byte) baseOf(binding);
        this.index = (byte) in.index;
        this.scale = (byte) in.scale;
        this.segment = (byte) in.segment;
        this.displacement = (int) displacementOf(binding);
    }

    static int baseOf(Binding b) {
        return b.in.ripRelative ? Cpu.CODE_BASE : b.in.base;
    }

    /**
     * From the base, as the instruction finds it; where that is the page of the code, from its
     * start.
     */
    static long displacementOf(Binding b) {
        long fromBase = b.in.ripRelative ? b.end : StackOps.movedBefore(b);
        return b.in.displacement + fromBase;
    }

    final long vaddr(long[] r) {
        return r[base] + (r[index] << scale) + displacement + r[segment];
    }

    @Override
    final boolean addressesStack() {
        return segment == Cpu.ZERO && (base == Cpu.RSP || base == Cpu.RBP);
    }
}

package org.xenolith.cpu.interp;

import org.xenolith.cpu.Cpu;
import org.xenolith.cpu.decode.Instruction;

/**
 * An instruction with a 32-bit address: forms it in a scratch register, on which the wrapped
 * operation is based.
 */
final class Address32 extends Op {
    private final Op inner;
    private final int base;
    private final int index;
    private final int scale;
    private final long displacement;

    private Address32(Op inner, Instruction in, int end) {
        this.inner = inner;
        base = in.ripRelative ? Cpu.CODE_BASE : in.base;
        index = in.index;
        scale = in.scale;
        displacement = in.displacement + (in.ripRelative ? end : 0);
    }

    /** Binds the instruction of {@code b} to a copy with the scratch register as base. */
    static Op wrap(Binding b) {
        Instruction in = b.in;
        Instruction based = in.withAddress(Cpu.SCRATCH, in.segment);
        return new Address32(
                OpFactory.bind(new Binding(based, b.page, b.start, b.flagsDead)), in, b.end);
    }

    @Override
    void link(Op successor) {
        next = successor;
        inner.link(successor);
    }

    @Override
    void placeInner() {
        inner.standAt(start, end, position);
        inner.placeInner();
    }

    @Override
    public Op execute(Cpu cpu) {
        long[] r = cpu.r;
        r[Cpu.SCRATCH] = r[base] + (r[index] << scale) + displacement & Registers.LOW_32;
        return inner.execute(cpu);
    }
}

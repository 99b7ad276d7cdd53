package org.xenolith.cpu.interp;

import org.xenolith.cpu.Cpu;
import org.xenolith.cpu.decode.Instruction;

/**
 * An instruction with an address that a {@link MemoryOp} has no room for, of 32 bits or with a
 * displacement of more than 32: forms it in a scratch register, on which the wrapped operation is
 * based.
 */
final class FormedAddress extends Op {
    private final Op inner;
    private final int base;
    private final int index;
    private final int scale;
    private final int segment;
    private final long displacement;

    /** Bits of the address that count. */
    private final long mask;

    private FormedAddress(Op inner, Binding b) {
        this.inner = inner;
        base = MemoryOp.baseOf(b);
        index = b.in.index;
        scale = b.in.scale;
        segment = b.in.segment;
        displacement = MemoryOp.displacementOf(b);
        mask = b.in.addressSize == 4 ? Registers.LOW_32 : -1;
    }

    /** Whether the instruction's memory operand needs this. */
    static boolean isNeeded(Binding b) {
        if (!b.in.memory || b.in.base == Cpu.SCRATCH) {
            return false;
        }
        long displacement = MemoryOp.displacementOf(b);
        return b.in.addressSize == 4 || displacement != (int) displacement;
    }

    /** Binds the instruction of {@code b} to a copy with the scratch register as base. */
    static Op wrap(Binding b) {
        Instruction based = b.in.withAddress(Cpu.SCRATCH, b.in.segment);
        return new FormedAddress(
                OpFactory.bind(new Binding(based, b.page, b.start, b.flagsDead)), b);
    }

    @Override
    void link(Op successor) {
        next = successor;
        inner.link(successor);
    }

    @Override
    void placed() {
        inner.standAt(start(), end(), position());
        inner.placed();
    }

    @Override
    void forget() {
        inner.forget();
    }

    /** The wrapped operation is based on a scratch register, which says nothing. */
    @Override
    boolean addressesStack() {
        return segment == Cpu.ZERO && (base == Cpu.RSP || base == Cpu.RBP);
    }

    @Override
    public Op execute(Cpu cpu) {
        long[] r = cpu.r;
        r[Cpu.SCRATCH] = r[base] + (r[index] << scale) + displacement & mask;
        return inner.execute(cpu);
    }
}

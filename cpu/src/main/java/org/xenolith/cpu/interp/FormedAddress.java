package org.xenolith.cpu.interp;

import org.xenolith.cpu.Cpu;
import org.xenolith.cpu.decode.Instruction;

/**
 * An instruction with an address that a {@link MemoryOp} has no room for, of 32 or 16 bits or with
 * a displacement of more than 32: forms it in a scratch register, on which the wrapped operation is
 * based.
 */
class FormedAddress extends WrappedOp {
    private final int base;
    private final int index;
    private final int scale;
    private final int segment;
    private final long displacement;

    /** Bits of the address that count. */
    private final long mask;

    FormedAddress(Op inner, Binding b) {
        super(inner);
        base = MemoryOp.baseOf(b);
        index = b.in.index;
        scale = b.in.scale;
        segment = b.in.segment;
        displacement = MemoryOp.displacementOf(b);
        mask = Registers.addressMask(b.in.addressSize);
    }

    /** Whether the instruction's memory operand needs this. */
    static boolean isNeeded(Binding b) {
        if (!b.in.memory || b.in.base == Cpu.SCRATCH) {
            return false;
        }
        long displacement = MemoryOp.displacementOf(b);
        return b.in.addressSize != 8 || displacement != (int) displacement;
    }

    /** Binds the instruction of {@code b} to a copy with the scratch register as base. */
    static Op wrap(Binding b) {
        Instruction based = b.in.withAddress(Cpu.SCRATCH, b.in.segment);
        return new FormedAddress(
                OpFactory.bind(new Binding(based, b.page, b.start, b.flagsDead)), b);
    }

    /** The wrapped operation is based on a scratch register, which says nothing. */
    @Override
    boolean addressesStack() {
        return segment == Cpu.ZERO && (base == Cpu.RSP || base == Cpu.RBP);
    }

    final long offset(long[] r) {
        return r[base] + (r[index] << scale) + displacement & mask;
    }

    @Override
    public Op execute(Cpu cpu) {
        long[] r = cpu.r;
        r[Cpu.SCRATCH] = offset(r);
        return inner.execute(cpu);
    }
}

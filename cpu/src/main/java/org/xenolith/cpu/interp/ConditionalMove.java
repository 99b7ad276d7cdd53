package org.xenolith.cpu.interp;

import org.xenolith.cpu.Cpu;

/**
 * CMOVcc. A memory source is loaded, and faults, also when the condition is false; the 32-bit form
 * clears the upper half in either case. SDM vol. 2, CMOVcc.
 */
abstract class ConditionalMove extends MemoryOp {
    private final boolean memory;
    private final int bits;
    private final int dst;
    private final int src;

    ConditionalMove(Binding b) {
        super(b);
        memory = b.in.memory;
        bits = b.bits();
        dst = b.in.reg;
        src = b.in.rm;
    }

    final Op move(Cpu cpu, boolean met) {
        long[] r = cpu.r;
        long value = memory ? Loads.load(cpu.mmu(), vaddr(r), bits) : r[src];
        Registers.set(r, dst, 0, bits, met ? value : r[dst]);
        return next;
    }
}

package org.xenolith.cpu.interp;

import org.xenolith.cpu.Cpu;

/**
 * The stack of 32-bit code: in SS, counted by ESP, or by SP where SS says so. ESP moves only when
 * all accesses have succeeded. SDM vol. 1, 6.2.3.
 */
final class CompatStack {
    private CompatStack() {}

    /** Offset in SS of what lies so many bytes above the top. */
    static long offset(Cpu cpu, long above) {
        return cpu.r[Cpu.RSP] + above & cpu.hidden.stackMask();
    }

    /** Sets ESP, or SP and keeps the rest of ESP. */
    static void moveTo(Cpu cpu, long offset) {
        long[] r = cpu.r;
        r[Cpu.RSP] = r[Cpu.RSP] & Registers.LOW_32 & ~cpu.hidden.stackMask() | offset;
    }

    static void drop(Cpu cpu, long bytes) {
        moveTo(cpu, offset(cpu, bytes));
    }

    /**
     * Loads an operand of the stack, sign-extended.
     *
     * @param offset in SS
     * @throws org.xenolith.cpu.GuestFault #SS(0) beyond the limit, or #PF
     */
    static long load(Cpu cpu, long offset, int bits) {
        long vaddr = cpu.hidden.linear(cpu, Segments.SS, offset, bits >> 3, false);
        return Loads.load(cpu.mmu(), vaddr, bits);
    }

    static void store(Cpu cpu, long offset, int bits, long value) {
        long vaddr = cpu.hidden.linear(cpu, Segments.SS, offset, bits >> 3, true);
        Loads.store(cpu.mmu(), vaddr, bits, value);
    }

    static void push(Cpu cpu, int bits, long value) {
        long offset = offset(cpu, -(bits >> 3));
        store(cpu, offset, bits, value);
        moveTo(cpu, offset);
    }

    /** What POP would take, which stays there. */
    static long top(Cpu cpu, int bits) {
        return load(cpu, offset(cpu, 0), bits);
    }
}

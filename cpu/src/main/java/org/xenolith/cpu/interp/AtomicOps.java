package org.xenolith.cpu.interp;

import org.xenolith.cpu.Cpu;
import org.xenolith.cpu.GuestFault;
import org.xenolith.cpu.Vector;
import org.xenolith.cpu.mmu.Mmu;
import org.xenolith.cpu.mmu.Ram;
import org.xenolith.cpu.semantics.Alu;
import org.xenolith.cpu.semantics.Flags;

/** LOCK-prefixed arithmetic, XCHG with memory, XADD, CMPXCHG and its double-width forms. */
final class AtomicOps {
    /** What a locked arithmetic instruction does; the order is that of the opcode's middle bits. */
    enum Kind {
        ADD,
        OR,
        ADC,
        SBB,
        AND,
        SUB,
        XOR
    }

    private AtomicOps() {}

    /** LOCK add, or, adc, sbb, and, sub, xor with a register or an immediate. */
    static final class Locked extends MemoryOp {
        private final Kind kind;
        private final boolean constant;
        private final int bits;
        private final int src;
        private final int srcShift;
        private final long immediate;

        Locked(Kind kind, Binding b) {
            super(b);
            this.kind = kind;
            constant = OperandForm.of(b) == OperandForm.MI;
            bits = OperandForm.isByte(b, 0) ? 8 : b.bits();
            src = bits == 8 ? b.byteRegister(b.in.reg) : b.in.reg;
            srcShift = bits == 8 ? b.byteShift(b.in.reg) : 0;
            immediate = Registers.narrow(b.in.immediate, bits);
        }

        @Override
        public Op execute(Cpu cpu) {
            Mmu mmu = cpu.mmu();
            long vaddr = vaddr(cpu.r);
            long b = constant ? immediate : Registers.get(cpu.r, src, srcShift, bits);
            int carry = kind == Kind.ADC || kind == Kind.SBB ? cpu.carry() : 0;
            long a;
            long result;
            do {
                a = Atomics.loadForUpdate(mmu, vaddr, bits);
                result = Registers.narrow(compute(a, b, carry), bits);
            } while (!Atomics.compareAndSet(mmu, vaddr, bits, a, result));
            setFlags(cpu, a, b, result, carry);
            return next;
        }

        private long compute(long a, long b, int carry) {
            return switch (kind) {
                case ADD -> Alu.add(a, b);
                case OR -> Alu.or(a, b);
                case ADC -> Alu.adc(a, b, carry);
                case SBB -> Alu.sbb(a, b, carry);
                case AND -> Alu.and(a, b);
                case SUB -> Alu.sub(a, b);
                case XOR -> Alu.xor(a, b);
            };
        }

        private void setFlags(Cpu cpu, long a, long b, long result, int carry) {
            switch (kind) {
                case ADD -> cpu.setFlags(Flags.ADD, a, b, result);
                case ADC -> cpu.setFlags(Alu.ruleOfAdc(carry), a, b, result);
                case SUB -> cpu.setFlags(Flags.SUB, a, b, result);
                case SBB -> cpu.setFlags(Alu.ruleOfSbb(carry), a, b, result);
                case OR, AND, XOR -> cpu.setLogicFlags(result);
            }
        }
    }

    /** LOCK inc, dec, neg, not. */
    static final class LockedUnary extends MemoryOp {
        private final UnaryOps.Kind kind;
        private final int bits;

        LockedUnary(UnaryOps.Kind kind, Binding b) {
            super(b);
            this.kind = kind;
            bits = OperandForm.isByte(b, 0) ? 8 : b.bits();
        }

        @Override
        public Op execute(Cpu cpu) {
            Mmu mmu = cpu.mmu();
            long vaddr = vaddr(cpu.r);
            long a;
            long result;
            do {
                a = Atomics.loadForUpdate(mmu, vaddr, bits);
                result = Registers.narrow(UnaryOps.apply(kind, a), bits);
            } while (!Atomics.compareAndSet(mmu, vaddr, bits, a, result));
            UnaryOps.setFlags(cpu, kind, a, result);
            return next;
        }
    }

    /** XCHG with memory: locked with or without the prefix. */
    static final class Exchange extends MemoryOp {
        private final int bits;
        private final int reg;
        private final int regShift;

        Exchange(Binding b) {
            super(b);
            bits = OperandForm.isByte(b, 0) ? 8 : b.bits();
            reg = bits == 8 ? b.byteRegister(b.in.reg) : b.in.reg;
            regShift = bits == 8 ? b.byteShift(b.in.reg) : 0;
        }

        @Override
        public Op execute(Cpu cpu) {
            Mmu mmu = cpu.mmu();
            long vaddr = vaddr(cpu.r);
            long value = Registers.get(cpu.r, reg, regShift, bits);
            long old;
            do {
                old = Atomics.loadForUpdate(mmu, vaddr, bits);
            } while (!Atomics.compareAndSet(mmu, vaddr, bits, old, value));
            Registers.set(cpu.r, reg, regShift, bits, old);
            return next;
        }
    }

    /** XADD. */
    static final class ExchangeAdd extends MemoryOp {
        private final boolean memory;
        private final int bits;
        private final int dst;
        private final int dstShift;
        private final int reg;
        private final int regShift;

        ExchangeAdd(Binding b) {
            super(b);
            memory = b.in.memory;
            bits = OperandForm.isByte(b, 0) ? 8 : b.bits();
            dst = bits == 8 ? b.byteRegister(b.in.rm) : b.in.rm;
            dstShift = bits == 8 ? b.byteShift(b.in.rm) : 0;
            reg = bits == 8 ? b.byteRegister(b.in.reg) : b.in.reg;
            regShift = bits == 8 ? b.byteShift(b.in.reg) : 0;
        }

        @Override
        public Op execute(Cpu cpu) {
            long[] r = cpu.r;
            long b = Registers.get(r, reg, regShift, bits);
            long a;
            long result;
            if (memory) {
                Mmu mmu = cpu.mmu();
                long vaddr = vaddr(r);
                do {
                    a = Atomics.loadForUpdate(mmu, vaddr, bits);
                    result = Registers.narrow(a + b, bits);
                } while (!Atomics.compareAndSet(mmu, vaddr, bits, a, result));
                Registers.set(r, reg, regShift, bits, a);
            } else {
                a = Registers.get(r, dst, dstShift, bits);
                result = Registers.narrow(a + b, bits);
                Registers.set(r, reg, regShift, bits, a);
                Registers.set(r, dst, dstShift, bits, result);
            }
            cpu.setFlags(Flags.ADD, a, b, result);
            return next;
        }
    }

    /**
     * CMPXCHG. The destination is written, and write permission needed, also when unequal; then the
     * accumulator is loaded, which zero-extends in the 32-bit form.
     */
    static final class CompareExchange extends MemoryOp {
        private final boolean memory;
        private final int bits;
        private final int dst;
        private final int dstShift;
        private final int reg;
        private final int regShift;

        CompareExchange(Binding b) {
            super(b);
            memory = b.in.memory;
            bits = OperandForm.isByte(b, 0) ? 8 : b.bits();
            dst = bits == 8 ? b.byteRegister(b.in.rm) : b.in.rm;
            dstShift = bits == 8 ? b.byteShift(b.in.rm) : 0;
            reg = bits == 8 ? b.byteRegister(b.in.reg) : b.in.reg;
            regShift = bits == 8 ? b.byteShift(b.in.reg) : 0;
        }

        @Override
        public Op execute(Cpu cpu) {
            long[] r = cpu.r;
            long expected = Registers.get(r, Cpu.RAX, 0, bits);
            long value = Registers.get(r, reg, regShift, bits);
            long old;
            if (memory) {
                Mmu mmu = cpu.mmu();
                long vaddr = vaddr(r);
                do {
                    old = Atomics.loadForUpdate(mmu, vaddr, bits);
                } while (old == expected && !Atomics.compareAndSet(mmu, vaddr, bits, old, value));
            } else {
                old = Registers.get(r, dst, dstShift, bits);
                if (old == expected) {
                    Registers.set(r, dst, dstShift, bits, value);
                }
            }
            if (old != expected) {
                Registers.set(r, Cpu.RAX, 0, bits, old);
            }
            cpu.setFlags(Flags.SUB, expected, old, Registers.narrow(expected - old, bits));
            return next;
        }
    }

    /** CMPXCHG8B. */
    static final class CompareExchange8 extends MemoryOp {
        CompareExchange8(Binding b) {
            super(b);
        }

        @Override
        public Op execute(Cpu cpu) {
            long[] r = cpu.r;
            Mmu mmu = cpu.mmu();
            long vaddr = vaddr(r);
            long expected = r[Cpu.RDX] << 32 | r[Cpu.RAX] & Registers.LOW_32;
            long value = r[Cpu.RCX] << 32 | r[Cpu.RBX] & Registers.LOW_32;
            long old;
            do {
                old = Atomics.loadForUpdate(mmu, vaddr, 64);
            } while (old == expected && !Atomics.compareAndSet(mmu, vaddr, 64, old, value));
            if (old != expected) {
                r[Cpu.RAX] = old & Registers.LOW_32;
                r[Cpu.RDX] = old >>> 32;
            }
            setZero(cpu, old == expected);
            return next;
        }
    }

    private static void setZero(Cpu cpu, boolean equal) {
        cpu.setArithmeticFlags(cpu.arithmeticFlags() & ~Flags.ZF | (equal ? Flags.ZF : 0));
    }

    /**
     * CMPXCHG16B. The host offers no 16-byte compare-and-set to Java: all of them share one lock,
     * and both halves are written with compare-and-set from the values seen. So they are atomic
     * against each other, and no store of a sibling is lost: one between the halves is noticed, and
     * the instruction starts again, or comes after it. Nor does a failed one load a pair that
     * memory never held, unless siblings store to both halves and back while it reads them.
     *
     * <p>What a processor does better: a sibling that reads the halves with two plain loads may see
     * the new low one before the new high one, and, when a store to the high one makes the
     * instruction start again, a low one that never was. Linux's lists of free objects, which do
     * that, check what they read by the next CMPXCHG16B. To stop the siblings each time, as a split
     * lock does, would cost them more than 10 us per freed slab object.
     */
    static final class CompareExchange16 extends MemoryOp {
        private static final Object LOCK = new Object();

        CompareExchange16(Binding b) {
            super(b);
        }

        @Override
        public Op execute(Cpu cpu) {
            long[] r = cpu.r;
            Mmu mmu = cpu.mmu();
            long vaddr = vaddr(r);
            if ((vaddr & 15) != 0) {
                throw GuestFault.of(Vector.GENERAL_PROTECTION);
            }
            long host = mmu.hostForUpdate(vaddr, 16);
            if (host == Mmu.NO_HOST) {
                throw GuestFault.pageFault(vaddr, GuestFault.PF_PRESENT | GuestFault.PF_WRITE);
            }
            synchronized (LOCK) {
                boolean equal = exchange(r, host);
                mmu.noteStore(host, 16);
                setZero(cpu, equal);
            }
            return next;
        }

        private static boolean exchange(long[] r, long host) {
            while (true) {
                long low = Ram.getLongVolatile(host);
                long high = Ram.getLongVolatile(host + 8);
                if (low != r[Cpu.RAX] || high != r[Cpu.RDX]) {
                    if (Ram.getLongVolatile(host) != low) {
                        // A sibling's store came between: memory may never have held this pair.
                        continue;
                    }
                    r[Cpu.RAX] = low;
                    r[Cpu.RDX] = high;
                    return false;
                }
                if (!Ram.compareAndSetLong(host, low, r[Cpu.RBX])) {
                    continue;
                }
                if (Ram.compareAndSetLong(host + 8, high, r[Cpu.RCX])) {
                    return true;
                }
                Ram.compareAndSetLong(host, r[Cpu.RBX], low);
            }
        }
    }
}

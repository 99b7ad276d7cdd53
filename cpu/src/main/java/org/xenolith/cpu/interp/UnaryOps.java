package org.xenolith.cpu.interp;

import org.xenolith.cpu.Cpu;
import org.xenolith.cpu.mmu.Mmu;
import org.xenolith.cpu.semantics.Alu;
import org.xenolith.cpu.semantics.Flags;

/** INC, DEC, NEG and NOT without LOCK. */
final class UnaryOps {
    enum Kind {
        INC,
        DEC,
        NEG,
        NOT
    }

    private UnaryOps() {}

    static Op create(Kind kind, Binding b) {
        int bits = OperandForm.isByte(b, 0) ? 8 : b.bits();
        return b.in.memory ? new OnMemory(kind, bits, b) : new OnRegister(kind, bits, b);
    }

    /** Result of the operation, to be narrowed. */
    static long apply(Kind kind, long a) {
        return switch (kind) {
            case INC -> Alu.add(a, 1);
            case DEC -> Alu.sub(a, 1);
            case NEG -> Alu.neg(a);
            case NOT -> Alu.not(a);
        };
    }

    /** INC and DEC keep CF, so a lazy one is settled first. */
    static void setFlags(Cpu cpu, Kind kind, long a, long result) {
        switch (kind) {
            case INC -> setKeepingCarry(cpu, Flags.INC, a, result);
            case DEC -> setKeepingCarry(cpu, Flags.DEC, a, result);
            case NEG -> cpu.setFlags(Flags.SUB, 0, a, result);
            case NOT -> {}
        }
    }

    private static void setKeepingCarry(Cpu cpu, int rule, long a, long result) {
        cpu.flagReady = cpu.carry();
        cpu.setFlags(rule, a, 1, result);
    }

    private static final class OnRegister extends Op {
        private final Kind kind;
        private final byte bits;
        private final byte dst;
        private final byte dstShift;

        OnRegister(Kind kind, int bits, Binding b) {
            this.kind = kind;
            this.bits = (byte) bits;
            dst = (byte) (bits == 8 ? b.byteRegister(b.in.rm) : b.in.rm);
            dstShift = (byte) (bits == 8 ? b.byteShift(b.in.rm) : 0);
        }

        @Override
        public Op execute(Cpu cpu) {
            long[] r = cpu.r;
            long a = Registers.get(r, dst, dstShift, bits);
            long result = Registers.narrow(apply(kind, a), bits);
            Registers.set(r, dst, dstShift, bits, result);
            setFlags(cpu, kind, a, result);
            return next;
        }
    }

    private static final class OnMemory extends MemoryOp {
        private final Kind kind;
        private final byte bits;

        OnMemory(Kind kind, int bits, Binding b) {
            super(b);
            this.kind = kind;
            this.bits = (byte) bits;
        }

        @Override
        public Op execute(Cpu cpu) {
            Mmu mmu = cpu.mmu();
            long vaddr = vaddr(cpu.r);
            mmu.checkUpdate(vaddr, bits >> 3);
            long a = Loads.load(mmu, vaddr, bits);
            long result = Registers.narrow(apply(kind, a), bits);
            Loads.store(mmu, vaddr, bits, result);
            setFlags(cpu, kind, a, result);
            return next;
        }
    }
}

package org.xenolith.cpu.interp;

import org.xenolith.cpu.Cpu;
import org.xenolith.cpu.Exit;
import org.xenolith.cpu.GuestFault;
import org.xenolith.cpu.Vector;
import org.xenolith.cpu.mmu.Mmu;
import org.xenolith.cpu.semantics.Flags;

/** Jumps, calls, returns and software interrupts: the ends of blocks. */
final class ControlOps {
    private ControlOps() {}

    /** JMP rel. */
    static final class Jump extends Branch {
        Jump(Binding b) {
            super(b);
        }

        @Override
        public Op execute(Cpu cpu) {
            return taken(cpu);
        }
    }

    /** CALL rel. */
    static class Call extends Branch {
        Call(Binding b) {
            super(b);
        }

        @Override
        boolean addressesStack() {
            return true;
        }

        @Override
        public Op execute(Cpu cpu) {
            long[] r = cpu.r;
            long rsp = r[Cpu.RSP] - 8;
            long back = nextAddress(cpu);
            cpu.mmu().write64(rsp, back);
            r[Cpu.RSP] = rsp;
            Interpreter.called(cpu, rsp, back, nextEntry(), this);
            return taken(cpu);
        }
    }

    /** JMP and CALL through a register or memory. */
    static final class Indirect extends MemoryOp {
        private final boolean call;
        private final boolean memory;
        private final int src;
        private final CodePage page;

        /** Behind a call, as far as it is known. */
        private Op nextEntry;

        /** Where it led last. */
        private Block last;

        Indirect(boolean call, Binding b) {
            super(b);
            this.call = call;
            memory = b.in.memory;
            src = b.in.rm;
            page = b.page;
        }

        @Override
        public Op execute(Cpu cpu) {
            long[] r = cpu.r;
            Mmu mmu = cpu.mmu();
            long target = memory ? mmu.read64(vaddr(r)) : r[src];
            if (!Mmu.isCanonical(target)) {
                throw GuestFault.of(Vector.GENERAL_PROTECTION);
            }
            if (call) {
                long rsp = r[Cpu.RSP] - 8;
                StackOps.requireCanonicalStack(rsp, 8);
                long back = nextAddress(cpu);
                mmu.write64(rsp, back);
                r[Cpu.RSP] = rsp;
                Interpreter.called(cpu, rsp, back, nextEntry, this);
            }
            cpu.budget -= position() + 1;
            Op entry = Interpreter.enterAgain(cpu, target, last);
            return entry != null ? entry : enterOther(cpu, target);
        }

        private Op enterOther(Cpu cpu, long target) {
            Op entry = Interpreter.enter(cpu, target);
            last = entry == null ? null : Interpreter.entered(cpu, target);
            return entry;
        }

        @Override
        void forget() {
            nextEntry = null;
            last = null;
        }

        @Override
        void returnsTo(Block block) {
            if (Branch.isBehind(block, page, end())) {
                nextEntry = block.entry;
            }
        }
    }

    /** RET, with bytes to drop. */
    static final class Return extends Op {
        private final int drop;

        Return(Binding b) {
            drop = (int) b.in.immediate & 0xffff;
        }

        @Override
        boolean addressesStack() {
            return true;
        }

        @Override
        public Op execute(Cpu cpu) {
            long[] r = cpu.r;
            long rsp = r[Cpu.RSP];
            long target = cpu.mmu().read64(rsp);
            if (!Mmu.isCanonical(target)) {
                throw GuestFault.of(Vector.GENERAL_PROTECTION);
            }
            r[Cpu.RSP] = rsp + 8 + drop;
            cpu.budget -= position() + 1;
            return Interpreter.enterBehindCall(cpu, rsp, target);
        }
    }

    /** LOOP, LOOPE, LOOPNE and JRCXZ. */
    static final class Loop extends Branch {
        private final int opcode;
        private final long mask;

        Loop(Binding b) {
            super(b);
            opcode = b.in.opcode;
            mask = b.in.addressSize == 4 ? Registers.LOW_32 : -1;
        }

        @Override
        public Op execute(Cpu cpu) {
            long[] r = cpu.r;
            if (onlyTests(opcode)) {
                return (r[Cpu.RCX] & mask) == 0 ? taken(cpu) : notTaken(cpu);
            }
            long count = r[Cpu.RCX] - 1 & mask;
            r[Cpu.RCX] = count;
            return isTaken(opcode, count, cpu) ? taken(cpu) : notTaken(cpu);
        }

        /** JRCXZ: does not count. */
        static boolean onlyTests(int opcode) {
            return opcode == 0xe3;
        }

        /**
         * @param count as it is after the instruction
         */
        static boolean isTaken(int opcode, long count, Cpu cpu) {
            if (onlyTests(opcode)) {
                return count == 0;
            }
            boolean zero = Flags.zero(cpu.flagRule, cpu.flagResult, cpu.flagReady);
            return count != 0 && (opcode == 0xe2 || zero == (opcode == 0xe1));
        }
    }

    /** SYSCALL: a hypercall or a system call, for the platform to tell. */
    static final class SystemCall extends Op {
        @Override
        public Op execute(Cpu cpu) {
            leaveAfter(cpu);
            cpu.exit(Exit.SYSCALL);
            return null;
        }
    }

    /** INT3, INT n, INT1. */
    static final class SoftwareInterrupt extends Op {
        private final int vector;

        SoftwareInterrupt(int vector) {
            this.vector = vector;
        }

        @Override
        public Op execute(Cpu cpu) {
            leaveAfter(cpu);
            cpu.setExitVector(vector);
            cpu.exit(Exit.SOFTWARE_INTERRUPT);
            return null;
        }
    }

    /**
     * An instruction that always faults: UD2, what we do not know, what a PV guest may not execute.
     */
    static final class Fault extends Op {
        private final GuestFault fault;

        Fault(GuestFault fault) {
            this.fault = fault;
        }

        @Override
        public Op execute(Cpu cpu) {
            throw fault;
        }
    }

    /**
     * What IRET does first.
     *
     * @throws GuestFault #GP(0) with NT set: there is no task to return to
     */
    static void requireNoNestedTask(Cpu cpu) {
        if ((cpu.systemFlags & Flags.NT) != 0) {
            throw GuestFault.of(Vector.GENERAL_PROTECTION);
        }
    }

    /**
     * What IRET makes of the flags that it takes.
     *
     * @param size of the operand; with 2 bytes only those change
     */
    static void setReturnedFlags(Cpu cpu, int size, long flags) {
        cpu.setRflags(size == 2 ? cpu.rflags() & ~0xffffL | flags & 0xffff : flags);
    }

    /** IRET to the same level: pops RIP, CS, RFLAGS, RSP, SS. IF stays. */
    static final class InterruptReturn extends Op {
        private final int size;

        InterruptReturn(Binding b) {
            size = b.in.operandSize;
        }

        @Override
        boolean addressesStack() {
            return true;
        }

        @Override
        public Op execute(Cpu cpu) {
            requireNoNestedTask(cpu);
            Mmu mmu = cpu.mmu();
            long rsp = cpu.r[Cpu.RSP];
            long rip = Loads.load(mmu, rsp, size * 8);
            int cs = mmu.read16(rsp + size);
            long flags = Loads.load(mmu, rsp + 2L * size, size * 8);
            long newRsp = Loads.load(mmu, rsp + 3L * size, size * 8);
            int ss = mmu.read16(rsp + 4L * size);
            if (size != 8) {
                rip = Registers.zeroExtend(rip, size * 8);
                newRsp = Registers.zeroExtend(newRsp, size * 8);
            }
            long descriptor = Segments.requireReturn(cpu, cs);
            Segments.requireTarget(descriptor, rip);
            Segments.requireStack(cpu, ss);
            cpu.r[Cpu.RSP] = newRsp;
            cpu.selectors[Segments.SS] = ss;
            setReturnedFlags(cpu, size, flags);
            cpu.budget -= position() + 1;
            Segments.enterCode(cpu, cs, descriptor, rip);
            return null;
        }
    }

    /** Far RET to the same level. */
    static final class FarReturn extends Op {
        private final int size;
        private final int drop;

        FarReturn(Binding b) {
            size = b.in.operandSize;
            drop = (int) b.in.immediate & 0xffff;
        }

        @Override
        boolean addressesStack() {
            return true;
        }

        @Override
        public Op execute(Cpu cpu) {
            Mmu mmu = cpu.mmu();
            long rsp = cpu.r[Cpu.RSP];
            long rip = Registers.zeroExtend(Loads.load(mmu, rsp, size * 8), size * 8);
            int cs = mmu.read16(rsp + size);
            long descriptor = Segments.requireReturn(cpu, cs);
            Segments.requireTarget(descriptor, rip);
            cpu.r[Cpu.RSP] = rsp + 2L * size + drop;
            cpu.budget -= position() + 1;
            Segments.enterCode(cpu, cs, descriptor, rip);
            return null;
        }
    }

    /** Far JMP and CALL through memory, same level. */
    static final class FarIndirect extends MemoryOp {
        private final boolean call;
        private final int size;

        FarIndirect(boolean call, Binding b) {
            super(b);
            this.call = call;
            size = b.in.operandSize;
        }

        @Override
        public Op execute(Cpu cpu) {
            Mmu mmu = cpu.mmu();
            long vaddr = vaddr(cpu.r);
            long rip = Registers.zeroExtend(Loads.load(mmu, vaddr, size * 8), size * 8);
            int cs = mmu.read16(vaddr + size);
            long descriptor = Segments.requireCode(cpu, cs);
            Segments.requireTarget(descriptor, rip);
            if (call) {
                long rsp = cpu.r[Cpu.RSP] - 2L * size;
                Loads.store(mmu, rsp + size, size * 8, cpu.selectors[Segments.CS]);
                Loads.store(mmu, rsp, size * 8, nextAddress(cpu));
                cpu.r[Cpu.RSP] = rsp;
            }
            cpu.budget -= position() + 1;
            Segments.enterCode(cpu, cs, descriptor, rip);
            return null;
        }
    }
}

package org.xenolith.cpu.interp;

import org.xenolith.cpu.Cpu;
import org.xenolith.cpu.GuestFault;
import org.xenolith.cpu.Vector;
import org.xenolith.cpu.decode.Operand;
import org.xenolith.cpu.semantics.Flags;

/**
 * Near jumps, calls and returns of 32-bit code, as far as they are not those of {@link ControlOps}:
 * the stack and EIP have 32 bits, or 16 with a 66 prefix.
 */
final class CompatControlOps {
    private static final long LOW_16 = 0xffff;

    private CompatControlOps() {}

    private static long cut(long eip, int bits) {
        return bits == 16 ? eip & LOW_16 : eip & Registers.LOW_32;
    }

    /**
     * Linear address for a new EIP.
     *
     * @throws GuestFault #GP(0) beyond the limit of CS
     */
    private static long target(Cpu cpu, long eip) {
        cpu.hidden.requireCode(eip);
        return CompatInterpreter.linear(cpu, eip);
    }

    /** CALL rel32. */
    static final class Call extends Branch {
        Call(Binding b) {
            super(b);
        }

        @Override
        public Op execute(Cpu cpu) {
            long back = nextAddress(cpu);
            CompatStack.push(cpu, 32, CompatInterpreter.offset(cpu, back));
            Interpreter.called(cpu, cpu.r[Cpu.RSP], back, nextEntry(), this);
            return taken(cpu);
        }
    }

    /** JMP and CALL through a register or memory. */
    static final class Indirect extends MemoryOp {
        private final boolean call;
        private final boolean memory;
        private final int src;
        private final int bits;

        Indirect(boolean call, Binding b) {
            super(b);
            this.call = call;
            memory = b.in.memory;
            src = b.in.rm;
            bits = b.bits();
        }

        @Override
        public Op execute(Cpu cpu) {
            long[] r = cpu.r;
            long operand = memory ? Loads.load(cpu.mmu(), vaddr(r), bits) : r[src];
            long target = target(cpu, cut(operand, bits));
            if (call) {
                long back = nextAddress(cpu);
                CompatStack.push(cpu, bits, CompatInterpreter.offset(cpu, back));
                Interpreter.called(cpu, r[Cpu.RSP], back, null, this);
            }
            cpu.budget -= position() + 1;
            return Interpreter.enter(cpu, target);
        }
    }

    /** RET, with bytes to drop. */
    static final class Return extends Op {
        private final int bits;
        private final int drop;

        Return(Binding b) {
            bits = b.bits();
            drop = (int) b.in.immediate & 0xffff;
        }

        @Override
        public Op execute(Cpu cpu) {
            long rsp = cpu.r[Cpu.RSP];
            long target = target(cpu, cut(CompatStack.top(cpu, bits), bits));
            CompatStack.drop(cpu, (bits >> 3) + drop);
            cpu.budget -= position() + 1;
            return Interpreter.enterBehindCall(cpu, rsp, target);
        }
    }

    /** JMP, CALL and Jcc with a 66 prefix: of where they lead only 16 bits are kept. */
    static final class CutBranch extends Op {
        /** Condition code of Jcc, or one of the two below. */
        private final int condition;

        private static final int ALWAYS = -1;
        private static final int CALL = -2;
        private final int displacement;

        private CutBranch(int condition, Binding b) {
            this.condition = condition;
            displacement = (int) b.in.immediate;
        }

        static CutBranch jump(Binding b) {
            return new CutBranch(ALWAYS, b);
        }

        static CutBranch call(Binding b) {
            return new CutBranch(CALL, b);
        }

        static CutBranch conditional(Binding b) {
            return new CutBranch(b.in.opcode & 15, b);
        }

        @Override
        public Op execute(Cpu cpu) {
            if (condition >= 0 && !cpu.condition(condition)) {
                return leaveAfter(cpu);
            }
            long back = CompatInterpreter.offset(cpu, nextAddress(cpu));
            long target = target(cpu, back + displacement & LOW_16);
            if (condition == CALL) {
                CompatStack.push(cpu, 16, back);
            }
            cpu.budget -= position() + 1;
            cpu.rip = target;
            return null;
        }
    }

    /** LOOP, LOOPE, LOOPNE and JCXZ that count in CX, or keep 16 bits of where they lead. */
    static final class Loop extends Op {
        private final int opcode;
        private final int addressSize;
        private final int bits;
        private final int displacement;

        Loop(Binding b) {
            opcode = b.in.opcode;
            addressSize = b.in.addressSize;
            bits = b.bits();
            displacement = (int) b.in.immediate;
        }

        /** Whether {@link ControlOps.Loop} does not know such. */
        static boolean isNeeded(Binding b) {
            return b.in.addressSize == 2 || Branch.cutsTarget(b.in);
        }

        @Override
        public Op execute(Cpu cpu) {
            long[] r = cpu.r;
            long mask = Registers.addressMask(addressSize);
            boolean counts = !ControlOps.Loop.onlyTests(opcode);
            long count = r[Cpu.RCX] - (counts ? 1 : 0) & mask;
            boolean again = ControlOps.Loop.isTaken(opcode, count, cpu);
            long behind = CompatInterpreter.offset(cpu, nextAddress(cpu));
            long target = again ? target(cpu, cut(behind + displacement, bits)) : nextAddress(cpu);
            if (counts) {
                Registers.set(r, Cpu.RCX, 0, addressSize * 8, count);
            }
            cpu.budget -= position() + 1;
            cpu.rip = target;
            return null;
        }
    }

    /** INTO: a trap, RIP behind it, if OF is set. */
    static final class Overflow extends Op {
        private final Op interrupt = new ControlOps.SoftwareInterrupt(Vector.OVERFLOW);

        @Override
        void placed() {
            interrupt.standAt(start(), end(), position());
        }

        @Override
        public Op execute(Cpu cpu) {
            if ((cpu.arithmeticFlags() & Flags.OF) == 0) {
                return leaveAfter(cpu);
            }
            return interrupt.execute(cpu);
        }
    }

    // ---- far
    // -----------------------------------------------------------------------------------------

    /** Far JMP and CALL, to a pointer in memory or in the instruction; same level. */
    static final class Far extends MemoryOp {
        private final boolean call;
        private final boolean memory;
        private final int size;
        private final long offset;
        private final int selector;

        Far(boolean call, Binding b) {
            super(b);
            this.call = call;
            memory = b.operand(0) != Operand.AP;
            size = b.in.operandSize;
            offset = cut(b.in.immediate, size * 8);
            selector = (int) b.in.immediate2 & 0xffff;
        }

        @Override
        public Op execute(Cpu cpu) {
            long vaddr = vaddr(cpu.r);
            int bits = size * 8;
            long eip = memory ? cut(Loads.load(cpu.mmu(), vaddr, bits), bits) : offset;
            int cs = memory ? cpu.mmu().read16(vaddr + size) : selector;
            long descriptor = Segments.requireCode(cpu, cs);
            Segments.requireTarget(descriptor, eip);
            if (call) {
                pushReturn(cpu, bits);
            }
            cpu.budget -= position() + 1;
            enter(cpu, cs, descriptor, eip);
            return null;
        }

        private void pushReturn(Cpu cpu, int bits) {
            long back = CompatInterpreter.offset(cpu, nextAddress(cpu));
            long top = CompatStack.offset(cpu, -2L * size);
            CompatStack.store(
                    cpu, CompatStack.offset(cpu, -size), bits, cpu.selectors[Segments.CS]);
            CompatStack.store(cpu, top, bits, back);
            CompatStack.moveTo(cpu, top);
        }
    }

    /** Far RET, and IRET, which takes the flags, too: to the same level the stack stays. */
    static final class FarReturn extends Op {
        private final boolean interrupt;
        private final int size;
        private final int drop;

        FarReturn(boolean interrupt, Binding b) {
            this.interrupt = interrupt;
            size = b.in.operandSize;
            drop = interrupt ? size : (int) b.in.immediate & 0xffff;
        }

        @Override
        public Op execute(Cpu cpu) {
            if (interrupt) {
                ControlOps.requireNoNestedTask(cpu);
            }
            int bits = size * 8;
            long eip = cut(CompatStack.top(cpu, bits), bits);
            int cs = (int) CompatStack.load(cpu, CompatStack.offset(cpu, size), 16) & 0xffff;
            long flags =
                    interrupt ? CompatStack.load(cpu, CompatStack.offset(cpu, 2L * size), bits) : 0;
            long descriptor = Segments.requireReturn(cpu, cs);
            Segments.requireTarget(descriptor, eip);
            CompatStack.drop(cpu, 2L * size + drop);
            if (interrupt) {
                ControlOps.setReturnedFlags(cpu, size, flags);
            }
            cpu.budget -= position() + 1;
            enter(cpu, cs, descriptor, eip);
            return null;
        }
    }

    /** The end of a far transfer: in 32-bit code RIP is linear while it runs. */
    private static void enter(Cpu cpu, int cs, long descriptor, long eip) {
        Segments.enterCode(cpu, cs, descriptor, eip);
        if (cpu.runs32BitCode()) {
            cpu.rip = CompatInterpreter.linear(cpu, eip);
        }
    }

    /** BOUND: #BR unless a signed index lies between the two bounds, both included. */
    static final class Bound extends MemoryOp {
        private final int bits;
        private final int index;

        Bound(Binding b) {
            super(b);
            bits = b.bits();
            index = b.in.reg;
        }

        @Override
        public Op execute(Cpu cpu) {
            long vaddr = vaddr(cpu.r);
            long low = Loads.load(cpu.mmu(), vaddr, bits);
            long high = Loads.load(cpu.mmu(), vaddr + (bits >> 3), bits);
            long value = Registers.get(cpu.r, index, 0, bits);
            if (value < low || value > high) {
                throw GuestFault.of(Vector.BOUND_RANGE);
            }
            return next;
        }
    }
}

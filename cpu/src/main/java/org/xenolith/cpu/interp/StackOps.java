package org.xenolith.cpu.interp;

import org.xenolith.cpu.Cpu;
import org.xenolith.cpu.GuestFault;
import org.xenolith.cpu.Vector;
import org.xenolith.cpu.decode.Operand;
import org.xenolith.cpu.mmu.Mmu;
import org.xenolith.cpu.semantics.Flags;

/** PUSH, POP, PUSHF, POPF, ENTER and LEAVE. RSP does not change when the access faults. */
final class StackOps {
    private StackOps() {}

    static Op push(Binding b) {
        boolean wide = b.bits() == 64;
        return switch (b.operand(0)) {
            case ZV -> wide ? new Push64(b) : new PushNarrow(b);
            case FS, GS -> new PushSegment(b);
            case IZ, IBS -> new PushImmediate(b);
            default -> b.in.memory ? new PushMemory(b) : wide ? new Push64(b) : new PushNarrow(b);
        };
    }

    static Op pop(Binding b) {
        return switch (b.operand(0)) {
            case FS, GS -> new PopSegment(b);
            case ZV -> b.bits() == 64 ? new Pop64(b.in.rm) : new PopGeneral(b);
            default -> new PopGeneral(b);
        };
    }

    /**
     * Bytes by which RSP, as base of the memory operand, has moved when the address is formed: POP
     * forms it with the value after the pop.
     */
    static int movedBefore(Binding b) {
        boolean pops = b.in.base == Cpu.RSP && b.in.row.mnemonic().equals("pop");
        return pops ? b.in.operandSize : 0;
    }

    /** Whether a PUSH is one of a register of 64 bits. */
    static boolean isPush64(Binding b) {
        return b.operand(0) == Operand.ZV && b.bits() == 64;
    }

    private abstract static class StackOp extends Op {
        @Override
        final boolean addressesStack() {
            return true;
        }
    }

    static class Push64 extends StackOp {
        private final byte src;

        Push64(Binding b) {
            src = (byte) b.in.rm;
        }

        @Override
        public Op execute(Cpu cpu) {
            long[] r = cpu.r;
            long rsp = r[Cpu.RSP] - 8;
            cpu.mmu().write64(rsp, r[src]);
            r[Cpu.RSP] = rsp;
            return next;
        }
    }

    private static final class Pop64 extends StackOp {
        private final byte dst;

        Pop64(int dst) {
            this.dst = (byte) dst;
        }

        @Override
        public Op execute(Cpu cpu) {
            long[] r = cpu.r;
            long rsp = r[Cpu.RSP];
            long value = cpu.mmu().read64(rsp);
            r[Cpu.RSP] = rsp + 8;
            r[dst] = value;
            return next;
        }
    }

    static void push(Cpu cpu, int bits, long value) {
        long rsp = cpu.r[Cpu.RSP] - (bits >> 3);
        Loads.store(cpu.mmu(), rsp, bits, value);
        cpu.r[Cpu.RSP] = rsp;
    }

    /**
     * For an instruction with a memory operand beside the stack, where the operand decides what
     * {@link Op#addressesStack} says.
     *
     * @throws GuestFault #SS(0) unless the stack's bytes are canonical
     */
    static void requireCanonicalStack(long vaddr, int bytes) {
        if (!Mmu.isCanonical(vaddr) || !Mmu.isCanonical(vaddr + bytes - 1)) {
            throw GuestFault.of(Vector.STACK_FAULT);
        }
    }

    private static final class PushNarrow extends StackOp {
        private final int src;
        private final int bits;

        PushNarrow(Binding b) {
            src = b.in.rm;
            bits = b.bits();
        }

        @Override
        public Op execute(Cpu cpu) {
            push(cpu, bits, cpu.r[src]);
            return next;
        }
    }

    private static final class PushImmediate extends StackOp {
        private final int bits;
        private final long immediate;

        PushImmediate(Binding b) {
            bits = b.bits();
            immediate = b.in.immediate;
        }

        @Override
        public Op execute(Cpu cpu) {
            push(cpu, bits, immediate);
            return next;
        }
    }

    private static final class PushSegment extends StackOp {
        private final int bits;
        private final int segment;

        PushSegment(Binding b) {
            bits = b.bits();
            segment = b.in.opcode == 0xa0 ? Segments.FS : Segments.GS;
        }

        @Override
        public Op execute(Cpu cpu) {
            push(cpu, bits, cpu.selectors[segment]);
            return next;
        }
    }

    private static final class PushMemory extends MemoryOp {
        private final int bits;

        PushMemory(Binding b) {
            super(b);
            bits = b.bits();
        }

        @Override
        public Op execute(Cpu cpu) {
            long value = Loads.load(cpu.mmu(), vaddr(cpu.r), bits);
            requireCanonicalStack(cpu.r[Cpu.RSP] - (bits >> 3), bits >> 3);
            push(cpu, bits, value);
            return next;
        }
    }

    private static final class PopGeneral extends MemoryOp {
        private final boolean memory;
        private final int bits;
        private final int dst;

        PopGeneral(Binding b) {
            super(b);
            memory = b.in.memory;
            bits = b.bits();
            dst = b.in.rm;
        }

        @Override
        public Op execute(Cpu cpu) {
            long[] r = cpu.r;
            Mmu mmu = cpu.mmu();
            long rsp = r[Cpu.RSP];
            requireCanonicalStack(rsp, bits >> 3);
            long value = Loads.load(mmu, rsp, bits);
            if (memory) {
                Loads.store(mmu, vaddr(r), bits, value);
                r[Cpu.RSP] = rsp + (bits >> 3);
            } else {
                r[Cpu.RSP] = rsp + (bits >> 3);
                Registers.set(r, dst, 0, bits, value);
            }
            return next;
        }
    }

    private static final class PopSegment extends StackOp {
        private final int bits;
        private final int segment;

        PopSegment(Binding b) {
            bits = b.bits();
            segment = b.in.opcode == 0xa1 ? Segments.FS : Segments.GS;
        }

        @Override
        public Op execute(Cpu cpu) {
            long rsp = cpu.r[Cpu.RSP];
            int selector = cpu.mmu().read16(rsp);
            Segments.load(cpu, segment, selector);
            cpu.r[Cpu.RSP] = rsp + (bits >> 3);
            return next;
        }
    }

    /** What PUSHF shows of RFLAGS. */
    static long pushedFlags(Cpu cpu) {
        return cpu.rflags() & ~(long) (Flags.RF | Flags.VM);
    }

    /** What POPF makes of a value: of 16 bits, only those change. */
    static void popFlags(Cpu cpu, int bits, long value) {
        cpu.setRflags(
                bits == 16 ? cpu.rflags() & ~0xffffL | value & 0xffff : value & ~(long) Flags.RF);
    }

    static final class PushFlags extends StackOp {
        private final int bits;

        PushFlags(Binding b) {
            bits = b.bits();
        }

        @Override
        public Op execute(Cpu cpu) {
            push(cpu, bits, pushedFlags(cpu));
            return next;
        }
    }

    /** POPF; at CPL 3 it changes neither IF nor IOPL. Leaves the block: TF may be set now. */
    static final class PopFlags extends StackOp {
        private final int bits;

        PopFlags(Binding b) {
            bits = b.bits();
        }

        @Override
        public Op execute(Cpu cpu) {
            long rsp = cpu.r[Cpu.RSP];
            long value = Loads.load(cpu.mmu(), rsp, bits);
            cpu.r[Cpu.RSP] = rsp + (bits >> 3);
            boolean trapped = (cpu.systemFlags & Flags.TF) != 0;
            popFlags(cpu, bits, value);
            boolean traps = (cpu.systemFlags & Flags.TF) != 0;
            return traps == trapped ? next : leaveAfter(cpu);
        }
    }

    static final class Leave extends StackOp {
        private final int bits;

        Leave(Binding b) {
            bits = b.bits();
        }

        @Override
        public Op execute(Cpu cpu) {
            long[] r = cpu.r;
            long rbp = r[Cpu.RBP];
            long value = Loads.load(cpu.mmu(), rbp, bits);
            r[Cpu.RSP] = rbp + (bits >> 3);
            Registers.set(r, Cpu.RBP, 0, bits, value);
            return next;
        }
    }

    /** ENTER with any nesting level. The whole new frame is checked before RSP and RBP change. */
    static final class Enter extends StackOp {
        private final int bits;
        private final int size;
        private final int level;

        Enter(Binding b) {
            bits = b.bits();
            size = (int) b.in.immediate & 0xffff;
            level = (int) b.in.immediate2 & 31;
        }

        @Override
        public Op execute(Cpu cpu) {
            long[] r = cpu.r;
            Mmu mmu = cpu.mmu();
            int bytes = bits >> 3;
            long rsp = r[Cpu.RSP] - bytes;
            long frame = rsp;
            long rbp = r[Cpu.RBP];
            Loads.store(mmu, rsp, bits, rbp);
            for (int i = 1; i < level; i++) {
                rsp -= bytes;
                Loads.store(mmu, rsp, bits, Loads.load(mmu, rbp - (long) i * bytes, bits));
            }
            if (level > 0) {
                rsp -= bytes;
                Loads.store(mmu, rsp, bits, frame);
            }
            rsp -= size;
            mmu.checkWritable(rsp);
            Registers.set(r, Cpu.RBP, 0, bits, frame);
            r[Cpu.RSP] = rsp;
            return next;
        }
    }
}

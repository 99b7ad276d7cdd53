package org.xenolith.cpu.interp;

import org.xenolith.cpu.Cpu;
import org.xenolith.cpu.decode.Operand;
import org.xenolith.cpu.semantics.Flags;

/**
 * PUSH, POP and their kin in 32-bit code, of 4 bytes or 2; what they do but for the stack is that
 * of {@link StackOps}.
 */
final class CompatStackOps {
    private CompatStackOps() {}

    static Op push(Binding b) {
        return switch (b.operand(0)) {
            case IZ, IBS -> new PushImmediate(b);
            case ES, CS, SS, DS, FS, GS -> new PushSegment(b);
            default -> b.in.memory ? new PushMemory(b) : new PushRegister(b);
        };
    }

    static Op pop(Binding b) {
        return switch (b.operand(0)) {
            case ES, SS, DS, FS, GS -> new PopSegment(b);
            default -> new PopGeneral(b);
        };
    }

    /** Number of the segment register that the opcode names. */
    private static int segment(Operand operand) {
        return switch (operand) {
            case ES -> Segments.ES;
            case CS -> Segments.CS;
            case SS -> Segments.SS;
            case DS -> Segments.DS;
            case FS -> Segments.FS;
            default -> Segments.GS;
        };
    }

    private static final class PushRegister extends Op {
        private final byte src;
        private final byte bits;

        PushRegister(Binding b) {
            src = (byte) b.in.rm;
            bits = (byte) b.bits();
        }

        @Override
        public Op execute(Cpu cpu) {
            CompatStack.push(cpu, bits, cpu.r[src]);
            return next;
        }
    }

    private static final class PushImmediate extends Op {
        private final byte bits;
        private final int immediate;

        PushImmediate(Binding b) {
            bits = (byte) b.bits();
            immediate = (int) b.in.immediate;
        }

        @Override
        public Op execute(Cpu cpu) {
            CompatStack.push(cpu, bits, immediate);
            return next;
        }
    }

    /**
     * A selector; with 4 bytes processors differ in whether the upper 2 are written, here they are
     * 0. SDM vol. 2, PUSH, "IA-32 Architecture Compatibility".
     */
    private static final class PushSegment extends Op {
        private final int bits;
        private final int segment;

        PushSegment(Binding b) {
            bits = b.bits();
            segment = segment(b.operand(0));
        }

        @Override
        public Op execute(Cpu cpu) {
            CompatStack.push(cpu, bits, cpu.selectors[segment]);
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
            CompatStack.push(cpu, bits, Loads.load(cpu.mmu(), vaddr(cpu.r), bits));
            return next;
        }
    }

    private static final class PopGeneral extends MemoryOp {
        private final boolean memory;
        private final byte bits;
        private final byte dst;

        PopGeneral(Binding b) {
            super(b);
            memory = b.in.memory;
            bits = (byte) b.bits();
            dst = (byte) b.in.rm;
        }

        @Override
        public Op execute(Cpu cpu) {
            long value = CompatStack.top(cpu, bits);
            if (memory) {
                Loads.store(cpu.mmu(), vaddr(cpu.r), bits, value);
                CompatStack.drop(cpu, bits >> 3);
            } else {
                CompatStack.drop(cpu, bits >> 3);
                Registers.set(cpu.r, dst, 0, bits, value);
            }
            return next;
        }
    }

    private static final class PopSegment extends Op {
        private final int bits;
        private final int segment;

        PopSegment(Binding b) {
            bits = b.bits();
            segment = segment(b.operand(0));
        }

        @Override
        public Op execute(Cpu cpu) {
            int selector = (int) CompatStack.top(cpu, 16) & 0xffff;
            // Of SS, too, the old one's width says how the pointer moves.
            long offset = CompatStack.offset(cpu, bits >> 3);
            long mask = cpu.hidden.stackMask();
            Segments.load(cpu, segment, selector);
            long[] r = cpu.r;
            r[Cpu.RSP] = r[Cpu.RSP] & Registers.LOW_32 & ~mask | offset;
            if (segment == Segments.SS) {
                cpu.trapShadow = true;
            }
            return next;
        }
    }

    static final class PushFlags extends Op {
        private final int bits;

        PushFlags(Binding b) {
            bits = b.bits();
        }

        @Override
        public Op execute(Cpu cpu) {
            CompatStack.push(cpu, bits, StackOps.pushedFlags(cpu));
            return next;
        }
    }

    static final class PopFlags extends Op {
        private final int bits;

        PopFlags(Binding b) {
            bits = b.bits();
        }

        @Override
        public Op execute(Cpu cpu) {
            long value = CompatStack.top(cpu, bits) & Registers.LOW_32;
            CompatStack.drop(cpu, bits >> 3);
            boolean trapped = (cpu.systemFlags & Flags.TF) != 0;
            StackOps.popFlags(cpu, bits, value);
            boolean traps = (cpu.systemFlags & Flags.TF) != 0;
            return traps == trapped ? next : leaveAfter(cpu);
        }
    }

    /** PUSHA: EAX, ECX, EDX, EBX, ESP as it was, EBP, ESI, EDI. All eight are checked first. */
    static final class PushAll extends Op {
        private static final int REGISTERS = 8;
        private final int bits;

        PushAll(Binding b) {
            bits = b.bits();
        }

        @Override
        public Op execute(Cpu cpu) {
            int bytes = bits >> 3;
            for (int i = REGISTERS; i > 0; i--) {
                long offset = CompatStack.offset(cpu, -i * bytes);
                long vaddr = cpu.hidden.linear(cpu, Segments.SS, offset, bytes, true);
                cpu.mmu().checkWritable(vaddr, bytes);
            }
            for (int i = 0; i < REGISTERS; i++) {
                long offset = CompatStack.offset(cpu, -(i + 1) * bytes);
                CompatStack.store(cpu, offset, bits, cpu.r[i]);
            }
            CompatStack.drop(cpu, -REGISTERS * bytes);
            return next;
        }
    }

    /** POPA: the other way round; what stands for ESP is skipped. */
    static final class PopAll extends Op {
        private static final int REGISTERS = 8;
        private final int bits;

        PopAll(Binding b) {
            bits = b.bits();
        }

        @Override
        public Op execute(Cpu cpu) {
            int bytes = bits >> 3;
            long[] values = new long[REGISTERS];
            for (int i = REGISTERS - 1; i >= 0; i--) {
                long offset = CompatStack.offset(cpu, (REGISTERS - 1 - i) * bytes);
                values[i] = CompatStack.load(cpu, offset, bits);
            }
            for (int i = 0; i < REGISTERS; i++) {
                if (i != Cpu.RSP) {
                    Registers.set(cpu.r, i, 0, bits, values[i]);
                }
            }
            CompatStack.drop(cpu, REGISTERS * bytes);
            return next;
        }
    }

    static final class Leave extends Op {
        private final int bits;

        Leave(Binding b) {
            bits = b.bits();
        }

        @Override
        public Op execute(Cpu cpu) {
            long[] r = cpu.r;
            long mask = cpu.hidden.stackMask();
            long frame = r[Cpu.RBP] & mask;
            long value = CompatStack.load(cpu, frame, bits);
            CompatStack.moveTo(cpu, frame + (bits >> 3) & mask);
            Registers.set(r, Cpu.RBP, 0, bits, value);
            return next;
        }
    }

    /** ENTER with any nesting level; the whole new frame is checked before ESP and EBP change. */
    static final class Enter extends Op {
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
            int bytes = bits >> 3;
            long mask = cpu.hidden.stackMask();
            long ebp = cpu.r[Cpu.RBP];
            long frame = CompatStack.offset(cpu, -bytes);
            CompatStack.store(cpu, frame, bits, ebp);
            long top = frame;
            for (int i = 1; i < level; i++) {
                top = top - bytes & mask;
                long outer = CompatStack.load(cpu, ebp - (long) i * bytes & mask, bits);
                CompatStack.store(cpu, top, bits, outer);
            }
            if (level > 0) {
                top = top - bytes & mask;
                CompatStack.store(cpu, top, bits, cpu.r[Cpu.RSP] & ~mask | frame);
            }
            top = top - size & mask;
            cpu.mmu().checkWritable(cpu.hidden.linear(cpu, Segments.SS, top, 1, true));
            long newEbp = cpu.r[Cpu.RSP] & ~mask | frame;
            Registers.set(cpu.r, Cpu.RBP, 0, bits, newEbp);
            CompatStack.moveTo(cpu, top);
            return next;
        }
    }
}

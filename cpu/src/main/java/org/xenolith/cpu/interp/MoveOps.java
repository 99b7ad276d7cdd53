package org.xenolith.cpu.interp;

import org.xenolith.cpu.Cpu;
import org.xenolith.cpu.decode.Operand;
import org.xenolith.cpu.mmu.Mmu;

/** Moves of general registers and memory, as far as they are no {@link RegisterMove}. */
final class MoveOps {
    private MoveOps() {}

    static Op mov(Binding b) {
        int bits = OperandForm.isByte(b, 0) ? 8 : b.bits();
        return switch (OperandForm.of(b)) {
            case RR -> new MoveNarrow(b);
            case RI -> new MoveImmediate(b, bits);
            case RM ->
                    switch (bits) {
                        case 64 -> new Load64(b);
                        case 32 -> new Load32(b);
                        case 16 -> new Load16(b);
                        default -> new Load8(b);
                    };
            case MR ->
                    switch (bits) {
                        case 64 -> new Store64(b);
                        case 32 -> new Store32(b);
                        case 16 -> new Store16(b);
                        default -> new Store8(b);
                    };
            case MI -> new StoreImmediate(b, bits);
        };
    }

    private static final class MoveNarrow extends OperandForm.RegisterRegister {
        private final boolean bytes;

        MoveNarrow(Binding b) {
            super(b);
            bytes = OperandForm.isByte(b, 0);
        }

        @Override
        public Op execute(Cpu cpu) {
            long[] r = cpu.r;
            if (bytes) {
                Registers.set8(r, dst, dstShift, r[src] >> srcShift);
            } else {
                Registers.set16(r, dst, r[src]);
            }
            return next;
        }
    }

    private static final class MoveImmediate extends Op {
        private final int dst;
        private final long keep;
        private final long value;

        MoveImmediate(Binding b, int bits) {
            int number = OperandForm.registerOf(b, 0);
            int shift = bits == 8 ? b.byteShift(number) : 0;
            dst = bits == 8 ? b.byteRegister(number) : number;
            keep = bits >= 32 ? 0 : ~(((1L << bits) - 1) << shift);
            value = Registers.zeroExtend(b.in.immediate, bits) << shift;
        }

        @Override
        public Op execute(Cpu cpu) {
            long[] r = cpu.r;
            r[dst] = r[dst] & keep | value;
            return next;
        }
    }

    static class Load64 extends OperandForm.RegisterMemory {
        Load64(Binding b) {
            super(b);
        }

        @Override
        public Op execute(Cpu cpu) {
            long[] r = cpu.r;
            r[dst] = cpu.mmu().read64(vaddr(r));
            return next;
        }
    }

    static class Load32 extends OperandForm.RegisterMemory {
        Load32(Binding b) {
            super(b);
        }

        @Override
        public Op execute(Cpu cpu) {
            long[] r = cpu.r;
            r[dst] = cpu.mmu().read32(vaddr(r)) & Registers.LOW_32;
            return next;
        }
    }

    private static final class Load16 extends OperandForm.RegisterMemory {
        Load16(Binding b) {
            super(b);
        }

        @Override
        public Op execute(Cpu cpu) {
            long[] r = cpu.r;
            Registers.set16(r, dst, cpu.mmu().read16(vaddr(r)));
            return next;
        }
    }

    private static final class Load8 extends OperandForm.RegisterMemory {
        Load8(Binding b) {
            super(b);
        }

        @Override
        public Op execute(Cpu cpu) {
            long[] r = cpu.r;
            Registers.set8(r, dst, dstShift, cpu.mmu().read8(vaddr(r)));
            return next;
        }
    }

    static class Store64 extends OperandForm.MemoryRegister {
        Store64(Binding b) {
            super(b);
        }

        @Override
        public Op execute(Cpu cpu) {
            long[] r = cpu.r;
            cpu.mmu().write64(vaddr(r), r[reg]);
            return next;
        }
    }

    private static final class Store32 extends OperandForm.MemoryRegister {
        Store32(Binding b) {
            super(b);
        }

        @Override
        public Op execute(Cpu cpu) {
            long[] r = cpu.r;
            cpu.mmu().write32(vaddr(r), (int) r[reg]);
            return next;
        }
    }

    private static final class Store16 extends OperandForm.MemoryRegister {
        Store16(Binding b) {
            super(b);
        }

        @Override
        public Op execute(Cpu cpu) {
            long[] r = cpu.r;
            cpu.mmu().write16(vaddr(r), (int) r[reg]);
            return next;
        }
    }

    private static final class Store8 extends OperandForm.MemoryRegister {
        Store8(Binding b) {
            super(b);
        }

        @Override
        public Op execute(Cpu cpu) {
            long[] r = cpu.r;
            cpu.mmu().write8(vaddr(r), (int) (r[reg] >> regShift));
            return next;
        }
    }

    private static final class StoreImmediate extends OperandForm.MemoryImmediate {
        private final byte bits;

        StoreImmediate(Binding b, int bits) {
            super(b);
            this.bits = (byte) bits;
        }

        @Override
        public Op execute(Cpu cpu) {
            Loads.store(cpu.mmu(), vaddr(cpu.r), bits, immediate);
            return next;
        }
    }

    // ---- LEA
    // -------------------------------------------------------------------------------------------

    static Op lea(Binding b) {
        return b.bits() == 64 ? new Lea64(b) : new LeaNarrow(b);
    }

    private static final class Lea64 extends MemoryOp {
        private final byte dst;

        Lea64(Binding b) {
            super(b);
            dst = (byte) b.in.reg;
        }

        @Override
        public Op execute(Cpu cpu) {
            long[] r = cpu.r;
            r[dst] = r[base] + (r[index] << scale) + displacement;
            return next;
        }
    }

    private static final class LeaNarrow extends MemoryOp {
        private final byte dst;
        private final byte bits;

        LeaNarrow(Binding b) {
            super(b);
            dst = (byte) b.in.reg;
            bits = (byte) b.bits();
        }

        @Override
        public Op execute(Cpu cpu) {
            long[] r = cpu.r;
            Registers.set(r, dst, 0, bits, r[base] + (r[index] << scale) + displacement);
            return next;
        }
    }

    // ---- the rest
    // --------------------------------------------------------------------------------------

    /** XCHG of two registers. */
    static final class ExchangeRegisters extends OperandForm.RegisterRegister {
        private final int bits;

        ExchangeRegisters(Binding b) {
            super(b);
            bits = OperandForm.isByte(b, 0) ? 8 : b.bits();
        }

        @Override
        public Op execute(Cpu cpu) {
            long[] r = cpu.r;
            long first = Registers.get(r, dst, dstShift, bits);
            Registers.set(r, dst, dstShift, bits, Registers.get(r, src, srcShift, bits));
            Registers.set(r, src, srcShift, bits, first);
            return next;
        }
    }

    /** BSWAP; the 16-bit form, undefined, clears the low word as processors do. */
    static final class ByteSwap extends Op {
        private final int dst;
        private final int bits;

        ByteSwap(Binding b) {
            dst = b.in.rm;
            bits = b.bits();
        }

        @Override
        public Op execute(Cpu cpu) {
            long[] r = cpu.r;
            switch (bits) {
                case 64 -> r[dst] = Long.reverseBytes(r[dst]);
                case 32 -> r[dst] = Integer.reverseBytes((int) r[dst]) & Registers.LOW_32;
                default -> Registers.set16(r, dst, 0);
            }
            return next;
        }
    }

    /** MOVBE: between a register and memory, the bytes in reverse order. */
    static final class MoveSwapped extends MemoryOp {
        private final boolean store;
        private final int bits;
        private final int reg;

        MoveSwapped(Binding b) {
            super(b);
            store = b.operand(0) == Operand.MV;
            bits = b.bits();
            reg = b.in.reg;
        }

        @Override
        public Op execute(Cpu cpu) {
            long vaddr = vaddr(cpu.r);
            if (store) {
                Loads.store(cpu.mmu(), vaddr, bits, swapped(cpu.r[reg]));
            } else {
                Registers.set(cpu.r, reg, 0, bits, swapped(Loads.load(cpu.mmu(), vaddr, bits)));
            }
            return next;
        }

        private long swapped(long value) {
            return Long.reverseBytes(value) >>> 64 - bits;
        }
    }

    /** XLAT: AL := [RBX + AL]. */
    static final class TableLookup extends Op {
        private final int segment;

        /** Bits of the address that count. */
        private final long mask;

        TableLookup(Binding b) {
            segment = b.in.segment;
            mask = b.in.addressSize == 4 ? Registers.LOW_32 : -1;
        }

        @Override
        public Op execute(Cpu cpu) {
            long[] r = cpu.r;
            Mmu mmu = cpu.mmu();
            long offset = r[Cpu.RBX] + (r[Cpu.RAX] & 0xff) & mask;
            Registers.set8(r, Cpu.RAX, 0, mmu.read8(offset + r[segment]));
            return next;
        }
    }

    /** SETcc. */
    static final class SetCondition extends MemoryOp {
        private final byte condition;
        private final boolean memory;
        private final byte dst;
        private final byte dstShift;

        SetCondition(Binding b) {
            super(b);
            condition = (byte) (b.in.opcode & 15);
            memory = b.in.memory;
            dst = (byte) b.byteRegister(b.in.rm);
            dstShift = (byte) b.byteShift(b.in.rm);
        }

        @Override
        public Op execute(Cpu cpu) {
            int value = cpu.condition(condition) ? 1 : 0;
            if (memory) {
                cpu.mmu().write8(vaddr(cpu.r), value);
            } else {
                Registers.set8(cpu.r, dst, dstShift, value);
            }
            return next;
        }
    }

    /** MOVNTI and MOVBE-like plain stores of a register. */
    static Op movnti(Binding b) {
        return b.bits() == 64 ? new Store64(b) : new Store32(b);
    }
}

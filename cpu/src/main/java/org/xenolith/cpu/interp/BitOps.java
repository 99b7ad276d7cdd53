package org.xenolith.cpu.interp;

import org.xenolith.cpu.Cpu;
import org.xenolith.cpu.decode.Operand;
import org.xenolith.cpu.mmu.Mmu;
import org.xenolith.cpu.semantics.Flags;
import org.xenolith.cpu.semantics.simd.Crc32c;

/** Bit tests, scans and counts. */
final class BitOps {
    enum Kind {
        TEST,
        SET,
        RESET,
        COMPLEMENT;

        long apply(long a, long bit) {
            return switch (this) {
                case TEST -> a;
                case SET -> a | bit;
                case RESET -> a & ~bit;
                case COMPLEMENT -> a ^ bit;
            };
        }
    }

    private BitOps() {}

    /** BT, BTS, BTR, BTC. A register offset with a memory operand reaches beyond the operand. */
    static final class BitTest extends MemoryOp {
        private final Kind kind;
        private final boolean locked;
        private final boolean memory;
        private final boolean constant;
        private final boolean address32;
        private final int bits;
        private final int dst;
        private final int offsetRegister;
        private final int offset;

        BitTest(Kind kind, Binding b) {
            super(b);
            this.kind = kind;
            locked = b.in.lock;
            memory = b.in.memory;
            constant = b.operand(1) == Operand.IB;
            address32 = b.in.addressSize == 4;
            bits = b.bits();
            dst = b.in.rm;
            offsetRegister = b.in.reg;
            offset = (int) b.in.immediate & bits - 1;
        }

        @Override
        public Op execute(Cpu cpu) {
            long[] r = cpu.r;
            long position = constant ? offset : Registers.get(r, offsetRegister, 0, bits);
            long mask = 1L << (position & bits - 1);
            long a;
            if (memory) {
                a = onMemory(cpu.mmu(), operandAddress(r, position), mask);
            } else {
                a = Registers.get(r, dst, 0, bits);
                if (kind != Kind.TEST) {
                    Registers.set(r, dst, 0, bits, kind.apply(a, mask));
                }
            }
            int carry = (a & mask) != 0 ? Flags.CF : 0;
            cpu.setCarry(carry);
            return next;
        }

        private long operandAddress(long[] r, long position) {
            long beyond = constant ? 0 : beyond(position, bits);
            return address32
                    ? (r[base] + beyond & Registers.LOW_32) + r[segment]
                    : vaddr(r) + beyond;
        }

        /** Whether it goes to where a register says from its memory operand. */
        static boolean goesBeyond(Binding b) {
            return switch (b.in.row.mnemonic()) {
                case "bt", "bts", "btr", "btc" -> b.operand(1) != Operand.IB;
                default -> false;
            };
        }

        /** Bytes from the operand to what holds the bit of that number. SDM vol. 2, 3.1.1.9. */
        static long beyond(long position, int bits) {
            return (position >> log2(bits)) * (bits >> 3);
        }

        private static int log2(int bits) {
            return 31 - Integer.numberOfLeadingZeros(bits);
        }

        private long onMemory(Mmu mmu, long vaddr, long mask) {
            if (kind == Kind.TEST) {
                return Loads.load(mmu, vaddr, bits);
            }
            if (locked) {
                long old;
                do {
                    old = Atomics.loadForUpdate(mmu, vaddr, bits);
                } while (!Atomics.compareAndSet(mmu, vaddr, bits, old, kind.apply(old, mask)));
                return old;
            }
            mmu.checkUpdate(vaddr, bits >> 3);
            long old = Loads.load(mmu, vaddr, bits);
            Loads.store(mmu, vaddr, bits, kind.apply(old, mask));
            return old;
        }
    }

    /**
     * BSF and BSR; a source of 0 sets ZF and keeps the destination, as all processors do. The other
     * flags are undefined; they are left as hardware shows them for the source.
     */
    static final class Scan extends MemoryOp {
        private final boolean forward;
        private final boolean memory;
        private final int bits;
        private final int dst;
        private final int src;

        Scan(boolean forward, Binding b) {
            super(b);
            this.forward = forward;
            memory = b.in.memory;
            bits = b.bits();
            dst = b.in.reg;
            src = b.in.rm;
        }

        @Override
        public Op execute(Cpu cpu) {
            long[] r = cpu.r;
            long value =
                    memory ? Loads.load(cpu.mmu(), vaddr(r), bits) : Registers.get(r, src, 0, bits);
            if (value != 0) {
                long position =
                        forward
                                ? Long.numberOfTrailingZeros(value)
                                : 63 - Long.numberOfLeadingZeros(Registers.zeroExtend(value, bits));
                Registers.set(r, dst, 0, bits, position);
            }
            cpu.setArithmeticFlags(cpu.arithmeticFlags() & ~Flags.ZF | (value == 0 ? Flags.ZF : 0));
            return next;
        }
    }

    /** POPCNT: ZF by the source, the other flags clear. */
    static final class PopulationCount extends MemoryOp {
        private final boolean memory;
        private final int bits;
        private final int dst;
        private final int src;

        PopulationCount(Binding b) {
            super(b);
            memory = b.in.memory;
            bits = b.bits();
            dst = b.in.reg;
            src = b.in.rm;
        }

        @Override
        public Op execute(Cpu cpu) {
            long[] r = cpu.r;
            long value =
                    memory ? Loads.load(cpu.mmu(), vaddr(r), bits) : Registers.get(r, src, 0, bits);
            int count = Long.bitCount(Registers.zeroExtend(value, bits));
            Registers.set(r, dst, 0, bits, count);
            cpu.setArithmeticFlags(count == 0 ? Flags.ZF : 0);
            return next;
        }
    }

    /** CRC32: the checksum in a general register, fed with 1 to 8 bytes; flags stay. */
    static final class Checksum extends MemoryOp {
        private final boolean memory;
        private final int bits;
        private final int dst;
        private final int src;
        private final int srcShift;

        Checksum(Binding b) {
            super(b);
            memory = b.in.memory;
            bits = b.operand(1) == Operand.EB ? 8 : b.bits();
            dst = b.in.reg;
            src = bits == 8 ? b.byteRegister(b.in.rm) : b.in.rm;
            srcShift = bits == 8 ? b.byteShift(b.in.rm) : 0;
        }

        @Override
        public Op execute(Cpu cpu) {
            long[] r = cpu.r;
            long value =
                    memory
                            ? Loads.load(cpu.mmu(), vaddr(r), bits)
                            : Registers.get(r, src, srcShift, bits);
            r[dst] = Crc32c.crc32(r[dst], value, bits >> 3);
            return next;
        }
    }
}

package org.xenolith.cpu.interp;

import org.xenolith.cpu.Cpu;

/** Values made wider: by zeroes, or by their sign. */
final class ExtendOps {
    private ExtendOps() {}

    /**
     * MOVZX, MOVSX, MOVSXD.
     *
     * @param sourceBits 8, 16 or 32
     */
    static Op move(Binding b, int sourceBits, boolean signed) {
        if (!signed && b.bits() == 32 && sourceBits != 32) {
            if (b.in.memory) {
                return sourceBits == 8 ? new LoadZero8(b) : new LoadZero16(b);
            }
            if (sourceBits == 8) {
                return new MoveZero8(b);
            }
        }
        return new Extend(b, sourceBits, signed);
    }

    private static final class LoadZero8 extends MemoryOp {
        private final byte dst;

        LoadZero8(Binding b) {
            super(b);
            dst = (byte) b.in.reg;
        }

        @Override
        public Op execute(Cpu cpu) {
            long[] r = cpu.r;
            r[dst] = cpu.mmu().read8(vaddr(r));
            return next;
        }
    }

    private static final class LoadZero16 extends MemoryOp {
        private final byte dst;

        LoadZero16(Binding b) {
            super(b);
            dst = (byte) b.in.reg;
        }

        @Override
        public Op execute(Cpu cpu) {
            long[] r = cpu.r;
            r[dst] = cpu.mmu().read16(vaddr(r));
            return next;
        }
    }

    private static final class MoveZero8 extends Op {
        private final int dst;
        private final int src;
        private final int srcShift;

        MoveZero8(Binding b) {
            dst = b.in.reg;
            src = b.byteRegister(b.in.rm);
            srcShift = b.byteShift(b.in.rm);
        }

        @Override
        public Op execute(Cpu cpu) {
            long[] r = cpu.r;
            r[dst] = r[src] >> srcShift & 0xff;
            return next;
        }
    }

    private static final class Extend extends MemoryOp {
        private final boolean memory;
        private final boolean signed;
        private final byte sourceBits;
        private final byte bits;
        private final byte dst;
        private final byte src;
        private final byte srcShift;

        Extend(Binding b, int sourceBits, boolean signed) {
            super(b);
            this.memory = b.in.memory;
            this.signed = signed;
            this.sourceBits = (byte) sourceBits;
            this.bits = (byte) b.bits();
            this.dst = (byte) b.in.reg;
            this.src = (byte) (sourceBits == 8 ? b.byteRegister(b.in.rm) : b.in.rm);
            this.srcShift = (byte) (sourceBits == 8 ? b.byteShift(b.in.rm) : 0);
        }

        @Override
        public Op execute(Cpu cpu) {
            long[] r = cpu.r;
            long value =
                    memory
                            ? Loads.load(cpu.mmu(), vaddr(r), sourceBits)
                            : Registers.get(r, src, srcShift, sourceBits);
            Registers.set(
                    r, dst, 0, bits, signed ? value : Registers.zeroExtend(value, sourceBits));
            return next;
        }
    }

    /** CBW, CWDE, CDQE: sign-extends the lower half of the accumulator into the whole. */
    static final class ExtendAccumulator extends Op {
        private final int bits;

        ExtendAccumulator(Binding b) {
            bits = b.bits();
        }

        @Override
        public Op execute(Cpu cpu) {
            long[] r = cpu.r;
            Registers.set(r, Cpu.RAX, 0, bits, Registers.get(r, Cpu.RAX, 0, bits / 2));
            return next;
        }
    }

    /** CWD, CDQ, CQO: the sign of the accumulator into RDX. */
    static final class SignIntoRdx extends Op {
        private final int bits;

        SignIntoRdx(Binding b) {
            bits = b.bits();
        }

        @Override
        public Op execute(Cpu cpu) {
            long[] r = cpu.r;
            Registers.set(r, Cpu.RDX, 0, bits, Registers.get(r, Cpu.RAX, 0, bits) >> 63);
            return next;
        }
    }
}

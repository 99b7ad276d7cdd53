package org.xenolith.cpu.interp;

import org.xenolith.cpu.Cpu;
import org.xenolith.cpu.decode.Operand;
import org.xenolith.cpu.mmu.Mmu;
import org.xenolith.cpu.semantics.Flags;
import org.xenolith.cpu.semantics.Shift;

/** Shifts, rotates and double shifts. */
final class ShiftOps {
    enum Kind {
        ROL,
        ROR,
        RCL,
        RCR,
        SHL,
        SHR,
        SAR
    }

    private ShiftOps() {}

    static Op create(Kind kind, Binding b) {
        int bits = OperandForm.isByte(b, 0) ? 8 : b.bits();
        boolean constant = b.operand(1) != Operand.CL;
        if (constant && !b.in.memory && bits >= 32) {
            int count = (int) b.in.immediate & bits - 1;
            if (b.operand(1) == Operand.ONE) {
                count = 1;
            }
            if (count != 0) {
                switch (kind) {
                    case SHL -> {
                        return bits == 64 ? new Shl64(b, count) : new Shl32(b, count);
                    }
                    case SHR -> {
                        return bits == 64 ? new Shr64(b, count) : new Shr32(b, count);
                    }
                    case SAR -> {
                        return new SarBy(b, bits, count);
                    }
                    case ROL -> {
                        return new RotateBy(b, bits, count, count);
                    }
                    case ROR -> {
                        return new RotateBy(b, bits, bits - count, -count);
                    }
                    case RCL, RCR -> {}
                }
            }
        }
        return new General(kind, bits, b);
    }

    /** Result of a shift by a count that is not 0. */
    static long apply(Kind kind, long a, int count, int bits, int carry) {
        return switch (kind) {
            case ROL -> Shift.rol(a, count, bits);
            case ROR -> Shift.ror(a, count, bits);
            case RCL -> Shift.rcl(a, count, bits, carry);
            case RCR -> Shift.rcr(a, count, bits, carry);
            case SHL -> Shift.shl(a, count, bits);
            case SHR -> Shift.shr(a, count, bits);
            case SAR -> Shift.sar(a, count, bits);
        };
    }

    /** Rotates change CF and OF only; shifts set all six. */
    static void setFlags(Cpu cpu, Kind kind, long a, long result, int count, int bits, int carry) {
        switch (kind) {
            case ROL -> cpu.setCarryAndOverflow(Shift.rolFlags(result, bits));
            case ROR -> cpu.setCarryAndOverflow(Shift.rorFlags(result, bits));
            case RCL -> cpu.setCarryAndOverflow(Shift.rclFlags(a, count, bits, carry));
            case RCR -> cpu.setCarryAndOverflow(Shift.rcrFlags(a, count, bits, carry));
            case SHL -> setShlFlags(cpu, a, count, bits, result);
            case SHR -> setShrFlags(cpu, a, count, bits, result);
            case SAR -> cpu.setFlags(Flags.SAR, a, Shift.rightPosition(count), result);
        }
    }

    private static void setShlFlags(Cpu cpu, long a, int count, int bits, long result) {
        int position = Shift.leftPosition(count, bits);
        cpu.setFlags(Flags.SHL, Shift.shlSource(a, bits), position, result);
    }

    private static void setShrFlags(Cpu cpu, long a, int count, int bits, long result) {
        cpu.setFlags(Flags.SHR, Shift.shrSource(a, bits), Shift.rightPosition(count), result);
    }

    /** Any kind, width, operand place and count. */
    private static final class General extends MemoryOp {
        private final Kind kind;
        private final int bits;
        private final boolean memory;
        private final boolean byCl;
        private final int count;
        private final int dst;
        private final int dstShift;

        General(Kind kind, int bits, Binding b) {
            super(b);
            this.kind = kind;
            this.bits = bits;
            memory = b.in.memory;
            byCl = b.operand(1) == Operand.CL;
            count = b.operand(1) == Operand.ONE ? 1 : (int) b.in.immediate;
            dst = bits == 8 ? b.byteRegister(b.in.rm) : b.in.rm;
            dstShift = bits == 8 ? b.byteShift(b.in.rm) : 0;
        }

        @Override
        public Op execute(Cpu cpu) {
            long[] r = cpu.r;
            int n = (byCl ? (int) r[Cpu.RCX] : count) & (bits == 64 ? 63 : 31);
            if (memory) {
                onMemory(cpu, n);
                return next;
            }
            long a = Registers.get(r, dst, dstShift, bits);
            if (n == 0) {
                // Nothing changes but the upper half of a 32-bit destination.
                Registers.set(r, dst, dstShift, bits, a);
                return next;
            }
            int carry = cpu.carry();
            long result = Registers.narrow(apply(kind, a, n, bits, carry), bits);
            Registers.set(r, dst, dstShift, bits, result);
            setFlags(cpu, kind, a, result, n, bits, carry);
            return next;
        }

        private void onMemory(Cpu cpu, int n) {
            Mmu mmu = cpu.mmu();
            long vaddr = vaddr(cpu.r);
            mmu.checkUpdate(vaddr, bits >> 3);
            long a = Loads.load(mmu, vaddr, bits);
            if (n == 0) {
                Loads.store(mmu, vaddr, bits, a);
                return;
            }
            int carry = cpu.carry();
            long result = Registers.narrow(apply(kind, a, n, bits, carry), bits);
            Loads.store(mmu, vaddr, bits, result);
            setFlags(cpu, kind, a, result, n, bits, carry);
        }
    }

    /**
     * Shift of a register by a constant that is not 0; SHL and SHR whose flags nobody reads are a
     * {@link RegisterMove}.
     */
    private abstract static class ByConstant extends Op {
        final byte dst;
        final byte count;
        final boolean quiet;

        ByConstant(Binding b, int count) {
            dst = (byte) b.in.rm;
            this.count = (byte) count;
            quiet = b.flagsDead;
        }
    }

    private static final class Shl64 extends ByConstant {
        Shl64(Binding b, int count) {
            super(b, count);
        }

        @Override
        public Op execute(Cpu cpu) {
            long[] r = cpu.r;
            long a = r[dst];
            long result = a << count;
            r[dst] = result;
            setShlFlags(cpu, a, count, 64, result);
            return next;
        }
    }

    private static final class Shl32 extends ByConstant {
        Shl32(Binding b, int count) {
            super(b, count);
        }

        @Override
        public Op execute(Cpu cpu) {
            long[] r = cpu.r;
            int a = (int) r[dst];
            int result = a << count;
            r[dst] = result & Registers.LOW_32;
            setShlFlags(cpu, a, count, 32, result);
            return next;
        }
    }

    private static final class Shr64 extends ByConstant {
        Shr64(Binding b, int count) {
            super(b, count);
        }

        @Override
        public Op execute(Cpu cpu) {
            long[] r = cpu.r;
            long a = r[dst];
            long result = a >>> count;
            r[dst] = result;
            setShrFlags(cpu, a, count, 64, result);
            return next;
        }
    }

    private static final class Shr32 extends ByConstant {
        Shr32(Binding b, int count) {
            super(b, count);
        }

        @Override
        public Op execute(Cpu cpu) {
            long[] r = cpu.r;
            int a = (int) r[dst];
            int result = a >>> count;
            r[dst] = result & Registers.LOW_32;
            setShrFlags(cpu, a, count, 32, result);
            return next;
        }
    }

    private static final class SarBy extends ByConstant {
        private final int bits;

        SarBy(Binding b, int bits, int count) {
            super(b, count);
            this.bits = bits;
        }

        @Override
        public Op execute(Cpu cpu) {
            long[] r = cpu.r;
            long a = Registers.get(r, dst, 0, bits);
            long result = a >> count;
            Registers.set(r, dst, 0, bits, result);
            if (!quiet) {
                cpu.setFlags(Flags.SAR, a, Shift.rightPosition(count), result);
            }
            return next;
        }
    }

    /** ROL, or ROR as the complementary ROL, whose CF and OF differ. */
    private static final class RotateBy extends ByConstant {
        private final int bits;
        private final boolean right;

        RotateBy(Binding b, int bits, int left, int signedCount) {
            super(b, left);
            this.bits = bits;
            right = signedCount < 0;
        }

        @Override
        public Op execute(Cpu cpu) {
            long[] r = cpu.r;
            long result =
                    bits == 64
                            ? Long.rotateLeft(r[dst], count)
                            : Integer.rotateLeft((int) r[dst], count);
            r[dst] = bits == 64 ? result : result & Registers.LOW_32;
            if (!quiet) {
                cpu.setCarryAndOverflow(
                        right ? Shift.rorFlags(result, bits) : Shift.rolFlags(result, bits));
            }
            return next;
        }
    }

    /** SHLD and SHRD; with 16 bits and a count above 16 the result is undefined and left alone. */
    static final class DoubleShift extends MemoryOp {
        private final boolean left;
        private final boolean memory;
        private final boolean byCl;
        private final int bits;
        private final int count;
        private final int dst;
        private final int fill;

        DoubleShift(boolean left, Binding b) {
            super(b);
            this.left = left;
            memory = b.in.memory;
            byCl = b.operand(2) == Operand.CL;
            bits = b.bits();
            count = (int) b.in.immediate;
            dst = b.in.rm;
            fill = b.in.reg;
        }

        @Override
        public Op execute(Cpu cpu) {
            long[] r = cpu.r;
            Mmu mmu = cpu.mmu();
            int n = (byCl ? (int) r[Cpu.RCX] : count) & (bits == 64 ? 63 : 31);
            long vaddr = memory ? vaddr(r) : 0;
            if (memory) {
                mmu.checkUpdate(vaddr, bits >> 3);
            }
            long a = memory ? Loads.load(mmu, vaddr, bits) : Registers.get(r, dst, 0, bits);
            boolean shifts = n != 0 && n <= bits;
            long result = shifts ? shift(a, Registers.get(r, fill, 0, bits), n) : a;
            if (memory) {
                Loads.store(mmu, vaddr, bits, result);
            } else {
                Registers.set(r, dst, 0, bits, result);
            }
            if (shifts) {
                int position = left ? Shift.leftPosition(n, bits) : Shift.rightPosition(n);
                cpu.setFlags(Flags.DOUBLE_SHIFT, a, position, result);
            }
            return next;
        }

        private long shift(long a, long with, int n) {
            long wide = left ? Shift.shld(a, with, n, bits) : Shift.shrd(a, with, n, bits);
            return Registers.narrow(wide, bits);
        }
    }
}

package org.xenolith.cpu.interp;

import org.xenolith.cpu.Cpu;
import org.xenolith.cpu.GuestFault;
import org.xenolith.cpu.Vector;
import org.xenolith.cpu.semantics.Division;
import org.xenolith.cpu.semantics.Flags;

/** MUL, IMUL, DIV and IDIV. */
final class MultiplyOps {
    private MultiplyOps() {}

    /** IMUL with a register destination: two operands, or three with an immediate. */
    static final class Imul extends MemoryOp {
        private final boolean memory;
        private final boolean threeOperands;
        private final int bits;
        private final int dst;
        private final int src;
        private final long immediate;

        Imul(Binding b) {
            super(b);
            memory = b.in.memory;
            threeOperands = b.operandCount() == 3;
            bits = b.bits();
            dst = b.in.reg;
            src = b.in.rm;
            immediate = b.in.immediate;
        }

        @Override
        public Op execute(Cpu cpu) {
            long[] r = cpu.r;
            long source =
                    memory ? Loads.load(cpu.mmu(), vaddr(r), bits) : Registers.get(r, src, 0, bits);
            long other = threeOperands ? immediate : Registers.get(r, dst, 0, bits);
            long exact = source * other;
            long result = Registers.narrow(exact, bits);
            Registers.set(r, dst, 0, bits, result);
            if (bits == 64) {
                long high = Math.multiplyHigh(source, other);
                cpu.setFlags(Flags.PRODUCT, high, result >> 63, result);
            } else {
                cpu.setFlags(Flags.PRODUCT, exact, result, result);
            }
            return next;
        }
    }

    /** MUL and IMUL of the accumulator by one operand, the product in RDX:RAX (AX for bytes). */
    static final class Wide extends MemoryOp {
        private final boolean signed;
        private final boolean memory;
        private final int bits;
        private final int src;
        private final int srcShift;

        Wide(boolean signed, Binding b) {
            super(b);
            this.signed = signed;
            memory = b.in.memory;
            bits = OperandForm.isByte(b, 0) ? 8 : b.bits();
            src = bits == 8 ? b.byteRegister(b.in.rm) : b.in.rm;
            srcShift = bits == 8 ? b.byteShift(b.in.rm) : 0;
        }

        @Override
        public Op execute(Cpu cpu) {
            long[] r = cpu.r;
            long b =
                    memory
                            ? Loads.load(cpu.mmu(), vaddr(r), bits)
                            : Registers.get(r, src, srcShift, bits);
            long a = Registers.get(r, Cpu.RAX, 0, bits);
            if (bits == 64) {
                wide64(cpu, a, b);
            } else {
                narrow(cpu, a, b);
            }
            return next;
        }

        private void wide64(Cpu cpu, long a, long b) {
            long low = a * b;
            long high = signed ? Math.multiplyHigh(a, b) : Math.unsignedMultiplyHigh(a, b);
            cpu.r[Cpu.RAX] = low;
            cpu.r[Cpu.RDX] = high;
            cpu.setFlags(Flags.PRODUCT, high, signed ? low >> 63 : 0, low);
        }

        private void narrow(Cpu cpu, long a, long b) {
            long product =
                    signed ? a * b : Registers.zeroExtend(a, bits) * Registers.zeroExtend(b, bits);
            long low = Registers.narrow(product, bits);
            if (bits == 8) {
                Registers.set16(cpu.r, Cpu.RAX, product);
            } else {
                Registers.set(cpu.r, Cpu.RAX, 0, bits, low);
                Registers.set(cpu.r, Cpu.RDX, 0, bits, product >>> bits);
            }
            long fitting = signed ? low : Registers.zeroExtend(product, bits);
            cpu.setFlags(Flags.PRODUCT, product, fitting, low);
        }
    }

    /** DIV and IDIV of RDX:RAX (AX for bytes). */
    static final class Divide extends MemoryOp {
        private final boolean signed;
        private final boolean memory;
        private final int bits;
        private final int src;
        private final int srcShift;

        Divide(boolean signed, Binding b) {
            super(b);
            this.signed = signed;
            memory = b.in.memory;
            bits = OperandForm.isByte(b, 0) ? 8 : b.bits();
            src = bits == 8 ? b.byteRegister(b.in.rm) : b.in.rm;
            srcShift = bits == 8 ? b.byteShift(b.in.rm) : 0;
        }

        @Override
        public Op execute(Cpu cpu) {
            long[] r = cpu.r;
            long divisor =
                    memory
                            ? Loads.load(cpu.mmu(), vaddr(r), bits)
                            : Registers.get(r, src, srcShift, bits);
            if (bits == 64) {
                divide64(r, divisor);
            } else {
                divideNarrow(r, divisor);
            }
            return next;
        }

        private void divide64(long[] r, long divisor) {
            long high = r[Cpu.RDX];
            long low = r[Cpu.RAX];
            boolean fits =
                    signed
                            ? Division.signedFits(high, low, divisor)
                            : Division.unsignedFits(high, divisor);
            if (!fits) {
                throw GuestFault.of(Vector.DIVIDE_ERROR);
            }
            long quotient =
                    signed
                            ? Division.signedQuotient(high, low, divisor)
                            : Division.unsignedQuotient(high, low, divisor);
            r[Cpu.RAX] = quotient;
            r[Cpu.RDX] = low - quotient * divisor;
        }

        private void divideNarrow(long[] r, long divisor) {
            long dividend = dividend(r);
            long by = signed ? divisor : Registers.zeroExtend(divisor, bits);
            if (by == 0) {
                throw GuestFault.of(Vector.DIVIDE_ERROR);
            }
            long quotient = signed ? dividend / by : Long.divideUnsigned(dividend, by);
            long remainder = signed ? dividend % by : Long.remainderUnsigned(dividend, by);
            long narrowed = Registers.narrow(quotient, bits);
            if ((signed ? narrowed : Registers.zeroExtend(narrowed, bits)) != quotient) {
                throw GuestFault.of(Vector.DIVIDE_ERROR);
            }
            if (bits == 8) {
                Registers.set16(r, Cpu.RAX, remainder << 8 | quotient & 0xff);
            } else {
                Registers.set(r, Cpu.RAX, 0, bits, quotient);
                Registers.set(r, Cpu.RDX, 0, bits, remainder);
            }
        }

        private long dividend(long[] r) {
            if (bits == 8) {
                return signed ? (short) r[Cpu.RAX] : r[Cpu.RAX] & 0xffff;
            }
            long low = Registers.zeroExtend(r[Cpu.RAX], bits);
            long value = r[Cpu.RDX] << bits | low;
            return bits == 16 ? (signed ? (int) value : value & Registers.LOW_32) : value;
        }
    }
}

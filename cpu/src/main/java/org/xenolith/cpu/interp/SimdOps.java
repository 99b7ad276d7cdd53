package org.xenolith.cpu.interp;

import org.xenolith.cpu.Cpu;
import org.xenolith.cpu.GuestFault;
import org.xenolith.cpu.Vector;
import org.xenolith.cpu.decode.Operand;
import org.xenolith.cpu.mmu.Mmu;
import org.xenolith.cpu.semantics.simd.Semantics;
import org.xenolith.cpu.semantics.simd.SimdOperands;
import org.xenolith.cpu.semantics.simd.SimdRow;
import org.xenolith.cpu.semantics.simd.SimdTable;

/**
 * MMX and SSE: operands are fetched and written by their codes, the rest is the row's semantics.
 */
final class SimdOps {
    private SimdOps() {}

    /** The operation of a row, or null when the table has no semantics for it. */
    static Op create(Binding b) {
        SimdRow row = SimdTable.find(b.in.row.encoding(), b.in.row.mnemonic(), b.in.row.operands());
        if (row == null) {
            return null;
        }
        Semantics semantics = row.semantics();
        Op op = b.in.memory ? withMemory(semantics, b) : ofRegisters(semantics, b);
        return op != null ? op : new General(semantics, b);
    }

    /** An operation of its own for what is frequent, or null. */
    private static Op ofRegisters(Semantics semantics, Binding b) {
        boolean vectors = isXmm(b, 0) && isXmm(b, 1);
        return switch (semantics) {
            case Semantics.Lanewise(Semantics.LongOp f) when vectors -> new XmmLanewise(f, b);
            case Semantics.ShiftImm(Semantics.LongOp f) when isXmm(b, 0) -> new XmmShift(f, b);
            case Semantics.Cross cross when vectors -> new XmmCross(cross, b);
            case Semantics.InterleaveLow(Semantics.LongOp low, Semantics.LongOp high)
                    when vectors ->
                    new XmmInterleave(low, high, 0, b);
            case Semantics.InterleaveHigh(Semantics.LongOp low, Semantics.LongOp high)
                    when vectors ->
                    new XmmInterleave(low, high, 1, b);
            case Semantics.Move(Semantics.MoveKind kind)
                    when vectors && kind == Semantics.MoveKind.MOVE_ALL ->
                    new XmmMove(b);
            case Semantics.ScalarDouble(Semantics.DoubleOp f) -> new XmmScalarDouble(f, b);
            default -> null;
        };
    }

    /** As {@link #ofRegisters}. */
    private static Op withMemory(Semantics semantics, Binding b) {
        return switch (semantics) {
            case Semantics.Lanewise(Semantics.LongOp f) when isXmm(b, 0) && isXmm(b, 1) ->
                    new XmmLanewise(f, b);
            case Semantics.Move(Semantics.MoveKind kind) when isXmm(b, 0) && !isMemory(b, 0) ->
                    load(kind, b);
            case Semantics.Move(Semantics.MoveKind kind) when isXmm(b, 1) && !isMemory(b, 1) ->
                    store(kind, b);
            case Semantics.ScalarDouble(Semantics.DoubleOp f) -> new XmmScalarDouble(f, b);
            default -> null;
        };
    }

    private static Op load(Semantics.MoveKind kind, Binding b) {
        return switch (kind) {
            case MOVE_ALL -> new XmmLoad(b);
            case MOVE_LOW_AND_CLEAR, MOVE_DOUBLE -> new XmmLoadLow(b);
            default -> null;
        };
    }

    private static Op store(Semantics.MoveKind kind, Binding b) {
        return switch (kind) {
            case MOVE_ALL -> new XmmStore(b);
            case MOVE_LOW_AND_CLEAR, MOVE_LOW, MOVE_DOUBLE -> new XmmStoreLow(b);
            default -> null;
        };
    }

    /** Where an operand is. */
    private enum Place {
        XMM_REG,
        XMM_RM,
        MMX_REG,
        MMX_RM,
        GENERAL_REG,
        GENERAL_RM,
        NOWHERE
    }

    private static Place place(Operand operand) {
        return switch (operand) {
            case VX, VSS, VSD, VD, VQ -> Place.XMM_REG;
            case WX, WSS, WSD, WW, WD, WQ, UX, UQ -> Place.XMM_RM;
            case PQ -> Place.MMX_REG;
            case QD, QQ, NQ -> Place.MMX_RM;
            case GB, GW, GD, GV, GY -> Place.GENERAL_REG;
            case IB, XMM0 -> Place.NOWHERE;
            default -> Place.GENERAL_RM;
        };
    }

    private static boolean isXmm(Binding b, int i) {
        Place place = i < b.operandCount() ? place(b.operand(i)) : Place.NOWHERE;
        return place == Place.XMM_REG || place == Place.XMM_RM;
    }

    private static boolean isGeneral(Binding b, int i) {
        Place place = place(b.operand(i));
        return place == Place.GENERAL_REG || place == Place.GENERAL_RM;
    }

    private static boolean isMemory(Binding b, int i) {
        if (!b.in.memory || i >= b.operandCount()) {
            return false;
        }
        return switch (place(b.operand(i))) {
            case XMM_RM, MMX_RM, GENERAL_RM -> true;
            case XMM_REG, MMX_REG, GENERAL_REG, NOWHERE -> false;
        };
    }

    /** Bytes of the memory operand. */
    private static int memoryBytes(Binding b, Operand operand) {
        return switch (operand) {
            case WX, MX -> 16;
            case WSD, WQ, MQ, QQ, EQ -> 8;
            case WSS, WD, MD, QD, ED -> 4;
            case MW, EW, WW -> 2;
            case MB, EB -> 1;
            case EY, MY -> (b.in.rex & 8) != 0 ? 8 : 4;
            case M -> 16;
            default -> 8;
        };
    }

    /** Whether a 16-byte memory operand may lie anywhere. */
    private static boolean allowsUnaligned(String mnemonic) {
        return switch (mnemonic) {
            case "movups", "movupd", "movdqu", "lddqu" -> true;
            default -> mnemonic.startsWith("pcmpestr") || mnemonic.startsWith("pcmpistr");
        };
    }

    private static void requireAligned(long vaddr) {
        if ((vaddr & 15) != 0) {
            throw GuestFault.of(Vector.GENERAL_PROTECTION);
        }
    }

    /** An XMM operation with an aligned or unaligned 16-byte memory operand or a register. */
    private abstract static class XmmOp extends MemoryOp {
        final boolean memory;
        final boolean aligned;
        final int reg;
        final int rm;

        XmmOp(Binding b) {
            super(b);
            memory = b.in.memory;
            aligned = !allowsUnaligned(b.in.row.mnemonic());
            reg = b.in.reg * 2;
            rm = b.in.rm * 2;
        }

        final long vaddr16(Cpu cpu) {
            long vaddr = vaddr(cpu.r);
            if (aligned) {
                requireAligned(vaddr);
            }
            return vaddr;
        }
    }

    private static final class XmmLanewise extends XmmOp {
        private final Semantics.LongOp function;

        XmmLanewise(Semantics.LongOp function, Binding b) {
            super(b);
            this.function = function;
        }

        @Override
        public Op execute(Cpu cpu) {
            cpu.requireFpu();
            long[] xmm = cpu.xmm;
            long low;
            long high;
            if (memory) {
                long vaddr = vaddr16(cpu);
                Mmu mmu = cpu.mmu();
                low = mmu.read64(vaddr);
                high = mmu.read64(vaddr + 8);
            } else {
                low = xmm[rm];
                high = xmm[rm + 1];
            }
            xmm[reg] = function.apply(xmm[reg], low);
            xmm[reg + 1] = function.apply(xmm[reg + 1], high);
            return next;
        }
    }

    /** Shift of a whole register's lanes by an immediate. */
    private static final class XmmShift extends XmmOp {
        private final Semantics.LongOp function;
        private final int count;

        XmmShift(Semantics.LongOp function, Binding b) {
            super(b);
            this.function = function;
            count = (int) b.in.immediate & 0xff;
        }

        @Override
        public Op execute(Cpu cpu) {
            cpu.requireFpu();
            long[] xmm = cpu.xmm;
            xmm[rm] = function.apply(xmm[rm], count);
            xmm[rm + 1] = function.apply(xmm[rm + 1], count);
            return next;
        }
    }

    /** Shuffles, packs and the like between registers. */
    private static final class XmmCross extends XmmOp {
        private final Semantics.HalfOp lowHalf;
        private final Semantics.HalfOp highHalf;
        private final int dst;
        private final int src;
        private final int immediate;

        XmmCross(Semantics.Cross cross, Binding b) {
            super(b);
            lowHalf = cross.low();
            highHalf = cross.high();
            dst = place(b.operand(0)) == Place.XMM_REG ? reg : rm;
            src = place(b.operand(1)) == Place.XMM_REG ? reg : rm;
            immediate = (int) b.in.immediate & 0xff;
        }

        @Override
        public Op execute(Cpu cpu) {
            cpu.requireFpu();
            long[] xmm = cpu.xmm;
            long aLow = xmm[dst];
            long aHigh = xmm[dst + 1];
            long bLow = xmm[src];
            long bHigh = xmm[src + 1];
            xmm[dst] = lowHalf.apply(aLow, aHigh, bLow, bHigh, immediate);
            xmm[dst + 1] = highHalf.apply(aLow, aHigh, bLow, bHigh, immediate);
            return next;
        }
    }

    /** Unpacks: both halves of the result from the same half of the operands. */
    private static final class XmmInterleave extends XmmOp {
        private final Semantics.LongOp low;
        private final Semantics.LongOp high;
        private final int half;

        XmmInterleave(Semantics.LongOp low, Semantics.LongOp high, int half, Binding b) {
            super(b);
            this.low = low;
            this.high = high;
            this.half = half;
        }

        @Override
        public Op execute(Cpu cpu) {
            cpu.requireFpu();
            long[] xmm = cpu.xmm;
            long first = xmm[reg + half];
            long second = xmm[rm + half];
            xmm[reg] = low.apply(first, second);
            xmm[reg + 1] = high.apply(first, second);
            return next;
        }
    }

    private static final class XmmMove extends XmmOp {
        private final int dst;
        private final int src;

        XmmMove(Binding b) {
            super(b);
            dst = place(b.operand(0)) == Place.XMM_REG ? reg : rm;
            src = place(b.operand(1)) == Place.XMM_REG ? reg : rm;
        }

        @Override
        public Op execute(Cpu cpu) {
            cpu.requireFpu();
            long[] xmm = cpu.xmm;
            long low = xmm[src];
            long high = xmm[src + 1];
            xmm[dst] = low;
            xmm[dst + 1] = high;
            return next;
        }
    }

    /** Double arithmetic on the low lane. */
    private static final class XmmScalarDouble extends XmmOp {
        private final Semantics.DoubleOp function;

        XmmScalarDouble(Semantics.DoubleOp function, Binding b) {
            super(b);
            this.function = function;
        }

        @Override
        public Op execute(Cpu cpu) {
            cpu.requireFpu();
            long[] xmm = cpu.xmm;
            long operand = memory ? cpu.mmu().read64(vaddr(cpu.r)) : xmm[rm];
            long result = function.apply(xmm[reg], operand, cpu.mxcsr);
            cpu.mxcsr.commit();
            xmm[reg] = result;
            return next;
        }
    }

    private static final class XmmLoad extends XmmOp {
        XmmLoad(Binding b) {
            super(b);
        }

        @Override
        public Op execute(Cpu cpu) {
            cpu.requireFpu();
            long vaddr = vaddr16(cpu);
            Mmu mmu = cpu.mmu();
            long low = mmu.read64(vaddr);
            long high = mmu.read64(vaddr + 8);
            cpu.xmm[reg] = low;
            cpu.xmm[reg + 1] = high;
            return next;
        }
    }

    /** MOVQ and MOVSD from memory: the high half becomes 0. */
    private static final class XmmLoadLow extends XmmOp {
        XmmLoadLow(Binding b) {
            super(b);
        }

        @Override
        public Op execute(Cpu cpu) {
            cpu.requireFpu();
            cpu.xmm[reg] = cpu.mmu().read64(vaddr(cpu.r));
            cpu.xmm[reg + 1] = 0;
            return next;
        }
    }

    /** MOVQ, MOVSD, MOVLPS and MOVLPD to memory. */
    private static final class XmmStoreLow extends XmmOp {
        XmmStoreLow(Binding b) {
            super(b);
        }

        @Override
        public Op execute(Cpu cpu) {
            cpu.requireFpu();
            cpu.mmu().write64(vaddr(cpu.r), cpu.xmm[reg]);
            return next;
        }
    }

    private static final class XmmStore extends XmmOp {
        XmmStore(Binding b) {
            super(b);
        }

        @Override
        public Op execute(Cpu cpu) {
            cpu.requireFpu();
            long vaddr = vaddr16(cpu);
            store128(cpu.mmu(), vaddr, cpu.xmm[reg], cpu.xmm[reg + 1]);
            return next;
        }
    }

    /** Checks all 16 bytes before it writes one. */
    private static void store128(Mmu mmu, long vaddr, long low, long high) {
        if ((vaddr & 15) != 0) {
            mmu.checkWritable(vaddr, 16);
        }
        mmu.write64(vaddr, low);
        mmu.write64(vaddr + 8, high);
    }

    /** Any row. */
    private static final class General extends MemoryOp {
        private final Semantics semantics;
        private final Place first;
        private final Place second;
        private final int firstBytes;
        private final int secondBytes;
        private final boolean firstMemory;
        private final boolean secondMemory;
        private final boolean aligned;
        private final boolean mmx;
        private final boolean emms;
        private final Semantics.Destination destination;
        private final boolean setsFlags;
        private final boolean wide;
        private final long addressMask;
        private final long linearMask;
        private final int reg;
        private final int rm;
        private final int immediate;

        General(Semantics semantics, Binding b) {
            super(b);
            this.semantics = semantics;
            Operand one = b.operandCount() > 0 ? b.operand(0) : Operand.IB;
            Operand two = b.operandCount() > 1 ? b.operand(1) : Operand.IB;
            first = place(one);
            second = place(two);
            firstMemory = isMemory(b, 0);
            secondMemory = isMemory(b, 1);
            firstBytes = memoryBytes(b, one);
            secondBytes = memoryBytes(b, two);
            aligned = !allowsUnaligned(b.in.row.mnemonic());
            emms = b.in.row.mnemonic().equals("emms");
            mmx = isMmx(first) && !firstMemory || isMmx(second) && !secondMemory;
            destination = semantics.destination();
            setsFlags = semantics.setsFlags();
            wide = (b.in.rex & 8) != 0;
            addressMask = Registers.addressMask(b.in.addressSize);
            linearMask = b.in.code32 ? Registers.LOW_32 : -1;
            reg = b.in.reg;
            rm = b.in.rm;
            immediate = (int) b.in.immediate & 0xff;
        }

        private static boolean isMmx(Place place) {
            return place == Place.MMX_REG || place == Place.MMX_RM;
        }

        @Override
        public Op execute(Cpu cpu) {
            cpu.requireFpu();
            if (emms) {
                cpu.x87.checkPending();
                cpu.x87.emms();
                return next;
            }
            SimdOperands o = cpu.simd;
            if (mmx) {
                cpu.x87.checkPending();
            }
            long vaddr = firstMemory || secondMemory ? operandAddress(cpu) : 0;
            fetchFirst(cpu, o);
            fetchSecond(cpu, o, vaddr);
            o.imm = immediate;
            o.memory = secondMemory;
            o.wide = wide;
            o.xmm0Low = cpu.xmm[0];
            o.xmm0High = cpu.xmm[1];
            o.rax = wide ? cpu.r[Cpu.RAX] : (int) cpu.r[Cpu.RAX];
            o.rdx = wide ? cpu.r[Cpu.RDX] : (int) cpu.r[Cpu.RDX];
            semantics.execute(o, cpu.mxcsr);
            cpu.mxcsr.commit();
            if (firstMemory) {
                storeFirst(cpu.mmu(), o, vaddr);
            }
            if (destination == Semantics.Destination.MEMORY_AT_RDI) {
                storeMasked(cpu, o);
            }
            if (mmx) {
                cpu.x87.enterMmx();
            }
            writeRegister(cpu, o);
            if (setsFlags) {
                cpu.setArithmeticFlags(o.flags);
            }
            return next;
        }

        private void writeRegister(Cpu cpu, SimdOperands o) {
            switch (destination) {
                case FIRST_OPERAND -> {
                    if (!firstMemory) {
                        writeFirst(cpu, o);
                    }
                }
                case RCX -> cpu.r[Cpu.RCX] = o.low;
                case XMM0 -> setXmm(cpu, 0, o);
                case MEMORY_AT_RDI, NOTHING -> {}
            }
        }

        private long operandAddress(Cpu cpu) {
            long vaddr = vaddr(cpu.r);
            if (aligned && (firstMemory ? firstBytes : secondBytes) == 16) {
                requireAligned(vaddr);
            }
            return vaddr;
        }

        private void fetchFirst(Cpu cpu, SimdOperands o) {
            o.aHigh = 0;
            switch (first) {
                case XMM_REG -> {
                    o.aLow = cpu.xmm[reg * 2];
                    o.aHigh = cpu.xmm[reg * 2 + 1];
                }
                case XMM_RM -> {
                    o.aLow = cpu.xmm[rm * 2];
                    o.aHigh = cpu.xmm[rm * 2 + 1];
                }
                case MMX_REG -> o.aLow = cpu.x87.mm(reg & 7);
                case MMX_RM -> o.aLow = cpu.x87.mm(rm & 7);
                case GENERAL_REG -> o.aLow = cpu.r[reg];
                case GENERAL_RM -> o.aLow = cpu.r[rm];
                case NOWHERE -> o.aLow = 0;
            }
        }

        private void fetchSecond(Cpu cpu, SimdOperands o, long vaddr) {
            o.bHigh = 0;
            if (secondMemory) {
                loadSecond(cpu.mmu(), o, vaddr);
                return;
            }
            switch (second) {
                case XMM_REG -> {
                    o.bLow = cpu.xmm[reg * 2];
                    o.bHigh = cpu.xmm[reg * 2 + 1];
                }
                case XMM_RM -> {
                    o.bLow = cpu.xmm[rm * 2];
                    o.bHigh = cpu.xmm[rm * 2 + 1];
                }
                case MMX_REG -> o.bLow = cpu.x87.mm(reg & 7);
                case MMX_RM -> o.bLow = cpu.x87.mm(rm & 7);
                case GENERAL_REG -> o.bLow = cpu.r[reg];
                case GENERAL_RM -> o.bLow = cpu.r[rm];
                case NOWHERE -> o.bLow = 0;
            }
        }

        private void loadSecond(Mmu mmu, SimdOperands o, long vaddr) {
            if (secondBytes == 16) {
                o.bLow = mmu.read64(vaddr);
                o.bHigh = mmu.read64(vaddr + 8);
            } else {
                int bits = secondBytes * 8;
                o.bLow = Registers.zeroExtend(Loads.load(mmu, vaddr, bits), bits);
            }
        }

        private void storeFirst(Mmu mmu, SimdOperands o, long vaddr) {
            if (firstBytes == 16) {
                store128(mmu, vaddr, o.low, o.high);
            } else {
                Loads.store(mmu, vaddr, firstBytes * 8, o.low);
            }
        }

        private void storeMasked(Cpu cpu, SimdOperands o) {
            Mmu mmu = cpu.mmu();
            long offset = cpu.r[Cpu.RDI] & addressMask;
            long vaddr = offset + cpu.r[segment] & linearMask;
            int bytes = mmx ? 8 : 16;
            for (int i = 0; i < bytes; i++) {
                if (maskByte(o, i) != 0) {
                    mmu.checkWritable(vaddr + i);
                }
            }
            for (int i = 0; i < bytes; i++) {
                if (maskByte(o, i) != 0) {
                    mmu.write8(vaddr + i, (int) ((i < 8 ? o.aLow : o.aHigh) >>> (i & 7) * 8));
                }
            }
        }

        private static int maskByte(SimdOperands o, int i) {
            return (int) ((i < 8 ? o.low : o.high) >>> (i & 7) * 8) & 0xff;
        }

        private void writeFirst(Cpu cpu, SimdOperands o) {
            switch (first) {
                case XMM_REG -> setXmm(cpu, reg, o);
                case XMM_RM -> setXmm(cpu, rm, o);
                case MMX_REG -> cpu.x87.setMm(reg & 7, o.low);
                case MMX_RM -> cpu.x87.setMm(rm & 7, o.low);
                case GENERAL_REG -> cpu.r[reg] = o.low;
                case GENERAL_RM -> cpu.r[rm] = o.low;
                case NOWHERE -> {}
            }
        }

        private static void setXmm(Cpu cpu, int number, SimdOperands o) {
            cpu.xmm[number * 2] = o.low;
            cpu.xmm[number * 2 + 1] = o.high;
        }
    }
}

package org.xenolith.cpu.interp;

import org.xenolith.cpu.Cpu;
import org.xenolith.cpu.mmu.Mmu;
import org.xenolith.cpu.semantics.simd.Semantics;
import org.xenolith.cpu.semantics.simd.SimdRow;
import org.xenolith.cpu.semantics.simd.SimdTable;

/** MMX and SSE: an operation of its own for what is frequent, {@link GeneralSimd} for the rest. */
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
        return op != null ? op : new GeneralSimd(semantics, b);
    }

    /** An operation of its own for what is frequent, or null. */
    private static Op ofRegisters(Semantics semantics, Binding b) {
        boolean vectors = SimdPlace.isXmm(b, 0) && SimdPlace.isXmm(b, 1);
        return switch (semantics) {
            case Semantics.Lanewise(Semantics.LongOp f) when vectors -> new XmmLanewise(f, b);
            case Semantics.ShiftImm(Semantics.LongOp f) when SimdPlace.isXmm(b, 0) ->
                    new XmmShift(f, b);
            case Semantics.Cross cross when vectors -> new XmmCross(cross, b);
            case Semantics.InterleaveLow(Semantics.LongOp low, Semantics.LongOp high)
                    when vectors ->
                    new XmmInterleave(low, high, 0, b);
            case Semantics.InterleaveHigh(Semantics.LongOp low, Semantics.LongOp high)
                    when vectors ->
                    new XmmInterleave(low, high, 1, b);
            case Semantics.Move(Semantics.MoveKind kind)
                    when vectors && kind == Semantics.MoveKind.MOVE_ALL ->
                    new XmmMoves.XmmMove(b);
            case Semantics.ScalarDouble(Semantics.DoubleOp f) -> new XmmScalarDouble(f, b);
            default -> null;
        };
    }

    /** As {@link #ofRegisters}. */
    private static Op withMemory(Semantics semantics, Binding b) {
        return switch (semantics) {
            case Semantics.Lanewise(Semantics.LongOp f)
                    when SimdPlace.isXmm(b, 0) && SimdPlace.isXmm(b, 1) ->
                    new XmmLanewise(f, b);
            case Semantics.Move(Semantics.MoveKind kind)
                    when SimdPlace.isXmm(b, 0) && !SimdPlace.isMemory(b, 0) ->
                    XmmMoves.load(kind, b);
            case Semantics.Move(Semantics.MoveKind kind)
                    when SimdPlace.isXmm(b, 1) && !SimdPlace.isMemory(b, 1) ->
                    XmmMoves.store(kind, b);
            case Semantics.ScalarDouble(Semantics.DoubleOp f) -> new XmmScalarDouble(f, b);
            default -> null;
        };
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
            dst = SimdPlace.of(b.operand(0)) == SimdPlace.XMM_REG ? reg : rm;
            src = SimdPlace.of(b.operand(1)) == SimdPlace.XMM_REG ? reg : rm;
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
}

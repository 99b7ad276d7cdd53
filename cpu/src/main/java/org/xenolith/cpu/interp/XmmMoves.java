package org.xenolith.cpu.interp;

import org.xenolith.cpu.Cpu;
import org.xenolith.cpu.mmu.Mmu;
import org.xenolith.cpu.semantics.simd.Semantics;

/** Moves of XMM registers. */
final class XmmMoves {
    private XmmMoves() {}

    /** A move from memory that has an operation of its own, or null. */
    static Op load(Semantics.MoveKind kind, Binding b) {
        return switch (kind) {
            case MOVE_ALL -> new XmmLoad(b);
            case MOVE_LOW_AND_CLEAR, MOVE_DOUBLE -> new XmmLoadLow(b);
            default -> null;
        };
    }

    /** A move to memory that has an operation of its own, or null. */
    static Op store(Semantics.MoveKind kind, Binding b) {
        return switch (kind) {
            case MOVE_ALL -> new XmmStore(b);
            case MOVE_LOW_AND_CLEAR, MOVE_LOW, MOVE_DOUBLE -> new XmmStoreLow(b);
            default -> null;
        };
    }

    /** MOVAPS and its kin between registers. */
    static final class XmmMove extends XmmOp {
        private final int dst;
        private final int src;

        XmmMove(Binding b) {
            super(b);
            dst = SimdPlace.of(b.operand(0)) == SimdPlace.XMM_REG ? reg : rm;
            src = SimdPlace.of(b.operand(1)) == SimdPlace.XMM_REG ? reg : rm;
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
}

package org.xenolith.cpu.interp;

import org.xenolith.cpu.Cpu;
import org.xenolith.cpu.decode.Operand;

/**
 * Two instructions, one behind the other, as one operation: code that does not repeat itself much
 * pays for each operation with a jump that the processor did not foresee, and with fetching it.
 *
 * <p>Where a {@link RegisterMove} comes first, the operation stands where the second instruction
 * stands: the move cannot fault, so a fault is the second one's.
 */
final class Pairs {
    private Pairs() {}

    /**
     * The operation for a move and an instruction behind it.
     *
     * @param second the move that the instruction is, or {@link RegisterMove#NONE}
     * @return null where there is none
     */
    static Op behindMove(long move, long second, Binding b) {
        if (b.in.row == null || b.in.lock || FormedAddress.isNeeded(b)) {
            return null;
        }
        if (second != RegisterMove.NONE) {
            return new TwoMoves(move, second);
        }
        return switch (b.in.row.mnemonic()) {
            case "mov" -> behindMove(move, OperandForm.of(b), b);
            case "push" -> StackOps.isPush64(b) ? new MovePush64(move, b) : null;
            case "call" ->
                    b.operand(0) == Operand.JZ && !b.in.code32 ? new MoveCall(move, b) : null;
            default -> null;
        };
    }

    private static Op behindMove(long move, OperandForm form, Binding b) {
        if (OperandForm.isByte(b, 0) || b.operand(0) == Operand.SW || b.operand(1) == Operand.SW) {
            return null;
        }
        return switch (form) {
            case RM ->
                    b.bits() == 64
                            ? new MoveLoad64(move, b)
                            : b.bits() == 32 ? new MoveLoad32(move, b) : null;
            case MR -> b.bits() == 64 ? new MoveStore64(move, b) : null;
            default -> null;
        };
    }

    /** One move. */
    static final class OneMove extends Op {
        private final long move;

        OneMove(long move) {
            this.move = move;
        }

        @Override
        public Op execute(Cpu cpu) {
            RegisterMove.run(cpu.r, move);
            return next;
        }
    }

    private static final class TwoMoves extends Op {
        private final long first;
        private final long second;

        TwoMoves(long first, long second) {
            this.first = first;
            this.second = second;
        }

        @Override
        public Op execute(Cpu cpu) {
            long[] r = cpu.r;
            RegisterMove.run(r, first);
            RegisterMove.run(r, second);
            return next;
        }
    }

    private static final class MoveLoad64 extends MoveOps.Load64 {
        private final long move;

        MoveLoad64(long move, Binding b) {
            super(b);
            this.move = move;
        }

        @Override
        public Op execute(Cpu cpu) {
            RegisterMove.run(cpu.r, move);
            return super.execute(cpu);
        }
    }

    private static final class MoveLoad32 extends MoveOps.Load32 {
        private final long move;

        MoveLoad32(long move, Binding b) {
            super(b);
            this.move = move;
        }

        @Override
        public Op execute(Cpu cpu) {
            RegisterMove.run(cpu.r, move);
            return super.execute(cpu);
        }
    }

    private static final class MoveStore64 extends MoveOps.Store64 {
        private final long move;

        MoveStore64(long move, Binding b) {
            super(b);
            this.move = move;
        }

        @Override
        public Op execute(Cpu cpu) {
            RegisterMove.run(cpu.r, move);
            return super.execute(cpu);
        }
    }

    private static final class MovePush64 extends StackOps.Push64 {
        private final long move;

        MovePush64(long move, Binding b) {
            super(b);
            this.move = move;
        }

        @Override
        public Op execute(Cpu cpu) {
            RegisterMove.run(cpu.r, move);
            return super.execute(cpu);
        }
    }

    private static final class MoveCall extends ControlOps.Call {
        private final long move;

        MoveCall(long move, Binding b) {
            super(b);
            this.move = move;
        }

        @Override
        public Op execute(Cpu cpu) {
            RegisterMove.run(cpu.r, move);
            return super.execute(cpu);
        }
    }
}

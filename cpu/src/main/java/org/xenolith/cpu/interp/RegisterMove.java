package org.xenolith.cpu.interp;

import org.xenolith.cpu.Cpu;
import org.xenolith.cpu.decode.Instruction;
import org.xenolith.cpu.decode.OpcodeRow;
import org.xenolith.cpu.decode.OpcodeTable;
import org.xenolith.cpu.decode.Operand;

import java.util.List;

/**
 * Instructions that do no more than give a register of 32 or 64 bits a new value, a function of one
 * register:
 *
 * <pre>r[to] = (r[from] + add) &lt;&lt; left &gt;&gt;&gt; right</pre>
 *
 * MOV, MOVZX and LEA are of this kind, and with a constant, if nobody reads their flags, ADD, SUB,
 * INC, DEC, AND, SHL and SHR: a fifth of what the interpreter executes. They cannot fault, so that
 * one operation may do several of them, or one before its own work.
 *
 * <p>A move is a long, so that operations have it beside their other fields: {@code add} in the
 * upper half, below it the four numbers and a bit that is always set.
 */
final class RegisterMove {
    /** No such instruction. */
    static final long NONE = 0;

    private static final int FROM = 6;
    private static final int LEFT = 12;
    private static final int RIGHT = 18;
    private static final int IS_MOVE = 1 << 24;
    private static final int ADD = 32;

    private enum Kind {
        OTHER,
        MOV,
        MOVZX,
        LEA,
        ADD,
        SUB,
        INC,
        DEC,
        XOR,
        AND,
        SHL,
        SHR;

        static Kind of(OpcodeRow row) {
            return switch (row.mnemonic()) {
                case "mov" -> isGeneral(row.operands()) ? MOV : OTHER;
                case "movzx" -> MOVZX;
                case "lea" -> LEA;
                case "add" -> ADD;
                case "sub" -> SUB;
                case "inc" -> INC;
                case "dec" -> DEC;
                case "xor" -> XOR;
                case "and" -> AND;
                case "shl" -> SHL;
                case "shr" -> SHR;
                default -> OTHER;
            };
        }

        /** No segment, control or debug register, no address in place of a ModRM operand. */
        private static boolean isGeneral(List<Operand> operands) {
            for (Operand operand : operands) {
                switch (operand) {
                    case SW, CD, DD, OB, OV -> {
                        return false;
                    }
                    default -> {}
                }
            }
            return true;
        }
    }

    private static final Kind[] BY_ROW =
            OpcodeTable.rows().stream().map(Kind::of).toArray(Kind[]::new);

    private RegisterMove() {}

    /**
     * Does a move.
     *
     * @param r a register file, whose length is a power of two: masks need no check of bounds
     */
    static void run(long[] r, long move) {
        int parts = (int) move;
        int last = r.length - 1;
        r[parts & last] =
                r[parts >> FROM & last] + (move >> ADD) << (parts >> LEFT) >>> (parts >> RIGHT);
    }

    /** The move that an instruction is, or {@link #NONE}. */
    static long of(Binding b) {
        Instruction in = b.in;
        Kind kind = in.row == null ? Kind.OTHER : BY_ROW[in.row.id()];
        if (kind == Kind.OTHER || in.lock || in.memory != (kind == Kind.LEA) || isNarrow(b)) {
            return NONE;
        }
        return switch (kind) {
            case OTHER -> NONE;
            case MOV -> move(b);
            case MOVZX -> zeroExtended(b);
            case LEA -> address(b);
            default -> b.flagsDead ? arithmetic(kind, b) : NONE;
        };
    }

    /** Writes a byte or a word, and keeps the rest of the register. */
    private static boolean isNarrow(Binding b) {
        return OperandForm.isByte(b, 0) || b.bits() < 32;
    }

    private static long move(Binding b) {
        int to = OperandForm.registerOf(b, 0);
        int cut = 64 - b.bits();
        if (OperandForm.of(b) == OperandForm.RR) {
            return of(to, OperandForm.registerOf(b, 1), 0, cut, cut);
        }
        // The low 32 bits are kept, whatever the sum has above them.
        long value = b.bits() == 32 ? (int) b.in.immediate : b.in.immediate;
        return of(to, Cpu.ZERO, value, cut, cut);
    }

    private static long zeroExtended(Binding b) {
        boolean isByte = b.operand(1) == Operand.EB;
        int from = isByte ? b.byteRegister(b.in.rm) : b.in.rm;
        int shift = isByte ? b.byteShift(b.in.rm) : 0;
        int cut = isByte ? 56 : 48;
        return of(b.in.reg, from, 0, cut - shift, cut);
    }

    private static long address(Binding b) {
        Instruction in = b.in;
        // Of 32-bit code with addresses of 32 bits no more than those are written.
        boolean whole = in.addressSize == (in.code32 ? 4 : 8);
        if (in.index != Cpu.ZERO || !whole) {
            return NONE;
        }
        int cut = 64 - b.bits();
        return of(in.reg, MemoryOp.baseOf(b), MemoryOp.displacementOf(b), cut, cut);
    }

    private static long arithmetic(Kind kind, Binding b) {
        int to = OperandForm.registerOf(b, 0);
        int cut = 64 - b.bits();
        return switch (kind) {
            case INC -> of(to, to, 1, cut, cut);
            case DEC -> of(to, to, -1, cut, cut);
            case SHL -> shift(b, count -> of(to, to, 0, cut + count, cut));
            case SHR -> shift(b, count -> of(to, to, 0, cut, cut + count));
            default ->
                    OperandForm.of(b) == OperandForm.RI
                            ? withConstant(kind, to, cut, b.in.immediate)
                            : ofRegisters(kind, to, OperandForm.registerOf(b, 1));
        };
    }

    private interface ByCount {
        long move(int count);
    }

    private static long shift(Binding b, ByCount move) {
        if (b.operand(1) == Operand.CL) {
            return NONE;
        }
        long count = b.operand(1) == Operand.ONE ? 1 : b.in.immediate;
        return move.move((int) count & b.bits() - 1);
    }

    private static long withConstant(Kind kind, int to, int cut, long constant) {
        return switch (kind) {
            case ADD -> of(to, to, constant, cut, cut);
            case SUB -> of(to, to, -constant, cut, cut);
            case AND -> lowBits(to, constant);
            default -> NONE;
        };
    }

    /** AND with a mask of the lowest bits, at least one and at most 31. */
    private static long lowBits(int to, long mask) {
        if (mask <= 0 || (mask & mask + 1) != 0) {
            return NONE;
        }
        int cut = Long.numberOfLeadingZeros(mask);
        return of(to, to, 0, cut, cut);
    }

    /** XOR and SUB of a register with itself. */
    private static long ofRegisters(Kind kind, int to, int from) {
        boolean clears = from == to && (kind == Kind.XOR || kind == Kind.SUB);
        return clears ? of(to, Cpu.ZERO, 0, 0, 0) : NONE;
    }

    private static long of(int to, int from, long add, int left, int right) {
        int parts = IS_MOVE | right << RIGHT | left << LEFT | from << FROM | to;
        return add == (int) add ? add << ADD | parts : NONE;
    }
}

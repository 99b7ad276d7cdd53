package org.xenolith.cpu.interp;

/**
 * Where destination and source of a two-operand instruction are: R register, M memory, I immediate.
 */
public enum OperandForm {
    RR,
    RM,
    MR,
    RI,
    MI;

    /** The form of a row's first two operands, given what ModRM says about memory. */
    public static OperandForm of(Binding b) {
        boolean memoryFirst = b.in.memory && isModRmOperand(b, 0);
        return switch (b.operand(1)) {
            case IB, IBS, IW, IZ, IV, ONE -> memoryFirst ? MI : RI;
            default -> memoryFirst ? MR : b.in.memory && isModRmOperand(b, 1) ? RM : RR;
        };
    }

    /** Whether operand {@code i} is the one that ModRM.rm describes. */
    public static boolean isModRmOperand(Binding b, int i) {
        return switch (b.operand(i)) {
            case EB, EW, ED, EV, EY, EQ, M, MB, MW, MD, MQ, MV, MY, MX, MP -> true;
            case RD, RQ, RV, RY, OB, OV -> true;
            default -> false;
        };
    }

    /** Whether operand {@code i} is memory. */
    static boolean isMemory(Binding b, int i) {
        return b.in.memory && i < b.operandCount() && isModRmOperand(b, i);
    }

    /** Register number of a register operand as the instruction encodes it. */
    public static int registerOf(Binding b, int i) {
        return switch (b.operand(i)) {
            case AL, RAX -> 0;
            case CL -> 1;
            case DX -> 2;
            case ZB, ZV, ZQ, EB, EW, ED, EV, EY, EQ, RD, RQ, RV, RY -> b.in.rm;
            default -> b.in.reg;
        };
    }

    /** Whether operand {@code i} is a byte. */
    public static boolean isByte(Binding b, int i) {
        return switch (b.operand(i)) {
            case EB, GB, MB, ZB, IB, AL, OB -> true;
            default -> false;
        };
    }

    abstract static class RegisterRegister extends Op {
        final byte dst;
        final byte dstShift;
        final byte src;
        final byte srcShift;

        RegisterRegister(Binding b) {
            int first = registerOf(b, 0);
            int second = registerOf(b, 1);
            boolean bytes = isByte(b, 0);
            dst = (byte) (bytes ? b.byteRegister(first) : first);
            dstShift = (byte) (bytes ? b.byteShift(first) : 0);
            src = (byte) (bytes ? b.byteRegister(second) : second);
            srcShift = (byte) (bytes ? b.byteShift(second) : 0);
        }
    }

    abstract static class RegisterImmediate extends Op {
        final byte dst;
        final byte dstShift;
        final int immediate;

        RegisterImmediate(Binding b) {
            int first = registerOf(b, 0);
            boolean bytes = isByte(b, 0);
            dst = (byte) (bytes ? b.byteRegister(first) : first);
            dstShift = (byte) (bytes ? b.byteShift(first) : 0);
            immediate = bytes ? (byte) b.in.immediate : (int) b.in.immediate;
        }
    }

    abstract static class RegisterMemory extends MemoryOp {
        final byte dst;
        final byte dstShift;

        RegisterMemory(Binding b) {
            super(b);
            int first = registerOf(b, 0);
            boolean bytes = isByte(b, 0);
            dst = (byte) (bytes ? b.byteRegister(first) : first);
            dstShift = (byte) (bytes ? b.byteShift(first) : 0);
        }
    }

    abstract static class MemoryRegister extends MemoryOp {
        final byte reg;
        final byte regShift;

        MemoryRegister(Binding b) {
            super(b);
            int second = registerOf(b, 1);
            boolean bytes = isByte(b, 0);
            reg = (byte) (bytes ? b.byteRegister(second) : second);
            regShift = (byte) (bytes ? b.byteShift(second) : 0);
        }
    }

    abstract static class MemoryImmediate extends MemoryOp {
        final int immediate;

        MemoryImmediate(Binding b) {
            super(b);
            immediate = isByte(b, 0) ? (byte) b.in.immediate : (int) b.in.immediate;
        }
    }
}

package org.xenolith.cpu.interp;

import org.xenolith.cpu.Cpu;
import org.xenolith.cpu.decode.Instruction;
import org.xenolith.cpu.decode.OpcodeRow;
import org.xenolith.cpu.decode.Operand;
import org.xenolith.cpu.x87.FxsaveArea;
import org.xenolith.cpu.x87.X87;

import java.util.Set;

/**
 * An instruction of 32-bit code with a memory operand: its offset has 32 or 16 bits, its segment a
 * base, a limit and rights. The wrapped operation finds the linear address in a scratch register.
 *
 * <p>Rights to write are asked for by the instructions in {@link #WRITERS}; stores of x87 and SSE
 * pass.
 */
class CompatAddress extends FormedAddress {
    /** Have an operand and do not access it. */
    private static final Set<String> NO_ACCESS =
            Set.of(
                    "nop",
                    "prefetch",
                    "prefetchw",
                    "prefetchwt1",
                    "prefetchnta",
                    "prefetcht0",
                    "prefetcht1",
                    "prefetcht2");

    /** Write their first operand. */
    private static final Set<String> WRITERS =
            Set.of(
                    "mov",
                    "add",
                    "or",
                    "adc",
                    "sbb",
                    "and",
                    "sub",
                    "xor",
                    "inc",
                    "dec",
                    "neg",
                    "not",
                    "xchg",
                    "xadd",
                    "cmpxchg",
                    "cmpxchg8b",
                    "pop",
                    "rol",
                    "ror",
                    "rcl",
                    "rcr",
                    "shl",
                    "shr",
                    "sar",
                    "shld",
                    "shrd",
                    "bts",
                    "btr",
                    "btc",
                    "movnti",
                    "movbe",
                    "sgdt",
                    "sidt",
                    "sldt",
                    "str",
                    "smsw",
                    "fxsave",
                    "stmxcsr");

    private static final int SYSTEM_TABLE_BYTES = 6;

    private final byte segment;
    private final short bytes;
    private final boolean write;

    private CompatAddress(Op inner, Binding b) {
        super(inner, b);
        segment = (byte) HiddenSegments.numberOf(b.in.segment);
        bytes = (short) operandBytes(b);
        write = OperandForm.isMemory(b, 0) && isWriter(b.in.row.mnemonic());
    }

    private static boolean isWriter(String mnemonic) {
        return WRITERS.contains(mnemonic) || mnemonic.startsWith("set");
    }

    /** Whether the instruction has a memory operand that it accesses. */
    static boolean isNeeded(Binding b) {
        return b.in.memory && b.in.base != Cpu.SCRATCH && !NO_ACCESS.contains(b.in.row.mnemonic());
    }

    /** Binds the instruction of {@code b} to a copy with the scratch register as base. */
    static Op wrap(Binding b) {
        Instruction based = b.in.withAddress(Cpu.SCRATCH, Instruction.NO_REGISTER);
        // What is added to the address wraps at 4 GiB, be the offset of 32 bits or 16.
        based.addressSize = 4;
        Op inner = OpFactory.bind(new Binding(based, b.page, b.start, b.flagsDead));
        if (isLea(b)) {
            return new FormedAddress(inner, b);
        }
        if (isPair(b)) {
            return new Pair(inner, b);
        }
        if (b.in.row.mnemonic().equals("pop")) {
            return new Popped(inner, b);
        }
        return BitOps.BitTest.goesBeyond(b) ? new BitString(inner, b) : new CompatAddress(inner, b);
    }

    /** Whether the operand is a far pointer or two bounds, which take two accesses. */
    private static boolean isPair(Binding b) {
        Operand operand = memoryOperand(b);
        return operand == Operand.MP || operand == Operand.MA;
    }

    private static boolean isLea(Binding b) {
        return b.in.row.mnemonic().equals("lea");
    }

    @Override
    boolean addressesStack() {
        return segment == Segments.SS;
    }

    final int segment() {
        return segment;
    }

    @Override
    public Op execute(Cpu cpu) {
        long[] r = cpu.r;
        r[Cpu.SCRATCH] = linear(cpu, offset(r));
        return inner.execute(cpu);
    }

    final long linear(Cpu cpu, long offset) {
        return cpu.hidden.linear(cpu, segment, offset, bytes, write);
    }

    /** BT and its kin, which go from their operand to where a bit number in a register says. */
    private static final class BitString extends CompatAddress {
        private final int register;
        private final int bits;
        private final long mask;

        BitString(Op inner, Binding b) {
            super(inner, b);
            register = b.in.reg;
            bits = b.bits();
            mask = Registers.addressMask(b.in.addressSize);
        }

        @Override
        public Op execute(Cpu cpu) {
            long[] r = cpu.r;
            long beyond = BitOps.BitTest.beyond(Registers.get(r, register, 0, bits), bits);
            // The operation inside adds it once more.
            r[Cpu.SCRATCH] = linear(cpu, offset(r) + beyond & mask) - beyond;
            return inner.execute(cpu);
        }
    }

    /** The first of two accesses may find no page before the second is found beyond the limit. */
    private static final class Pair extends CompatAddress {
        private final int firstBytes;

        Pair(Op inner, Binding b) {
            super(inner, b);
            firstBytes = b.in.operandSize;
        }

        @Override
        public Op execute(Cpu cpu) {
            long[] r = cpu.r;
            long offset = offset(r);
            long first = cpu.hidden.linear(cpu, segment(), offset, firstBytes, false);
            Loads.load(cpu.mmu(), first, 8 * firstBytes);
            r[Cpu.SCRATCH] = linear(cpu, offset);
            return inner.execute(cpu);
        }
    }

    /** POP reads the stack, where there may be no page, before its operand is looked at. */
    private static final class Popped extends CompatAddress {
        private final int bits;

        Popped(Op inner, Binding b) {
            super(inner, b);
            bits = b.bits();
        }

        @Override
        public Op execute(Cpu cpu) {
            CompatStack.top(cpu, bits);
            return super.execute(cpu);
        }
    }

    // ---- how long an operand is
    // ------------------------------------------------------------------------------------

    private static int operandBytes(Binding b) {
        OpcodeRow row = b.in.row;
        if (row.has(OpcodeRow.ESCAPE)) {
            return x87Bytes(b);
        }
        return switch (row.mnemonic()) {
            case "fxsave", "fxrstor" -> FxsaveArea.SIZE;
            case "sgdt", "sidt" -> SYSTEM_TABLE_BYTES;
            default -> operandBytes(b, memoryOperand(b));
        };
    }

    private static Operand memoryOperand(Binding b) {
        for (Operand operand : b.in.row.operands()) {
            if (operandBytes(b, operand) != 0) {
                return operand;
            }
        }
        return Operand.MB;
    }

    /** Bytes of an operand if it is of those that can be memory, else 0. */
    private static int operandBytes(Binding b, Operand operand) {
        return switch (operand) {
            case EB, MB, OB -> 1;
            case EW, MW, WW -> 2;
            case ED, MD, EY, MY, WSS, WD, QD -> 4;
            case MQ, WSD, WQ, QQ -> 8;
            case EQ, EV, MV, OV -> b.in.operandSize;
            case MP -> b.in.operandSize + 2;
            case MA -> 2 * b.in.operandSize;
            case MX, WX -> 16;
            case M -> 1;
            default -> 0;
        };
    }

    private static int x87Bytes(Binding b) {
        int esc = b.in.opcode - 0xd8;
        int reg = b.in.reg & 7;
        int bytes = Math.max(X87.loadBytes(esc, reg), X87.storeBytes(esc, reg));
        return Math.max(1, Math.max(bytes, X87.imageBytes(esc, reg, b.in.operandSize == 2)));
    }
}

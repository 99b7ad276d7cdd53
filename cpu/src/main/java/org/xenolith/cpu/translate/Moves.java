package org.xenolith.cpu.translate;

import static org.xenolith.cpu.translate.Locals.INT_TEMP;
import static org.xenolith.cpu.translate.Locals.LONG_TEMP;

import org.xenolith.cpu.Cpu;
import org.xenolith.cpu.decode.Operand;
import org.xenolith.cpu.interp.OperandForm;

import java.lang.classfile.CodeBuilder;
import java.lang.classfile.Label;
import java.lang.constant.ConstantDescs;
import java.lang.constant.MethodTypeDesc;
import java.lang.invoke.VarHandle;

/** Moves between general registers and memory, and their order. None touches a flag. */
final class Moves {
    private static final long LOW_32 = 0xffff_ffffL;

    private Moves() {}

    static void mov(UnitCode unit, GuestInstruction i) {
        if (i.b.operand(1) == Operand.SW) {
            selector(unit, i);
            return;
        }
        int bits = Arithmetic.bits(i);
        switch (OperandForm.of(i.b)) {
            case RR -> {
                Arithmetic.pushOperand(unit, i, 1, bits);
                Arithmetic.popOperand(unit, i, 0, bits);
            }
            case RI -> {
                Arithmetic.pushImmediate(unit, i, bits);
                Arithmetic.popOperand(unit, i, 0, bits);
            }
            case RM -> {
                unit.memory.load(i, bits);
                Arithmetic.popOperand(unit, i, 0, bits);
            }
            case MR -> {
                unit.memory.writable(i, bits);
                unit.memory.pushPut(bits);
                Arithmetic.pushOperand(unit, i, 1, bits);
                unit.memory.put(bits);
            }
            case MI -> {
                unit.memory.writable(i, bits);
                unit.memory.pushPut(bits);
                Arithmetic.pushImmediate(unit, i, bits);
                unit.memory.put(bits);
            }
        }
    }

    /** MOV from a segment register: 16 bits to memory, zero-extended to a register. */
    private static void selector(UnitCode unit, GuestInstruction i) {
        CodeBuilder out = unit.out;
        if (i.in.memory) {
            unit.memory.writable(i, 16);
            unit.memory.pushPut(16);
        }
        out.aload(Locals.CPU);
        out.getfield(UnitCode.CPU_CLASS, "selectors", ConstantDescs.CD_int.arrayType());
        out.loadConstant(i.in.reg & 7).iaload();
        if (i.in.memory) {
            unit.memory.put(16);
            return;
        }
        if (i.b.bits() == 64) {
            out.i2l();
        }
        unit.pop(i.in.rm, i.b.bits(), 0);
    }

    static void movzx(UnitCode unit, GuestInstruction i) {
        int sourceBits = pushSource(unit, i);
        unit.out.loadConstant((1 << sourceBits) - 1).iand();
        popExtended(unit, i);
    }

    static void movsx(UnitCode unit, GuestInstruction i) {
        pushSource(unit, i);
        popExtended(unit, i);
    }

    static void movsxd(UnitCode unit, GuestInstruction i) {
        if (i.in.memory) {
            unit.memory.load(i, 32);
        } else {
            unit.push(i.in.rm, 32, 0);
        }
        popExtended(unit, i);
    }

    /** Pushes the second operand sign-extended, and returns its width. */
    private static int pushSource(UnitCode unit, GuestInstruction i) {
        int bits = i.b.operand(1) == Operand.EB ? 8 : 16;
        if (i.in.memory) {
            unit.memory.load(i, bits);
        } else if (bits == 8) {
            unit.push(i.b.byteRegister(i.in.rm), 8, i.b.byteShift(i.in.rm));
        } else {
            unit.push(i.in.rm, 16, 0);
        }
        return bits;
    }

    private static void popExtended(UnitCode unit, GuestInstruction i) {
        int bits = i.b.bits();
        if (bits == 64) {
            unit.out.i2l();
        }
        unit.pop(i.in.reg, bits, 0);
    }

    static void lea(UnitCode unit, GuestInstruction i) {
        int bits = i.b.bits();
        unit.memory.pushOffset(i);
        if (bits < 64) {
            unit.out.l2i();
        }
        unit.pop(i.in.reg, bits, 0);
    }

    static void xchg(UnitCode unit, GuestInstruction i) {
        int bits = Arithmetic.bits(i);
        Arithmetic.pushOperand(unit, i, 0, bits);
        Arithmetic.store(unit, bits, LONG_TEMP, INT_TEMP);
        Arithmetic.pushOperand(unit, i, 1, bits);
        Arithmetic.popOperand(unit, i, 0, bits);
        Arithmetic.load(unit, bits, LONG_TEMP, INT_TEMP);
        Arithmetic.popOperand(unit, i, 1, bits);
    }

    static void bswap(UnitCode unit, GuestInstruction i) {
        int bits = i.b.bits();
        unit.push(i.in.rm, bits, 0);
        reverse(unit.out, bits);
        unit.pop(i.in.rm, bits, 0);
    }

    static void movbe(UnitCode unit, GuestInstruction i) {
        int bits = i.b.bits();
        boolean store = i.b.operand(0) == Operand.MV;
        if (store) {
            unit.memory.writable(i, bits);
            unit.memory.pushPut(bits);
            unit.push(i.in.reg, bits, 0);
        } else {
            unit.memory.load(i, bits);
        }
        reverse(unit.out, bits);
        if (store) {
            unit.memory.put(bits);
        } else {
            unit.pop(i.in.reg, bits, 0);
        }
    }

    private static void reverse(CodeBuilder out, int bits) {
        switch (bits) {
            case 64 ->
                    out.invokestatic(
                            ConstantDescs.CD_Long,
                            "reverseBytes",
                            MethodTypeDesc.ofDescriptor("(J)J"));
            case 32 ->
                    out.invokestatic(
                            ConstantDescs.CD_Integer,
                            "reverseBytes",
                            MethodTypeDesc.ofDescriptor("(I)I"));
            default ->
                    out.invokestatic(
                            ConstantDescs.CD_Short,
                            "reverseBytes",
                            MethodTypeDesc.ofDescriptor("(S)S"));
        }
    }

    /** A store like another: what it does with caches, nobody sees. */
    static void movnti(UnitCode unit, GuestInstruction i) {
        int bits = i.b.bits() == 64 ? 64 : 32;
        unit.memory.writable(i, bits);
        unit.memory.pushPut(bits);
        unit.push(i.in.reg, bits, 0);
        unit.memory.put(bits);
    }

    /** CBW, CWDE, CDQE. */
    static void extendAccumulator(UnitCode unit, GuestInstruction i) {
        int bits = i.b.bits();
        unit.push(Cpu.RAX, bits / 2, 0);
        if (bits == 64) {
            unit.out.i2l();
        }
        unit.pop(Cpu.RAX, bits, 0);
    }

    /** CWD, CDQ, CQO. */
    static void signIntoRdx(UnitCode unit, GuestInstruction i) {
        int bits = i.b.bits();
        unit.push(Cpu.RAX, bits, 0);
        if (bits == 64) {
            unit.out.bipush(63).lshr();
        } else {
            unit.out.bipush(31).ishr();
        }
        unit.pop(Cpu.RDX, bits, 0);
    }

    static void fence(UnitCode unit, GuestInstruction i) {
        unit.out.invokestatic(
                UnitCode.desc(VarHandle.class), "fullFence", MethodTypeDesc.ofDescriptor("()V"));
    }

    /** SETcc. */
    static void set(UnitCode unit, GuestInstruction i) {
        CodeBuilder out = unit.out;
        if (i.in.memory) {
            unit.memory.writable(i, 8);
        }
        Label met = out.newLabel();
        Label end = out.newLabel();
        unit.flags.jumpIf(i.condition(), met);
        out.iconst_0().goto_(end).labelBinding(met).iconst_1().labelBinding(end);
        if (i.in.memory) {
            out.istore(INT_TEMP);
            unit.memory.pushPut(8);
            out.iload(INT_TEMP);
            unit.memory.put(8);
        } else {
            unit.pop(i.b.byteRegister(i.in.rm), 8, i.b.byteShift(i.in.rm));
        }
    }

    /** CMOVcc: a memory source is loaded also when the condition is false. */
    static void cmov(UnitCode unit, GuestInstruction i) {
        CodeBuilder out = unit.out;
        int bits = i.b.bits();
        if (i.in.memory) {
            unit.memory.load(i, bits);
            Arithmetic.store(unit, bits, LONG_TEMP, INT_TEMP);
        }
        Label met = out.newLabel();
        Label end = out.newLabel();
        unit.flags.jumpIf(i.condition(), met);
        if (bits == 32) {
            // The upper half is cleared in either case.
            unit.pushLong(i.in.reg);
            out.loadConstant(LOW_32).land();
            unit.popLong(i.in.reg);
        }
        out.goto_(end).labelBinding(met);
        if (i.in.memory) {
            Arithmetic.load(unit, bits, LONG_TEMP, INT_TEMP);
        } else {
            unit.push(i.in.rm, bits, 0);
        }
        unit.pop(i.in.reg, bits, 0);
        out.labelBinding(end);
    }
}

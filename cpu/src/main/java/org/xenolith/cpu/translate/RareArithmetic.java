package org.xenolith.cpu.translate;

import static org.xenolith.cpu.translate.Locals.FLAG_A;
import static org.xenolith.cpu.translate.Locals.FLAG_B;
import static org.xenolith.cpu.translate.Locals.FLAG_RESULT;
import static org.xenolith.cpu.translate.Locals.INT_RESULT;
import static org.xenolith.cpu.translate.Locals.INT_TEMP;
import static org.xenolith.cpu.translate.Locals.LONG_TEMP;
import static org.xenolith.cpu.translate.Locals.LOW_TEMP;

import org.xenolith.cpu.Cpu;
import org.xenolith.cpu.decode.Operand;
import org.xenolith.cpu.interp.OperandForm;
import org.xenolith.cpu.semantics.Flags;
import org.xenolith.cpu.semantics.simd.Crc32c;

import java.lang.classfile.CodeBuilder;
import java.lang.classfile.Label;
import java.lang.constant.ClassDesc;
import java.lang.constant.ConstantDescs;
import java.lang.constant.MethodTypeDesc;

/**
 * Products and quotients of 8 and 16 bits, the signed product of 32, SHLD and SHRD, POPCNT and
 * CRC32: what a call each is good enough for.
 */
final class RareArithmetic {
    private static final ClassDesc PRODUCTS = UnitCode.desc(Products.class);
    private static final ClassDesc PARTS = UnitCode.desc(Parts.class);

    private RareArithmetic() {}

    /** Pushes the only operand, or the second one, as a long: sign-extended or zero-extended. */
    private static void pushLong(
            UnitCode unit, GuestInstruction i, int operand, int bits, boolean signed) {
        if (i.in.memory) {
            unit.memory.load(i, bits);
        } else {
            Arithmetic.pushOperand(unit, i, operand, bits);
        }
        extend(unit, bits, signed);
    }

    private static void extend(UnitCode unit, int bits, boolean signed) {
        if (bits == 64) {
            return;
        }
        unit.out.i2l();
        if (!signed) {
            unit.out.loadConstant((1L << bits) - 1).land();
        }
    }

    // ---- products and quotients

    /** MUL and IMUL of the accumulator: the product goes to AX, or to DX:AX and EDX:EAX. */
    static void product(UnitCode unit, GuestInstruction i, boolean signed) {
        CodeBuilder out = unit.out;
        int bits = Arithmetic.bits(i);
        pushLong(unit, i, 0, bits, signed);
        unit.push(Cpu.RAX, bits, 0);
        extend(unit, bits, signed);
        out.lmul().lstore(LONG_TEMP).lload(LONG_TEMP).l2i();
        Arithmetic.narrow(unit, bits);
        out.istore(INT_RESULT);
        if (bits == 8) {
            out.lload(LONG_TEMP).l2i();
            unit.pop(Cpu.RAX, 16, 0);
        } else {
            out.iload(INT_RESULT);
            unit.pop(Cpu.RAX, bits, 0);
            out.lload(LONG_TEMP).loadConstant(bits).lushr().l2i();
            unit.pop(Cpu.RDX, bits, 0);
        }
        if (i.flagsStored) {
            out.lload(LONG_TEMP).lstore(FLAG_A);
            out.iload(INT_RESULT);
            extend(unit, bits, signed);
            out.lstore(FLAG_B);
        }
        unit.flags.set(i, Flags.PRODUCT, bits);
    }

    /** DIV and IDIV of AX or DX:AX; leaves where the divisor is 0 or the quotient too large. */
    static void quotient(UnitCode unit, GuestInstruction i) {
        CodeBuilder out = unit.out;
        int bits = Arithmetic.bits(i);
        boolean signed = i.mnemonic().equals("idiv");
        pushLong(unit, i, 0, bits, signed);
        out.lstore(LONG_TEMP);
        unit.pushLong(Cpu.RDX);
        unit.pushLong(Cpu.RAX);
        out.loadConstant(bits).loadConstant(signed ? 1 : 0);
        out.invokestatic(PRODUCTS, "narrowDividend", MethodTypeDesc.ofDescriptor("(JJIZ)J"));
        out.lstore(LOW_TEMP).lload(LOW_TEMP).lload(LONG_TEMP);
        out.loadConstant(bits).loadConstant(signed ? 1 : 0);
        out.invokestatic(PRODUCTS, "fitsNarrow", MethodTypeDesc.ofDescriptor("(JJIZ)Z"));
        Label fits = out.newLabel();
        out.ifne(fits);
        unit.exits.leaveSpecial();
        out.labelBinding(fits);
        out.lload(LOW_TEMP).lload(LONG_TEMP).ldiv().l2i().istore(INT_TEMP);
        out.lload(LOW_TEMP).lload(LONG_TEMP).lrem().l2i();
        if (bits == 8) {
            unit.pop(Cpu.RAX, 8, 8);
        } else {
            unit.pop(Cpu.RDX, bits, 0);
        }
        out.iload(INT_TEMP);
        unit.pop(Cpu.RAX, bits, 0);
    }

    // ---- SHLD and SHRD

    /** A count of 0, or beyond the width, changes nothing. */
    static void doubleShift(UnitCode unit, GuestInstruction i) {
        CodeBuilder out = unit.out;
        int bits = i.b.bits();
        boolean left = i.mnemonic().equals("shld");
        if (i.in.memory) {
            unit.memory.writable(i, bits);
            unit.memory.getHost(bits);
        } else {
            unit.push(i.in.rm, bits, 0);
        }
        extend(unit, bits, true);
        out.lstore(LONG_TEMP).lload(LONG_TEMP);
        unit.push(i.in.reg, bits, 0);
        extend(unit, bits, true);
        pushCount(unit, i, bits);
        out.loadConstant(bits);
        out.invokestatic(PARTS, left ? "shld" : "shrd", MethodTypeDesc.ofDescriptor("(JJII)J"));
        out.lstore(LOW_TEMP);
        if (i.flagsLive) {
            recordDoubleShift(unit, i, bits, left);
        }
        unit.flags.forget();
        writeLow(unit, i, bits);
    }

    private static void recordDoubleShift(
            UnitCode unit, GuestInstruction i, int bits, boolean left) {
        CodeBuilder out = unit.out;
        Label kept = out.newLabel();
        pushCount(unit, i, bits);
        out.ifeq(kept);
        if (bits == 16) {
            pushCount(unit, i, bits);
            out.loadConstant(bits).if_icmpgt(kept);
        }
        out.lload(LONG_TEMP).lstore(FLAG_A);
        if (left) {
            out.loadConstant(bits);
            pushCount(unit, i, bits);
        } else {
            pushCount(unit, i, bits);
            out.iconst_1();
        }
        out.isub().i2l().lstore(FLAG_B);
        out.lload(LOW_TEMP).lstore(FLAG_RESULT);
        unit.flags.setPerhaps(Flags.DOUBLE_SHIFT);
        out.labelBinding(kept);
    }

    private static void pushCount(UnitCode unit, GuestInstruction i, int bits) {
        int mask = bits == 64 ? 63 : 31;
        if (i.b.operand(2) == Operand.CL) {
            unit.pushLong(Cpu.RCX);
            unit.out.l2i().loadConstant(mask).iand();
        } else {
            unit.out.loadConstant((int) i.in.immediate & mask);
        }
    }

    /** LOW_TEMP to the first operand. */
    private static void writeLow(UnitCode unit, GuestInstruction i, int bits) {
        CodeBuilder out = unit.out;
        if (i.in.memory) {
            unit.memory.pushPut(bits);
        }
        out.lload(LOW_TEMP);
        if (bits < 64) {
            out.l2i();
        }
        if (i.in.memory) {
            unit.memory.put(bits);
        } else {
            unit.pop(i.in.rm, bits, 0);
        }
    }

    // ---- bits

    static void populationCount(UnitCode unit, GuestInstruction i) {
        CodeBuilder out = unit.out;
        int bits = i.b.bits();
        pushLong(unit, i, 1, bits, false);
        out.invokestatic(ConstantDescs.CD_Long, "bitCount", MethodTypeDesc.ofDescriptor("(J)I"));
        out.istore(INT_TEMP).iload(INT_TEMP);
        if (bits == 64) {
            out.i2l();
        }
        unit.pop(i.in.reg, bits, 0);
        out.iconst_0().iload(INT_TEMP).i2l();
        out.invokestatic(PARTS, "withZero", MethodTypeDesc.ofDescriptor("(IJ)I"));
        unit.flags.setExplicit();
    }

    /** CRC32 touches no flag. */
    static void checksum(UnitCode unit, GuestInstruction i) {
        int bits = OperandForm.isByte(i.b, 1) ? 8 : i.b.bits();
        pushLong(unit, i, 1, bits, true);
        unit.out.lstore(LONG_TEMP);
        unit.pushLong(i.in.reg);
        unit.out.lload(LONG_TEMP).loadConstant(bits / 8);
        unit.out.invokestatic(
                UnitCode.desc(Crc32c.class), "crc32", MethodTypeDesc.ofDescriptor("(JJI)J"));
        unit.popLong(i.in.reg);
    }
}

package org.xenolith.cpu.translate;

import static org.xenolith.cpu.translate.Locals.FLAG_A;
import static org.xenolith.cpu.translate.Locals.FLAG_B;
import static org.xenolith.cpu.translate.Locals.FLAG_RESULT;
import static org.xenolith.cpu.translate.Locals.HOST;
import static org.xenolith.cpu.translate.Locals.INT_A;
import static org.xenolith.cpu.translate.Locals.INT_B;
import static org.xenolith.cpu.translate.Locals.INT_RESULT;
import static org.xenolith.cpu.translate.Locals.LONG_TEMP;

import org.xenolith.cpu.Cpu;
import org.xenolith.cpu.semantics.Flags;

import java.lang.classfile.CodeBuilder;
import java.lang.classfile.Label;
import java.lang.constant.ClassDesc;
import java.lang.constant.MethodTypeDesc;

/**
 * Products and quotients. {@link Products} has what is too long to emit, {@link RareArithmetic} the
 * widths that are hardly used.
 */
final class ProductEmitter {
    private static final ClassDesc MATH = UnitCode.desc(Math.class);
    private static final MethodTypeDesc LONGS_TO_LONG = MethodTypeDesc.ofDescriptor("(JJ)J");

    private ProductEmitter() {}

    static void imul(UnitCode unit, GuestInstruction i) {
        if (i.b.operandCount() == 1) {
            product(unit, i, true);
            return;
        }
        int bits = i.b.bits();
        if (i.in.memory) {
            unit.memory.load(i, bits);
        } else {
            unit.push(i.in.rm, bits, 0);
        }
        Arithmetic.store(unit, bits, FLAG_A, INT_A);
        if (i.b.operandCount() == 3) {
            Arithmetic.pushImmediate(unit, i, bits);
        } else {
            unit.push(i.in.reg, bits, 0);
        }
        Arithmetic.store(unit, bits, FLAG_B, INT_B);
        CodeBuilder out = unit.out;
        if (bits == 64) {
            out.lload(FLAG_A).lload(FLAG_B).lmul().lstore(FLAG_RESULT);
            out.lload(FLAG_RESULT);
        } else {
            out.iload(INT_A).i2l().iload(INT_B).i2l().lmul().lstore(LONG_TEMP);
            out.lload(LONG_TEMP).l2i();
            Arithmetic.narrow(unit, bits);
            out.istore(INT_RESULT).iload(INT_RESULT);
        }
        unit.pop(i.in.reg, bits, 0);
        if (i.flagsStored) {
            recordProduct(out, bits);
        }
        unit.flags.set(i, Flags.PRODUCT, bits);
    }

    /**
     * The upper half and what it would be if it said nothing, or the product and its lower half.
     */
    private static void recordProduct(CodeBuilder out, int bits) {
        if (bits == 64) {
            out.lload(FLAG_A).lload(FLAG_B).invokestatic(MATH, "multiplyHigh", LONGS_TO_LONG);
            out.lstore(FLAG_A).lload(FLAG_RESULT).bipush(63).lshr().lstore(FLAG_B);
        } else {
            out.lload(LONG_TEMP).lstore(FLAG_A).iload(INT_RESULT).i2l().lstore(FLAG_B);
        }
    }

    static void mul(UnitCode unit, GuestInstruction i) {
        product(unit, i, false);
    }

    private static void product(UnitCode unit, GuestInstruction i, boolean signed) {
        int bits = Arithmetic.bits(i);
        if (bits < 32 || bits == 32 && signed) {
            RareArithmetic.product(unit, i, signed);
        } else {
            wide(unit, i, signed);
        }
    }

    /** RDX:RAX, the product of RAX and the operand. */
    private static void wide(UnitCode unit, GuestInstruction i, boolean signed) {
        CodeBuilder out = unit.out;
        int bits = i.b.bits();
        if (i.in.memory) {
            unit.memory.load(i, bits);
        } else {
            unit.push(i.in.rm, bits, 0);
        }
        if (bits == 64) {
            out.lstore(FLAG_B);
            unit.pushLong(Cpu.RAX);
            out.lstore(FLAG_A);
            out.lload(FLAG_A).lload(FLAG_B).lmul().lstore(FLAG_RESULT);
            out.lload(FLAG_A).lload(FLAG_B);
            out.invokestatic(MATH, signed ? "multiplyHigh" : "unsignedMultiplyHigh", LONGS_TO_LONG);
            unit.popLong(Cpu.RDX);
            out.lload(FLAG_RESULT);
            unit.popLong(Cpu.RAX);
        } else {
            unit.zeroExtendInt();
            unit.push(Cpu.RAX, 32, 0);
            unit.zeroExtendInt();
            out.lmul().lstore(LONG_TEMP);
            out.lload(LONG_TEMP).l2i().istore(INT_RESULT);
            out.iload(INT_RESULT);
            unit.pop(Cpu.RAX, 32, 0);
            out.lload(LONG_TEMP).bipush(32).lushr();
            unit.popLong(Cpu.RDX);
        }
        if (i.flagsStored) {
            recordWide(unit, signed);
        }
        unit.flags.set(i, Flags.PRODUCT, bits);
    }

    /** RDX and what it would be if the lower half said all; {@code signed} with 64 bits only. */
    private static void recordWide(UnitCode unit, boolean signed) {
        unit.pushLong(Cpu.RDX);
        unit.out.lstore(FLAG_A);
        if (signed) {
            unit.out.lload(FLAG_RESULT).bipush(63).lshr();
        } else {
            unit.out.lconst_0();
        }
        unit.out.lstore(FLAG_B);
    }

    /** Leaves to the interpreter where the divisor is 0 or the quotient too large. */
    static void divide(UnitCode unit, GuestInstruction i) {
        CodeBuilder out = unit.out;
        if (Arithmetic.bits(i) < 32) {
            RareArithmetic.quotient(unit, i);
            return;
        }
        int bits = i.b.bits();
        boolean signed = i.mnemonic().equals("idiv");
        if (i.in.memory) {
            unit.memory.load(i, bits);
        } else {
            unit.push(i.in.rm, bits, 0);
        }
        if (bits == 32) {
            out.i2l();
            if (!signed) {
                out.loadConstant(0xffff_ffffL).land();
            }
        }
        out.lstore(LONG_TEMP);
        String suffix = (signed ? "Signed" : "Unsigned") + bits;
        Label fits = out.newLabel();
        pushDividend(unit);
        out.invokestatic(
                UnitCode.desc(Products.class),
                "fits" + suffix,
                MethodTypeDesc.ofDescriptor("(JJJ)Z"));
        out.ifne(fits);
        unit.exits.leaveSpecial();
        out.labelBinding(fits);
        pushDividend(unit);
        out.invokestatic(
                UnitCode.desc(Products.class),
                "quotient" + suffix,
                MethodTypeDesc.ofDescriptor("(JJJ)J"));
        out.lstore(HOST);
        pushDividend(unit);
        out.lload(HOST);
        out.invokestatic(
                UnitCode.desc(Products.class),
                "remainder" + bits,
                MethodTypeDesc.ofDescriptor("(JJJJ)J"));
        unit.popLong(Cpu.RDX);
        out.lload(HOST);
        unit.popLong(Cpu.RAX);
    }

    private static void pushDividend(UnitCode unit) {
        unit.pushLong(Cpu.RDX);
        unit.pushLong(Cpu.RAX);
        unit.out.lload(LONG_TEMP);
    }
}

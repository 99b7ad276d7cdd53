package org.xenolith.cpu.translate;

import static org.xenolith.cpu.translate.UnitCode.LONG_TEMP;
import static org.xenolith.cpu.translate.UnitCode.LOW_TEMP;

import org.xenolith.cpu.decode.Operand;

import java.lang.classfile.CodeBuilder;
import java.lang.classfile.Label;
import java.lang.constant.ConstantDescs;
import java.lang.constant.MethodTypeDesc;

/** BT, BTS, BTR and BTC of registers, BT of memory at a constant offset, BSF and BSR. */
final class BitTests {
    private BitTests() {}

    static void test(UnitCode unit, GuestInstruction i) {
        operand(unit, i);
        position(unit, i);
        carry(unit, i);
    }

    /** Operand to LONG_TEMP. */
    private static void operand(UnitCode unit, GuestInstruction i) {
        int bits = i.b.bits();
        if (i.in.memory) {
            unit.load(i, bits);
        } else {
            unit.push(i.in.rm, bits, 0);
        }
        if (bits < 64) {
            unit.out.i2l();
        }
        unit.out.lstore(LONG_TEMP);
    }

    /** Bit position within the operand to LOW_TEMP. */
    private static void position(UnitCode unit, GuestInstruction i) {
        int mask = i.b.bits() - 1;
        if (i.b.operand(1) == Operand.IB) {
            unit.out.loadConstant(i.in.immediate & mask);
        } else {
            unit.pushLong(i.in.reg);
            unit.out.loadConstant((long) mask).land();
        }
        unit.out.lstore(LOW_TEMP);
    }

    private static void carry(UnitCode unit, GuestInstruction i) {
        if (!i.flagsLive) {
            return;
        }
        unit.flags.pushAll();
        unit.out.lload(LONG_TEMP).lload(LOW_TEMP);
        unit.out.invokestatic(
                UnitCode.desc(Parts.class), "withCarry", MethodTypeDesc.ofDescriptor("(IJJ)I"));
        unit.flags.setExplicit();
    }

    static void change(UnitCode unit, GuestInstruction i) {
        CodeBuilder out = unit.out;
        operand(unit, i);
        position(unit, i);
        carry(unit, i);
        out.lload(LONG_TEMP).lconst_1().lload(LOW_TEMP).l2i().lshl();
        switch (i.mnemonic()) {
            case "bts" -> out.lor();
            case "btr" -> out.loadConstant(-1L).lxor().land();
            default -> out.lxor();
        }
        if (i.b.bits() < 64) {
            out.l2i();
        }
        unit.pop(i.in.rm, i.b.bits(), 0);
    }

    /** A source of 0 sets ZF and keeps the destination. */
    static void scan(UnitCode unit, GuestInstruction i) {
        CodeBuilder out = unit.out;
        int bits = i.b.bits();
        boolean forward = i.mnemonic().equals("bsf");
        operand(unit, i);
        if (i.flagsLive) {
            unit.flags.pushAll();
            out.lload(LONG_TEMP);
            out.invokestatic(
                    UnitCode.desc(Parts.class), "afterScan", MethodTypeDesc.ofDescriptor("(IJ)I"));
            unit.flags.setExplicit();
        }
        Label zero = out.newLabel();
        out.lload(LONG_TEMP).lconst_0().lcmp().ifeq(zero);
        if (!forward) {
            out.bipush(63);
        }
        out.lload(LONG_TEMP);
        if (!forward && bits == 32) {
            out.loadConstant(0xffff_ffffL).land();
        }
        out.invokestatic(
                ConstantDescs.CD_Long,
                forward ? "numberOfTrailingZeros" : "numberOfLeadingZeros",
                MethodTypeDesc.ofDescriptor("(J)I"));
        if (!forward) {
            out.isub();
        }
        out.i2l();
        unit.popLong(i.in.reg);
        out.labelBinding(zero);
    }
}

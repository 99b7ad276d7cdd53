package org.xenolith.cpu.translate;

import static org.xenolith.cpu.translate.Locals.HOST;
import static org.xenolith.cpu.translate.Locals.LONG_TEMP;
import static org.xenolith.cpu.translate.Locals.LOW_TEMP;

import org.xenolith.cpu.decode.Operand;
import org.xenolith.cpu.interp.Binding;

import java.lang.classfile.CodeBuilder;
import java.lang.classfile.Label;
import java.lang.constant.ConstantDescs;
import java.lang.constant.MethodTypeDesc;

/**
 * BT, BTS, BTR and BTC, BSF and BSR. An offset in a register reaches beyond a memory operand: that
 * is then the word, doubleword or quadword where the bit is.
 */
final class BitTests {
    private BitTests() {}

    /** Where an offset in a register is added to a 32-bit address, the sum has 32 bits, too. */
    static boolean hasPlainAddress(Binding b) {
        return !b.in.memory || b.in.addressSize == 8 || b.operand(1) == Operand.IB;
    }

    static void test(UnitCode unit, GuestInstruction i) {
        if (i.in.memory) {
            unit.memory.pushLoad(i.b.bits());
            pushPlace(unit, i);
            unit.memory.loadThere(i.b.bits());
            popOperand(unit, i);
        } else {
            operand(unit, i);
        }
        position(unit, i);
        carry(unit, i);
    }

    /** Operand to LONG_TEMP. */
    private static void operand(UnitCode unit, GuestInstruction i) {
        int bits = i.b.bits();
        if (i.in.memory) {
            unit.memory.load(i, bits);
        } else {
            unit.push(i.in.rm, bits, 0);
        }
        popOperand(unit, i);
    }

    private static void popOperand(UnitCode unit, GuestInstruction i) {
        if (i.b.bits() < 64) {
            unit.out.i2l();
        }
        unit.out.lstore(LONG_TEMP);
    }

    /** Pushes the address of the operand that the bit is in. */
    private static void pushPlace(UnitCode unit, GuestInstruction i) {
        CodeBuilder out = unit.out;
        int bits = i.b.bits();
        unit.memory.pushAddress(i);
        if (i.b.operand(1) != Operand.IB) {
            unit.push(i.in.reg, bits, 0);
            if (bits < 64) {
                out.i2l();
            }
            out.loadConstant(log2(bits)).lshr().loadConstant(log2(bits / 8)).lshl().ladd();
        }
    }

    private static int log2(int power) {
        return Integer.numberOfTrailingZeros(power);
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
        unit.out.lload(LONG_TEMP).lload(LOW_TEMP).l2i().lushr().l2i().iconst_1().iand();
        unit.flags.replaceCarry();
    }

    static void change(UnitCode unit, GuestInstruction i) {
        CodeBuilder out = unit.out;
        int bits = i.b.bits();
        if (i.in.memory) {
            unit.memory.pushWritable(bits);
            pushPlace(unit, i);
            unit.memory.writableThere(bits);
            out.lstore(HOST);
            unit.memory.getHost(bits);
            popOperand(unit, i);
        } else {
            operand(unit, i);
        }
        position(unit, i);
        carry(unit, i);
        if (i.in.memory) {
            unit.memory.pushPut(bits);
        }
        out.lload(LONG_TEMP);
        pushMask(unit, i);
        switch (i.mnemonic()) {
            case "bts" -> out.lor();
            case "btr" -> out.land();
            default -> out.lxor();
        }
        if (bits < 64) {
            out.l2i();
        }
        if (i.in.memory) {
            unit.memory.put(bits);
        } else {
            unit.pop(i.in.rm, bits, 0);
        }
    }

    /** Pushes the bit that is set or complemented, or all but the one that is reset. */
    private static void pushMask(UnitCode unit, GuestInstruction i) {
        unit.out.lconst_1().lload(LOW_TEMP).l2i().lshl();
        if (i.mnemonic().equals("btr")) {
            unit.out.loadConstant(-1L).lxor();
        }
    }

    /** With LOCK. */
    static void changeAtomically(UnitCode unit, GuestInstruction i) {
        CodeBuilder out = unit.out;
        int bits = i.b.bits();
        unit.memory.pushUpdatable(bits);
        pushPlace(unit, i);
        unit.memory.updatableThere(bits);
        out.lstore(HOST);
        position(unit, i);
        out.lload(HOST);
        pushMask(unit, i);
        if (bits < 64) {
            out.l2i();
        }
        Locked.call(
                unit,
                switch (i.mnemonic()) {
                    case "bts" -> "or";
                    case "btr" -> "and";
                    default -> "xor";
                },
                bits);
        popOperand(unit, i);
        carry(unit, i);
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
                    UnitCode.desc(Parts.class), "withZero", MethodTypeDesc.ofDescriptor("(IJ)I"));
            unit.flags.setExplicit();
        }
        Label zero = out.newLabel();
        out.lload(LONG_TEMP).lconst_0().lcmp().ifeq(zero);
        if (!forward) {
            out.bipush(63);
        }
        out.lload(LONG_TEMP);
        if (!forward && bits < 64) {
            out.loadConstant((1L << bits) - 1).land();
        }
        out.invokestatic(
                ConstantDescs.CD_Long,
                forward ? "numberOfTrailingZeros" : "numberOfLeadingZeros",
                MethodTypeDesc.ofDescriptor("(J)I"));
        if (!forward) {
            out.isub();
        }
        if (bits == 64) {
            out.i2l();
        }
        unit.pop(i.in.reg, bits, 0);
        out.labelBinding(zero);
    }
}

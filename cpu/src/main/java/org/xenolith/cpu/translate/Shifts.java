package org.xenolith.cpu.translate;

import static org.xenolith.cpu.translate.UnitCode.FLAG_A;
import static org.xenolith.cpu.translate.UnitCode.FLAG_READY;
import static org.xenolith.cpu.translate.UnitCode.FLAG_RESULT;
import static org.xenolith.cpu.translate.UnitCode.INT_A;
import static org.xenolith.cpu.translate.UnitCode.INT_RESULT;
import static org.xenolith.cpu.translate.UnitCode.INT_TEMP;
import static org.xenolith.cpu.translate.UnitCode.LONG_TEMP;

import org.xenolith.cpu.Cpu;
import org.xenolith.cpu.decode.Operand;
import org.xenolith.cpu.interp.Binding;
import org.xenolith.cpu.interp.OperandForm;
import org.xenolith.cpu.semantics.Flags;
import org.xenolith.cpu.semantics.Shift;

import java.lang.classfile.CodeBuilder;
import java.lang.constant.ClassDesc;
import java.lang.constant.ConstantDescs;
import java.lang.constant.MethodTypeDesc;

/** SHL, SHR, SAR, ROL and ROR. Those through the carry are rare and left to the interpreter. */
final class Shifts {
    private static final ClassDesc SHIFT = UnitCode.desc(Shift.class);
    private static final ClassDesc PARTS = UnitCode.desc(Parts.class);
    private static final MethodTypeDesc FLAGS_OF_OPERAND = MethodTypeDesc.ofDescriptor("(JII)I");
    private static final MethodTypeDesc FLAGS_OF_RESULT = MethodTypeDesc.ofDescriptor("(JI)I");
    private static final MethodTypeDesc NARROW = MethodTypeDesc.ofDescriptor("(III)I");
    private static final MethodTypeDesc ROTATE = MethodTypeDesc.ofDescriptor("(II)I");
    private static final MethodTypeDesc ROTATE_LONG = MethodTypeDesc.ofDescriptor("(JI)J");

    private Shifts() {}

    /** The count of the instruction, masked as the processor does. */
    static int constantCount(Binding b) {
        int bits = OperandForm.isByte(b, 0) ? 8 : b.bits();
        int count = b.operand(1) == Operand.ONE ? 1 : (int) b.in.immediate;
        return count & (bits == 64 ? 63 : 31);
    }

    static void byConstant(UnitCode unit, GuestInstruction i) {
        CodeBuilder out = unit.out;
        int bits = Arithmetic.bits(i);
        int count = constantCount(i.b);
        boolean rotate = isRotate(i);
        readOperand(unit, i, bits);
        keepOperand(unit, i, bits);
        out.loadConstant(count);
        shift(unit, i, bits);
        store(unit, bits);
        if (!i.flagsLive) {
            write(unit, i, bits);
            unit.flags.set(i, Flags.READY, bits);
            return;
        }
        if (rotate) {
            unit.flags.pushAll();
            pushLong(unit, bits, LONG_TEMP, INT_TEMP);
            out.loadConstant(bits).invokestatic(SHIFT, i.mnemonic() + "Flags", FLAGS_OF_RESULT);
            out.invokestatic(PARTS, "afterRotate", ROTATE);
            unit.flags.setExplicit();
        } else if (i.flagsStored) {
            pushLong(unit, bits, FLAG_A, INT_A);
            out.loadConstant(count).loadConstant(bits);
            out.invokestatic(SHIFT, i.mnemonic() + "Flags", FLAGS_OF_OPERAND);
            out.istore(FLAG_READY);
        }
        write(unit, i, bits);
        if (!rotate) {
            Arithmetic.load(unit, bits, LONG_TEMP, INT_TEMP);
            Arithmetic.store(unit, bits, FLAG_RESULT, INT_RESULT);
            unit.flags.set(i, Flags.READY, bits);
        }
    }

    private static boolean isRotate(GuestInstruction i) {
        return i.mnemonic().startsWith("r");
    }

    /** Leaves the operand on the stack. */
    private static void readOperand(UnitCode unit, GuestInstruction i, int bits) {
        if (i.in.memory) {
            unit.writable(i, bits);
            unit.getHost(bits);
        } else {
            Arithmetic.pushOperand(unit, i, 0, bits);
        }
    }

    /** Shifts make their flags from the operand. */
    private static void keepOperand(UnitCode unit, GuestInstruction i, int bits) {
        if (i.flagsLive && !isRotate(i)) {
            if (bits == 64) {
                unit.out.dup2();
            } else {
                unit.out.dup();
            }
            Arithmetic.store(unit, bits, FLAG_A, INT_A);
        }
    }

    /** Operand and count, masked, are on the stack. Java masks counts as x86 does. */
    private static void shift(UnitCode unit, GuestInstruction i, int bits) {
        CodeBuilder out = unit.out;
        String mnemonic = i.mnemonic();
        boolean wide = bits == 64;
        if (bits < 32) {
            out.loadConstant(bits).invokestatic(PARTS, mnemonic, NARROW);
            return;
        }
        switch (mnemonic) {
            case "shl" -> pick(wide, out::lshl, out::ishl);
            case "shr" -> pick(wide, out::lushr, out::iushr);
            case "sar" -> pick(wide, out::lshr, out::ishr);
            default -> {
                String method = mnemonic.equals("rol") ? "rotateLeft" : "rotateRight";
                out.invokestatic(
                        wide ? ConstantDescs.CD_Long : ConstantDescs.CD_Integer,
                        method,
                        wide ? ROTATE_LONG : ROTATE);
            }
        }
    }

    private static void pick(boolean wide, Runnable onLongs, Runnable onInts) {
        (wide ? onLongs : onInts).run();
    }

    private static void store(UnitCode unit, int bits) {
        Arithmetic.store(unit, bits, LONG_TEMP, INT_TEMP);
    }

    private static void pushLong(UnitCode unit, int bits, int longLocal, int intLocal) {
        Arithmetic.load(unit, bits, longLocal, intLocal);
        if (bits < 64) {
            unit.out.i2l();
        }
    }

    private static void write(UnitCode unit, GuestInstruction i, int bits) {
        if (i.in.memory) {
            unit.pushPut(bits);
        }
        Arithmetic.load(unit, bits, LONG_TEMP, INT_TEMP);
        if (i.in.memory) {
            unit.put(bits);
        } else {
            Arithmetic.popOperand(unit, i, 0, bits);
        }
    }

    /** A count of 0 changes no flag, so all six are made from those before. */
    static void byCl(UnitCode unit, GuestInstruction i) {
        CodeBuilder out = unit.out;
        int bits = Arithmetic.bits(i);
        readOperand(unit, i, bits);
        if (i.flagsLive) {
            unit.flags.pushAll();
            out.istore(FLAG_READY);
        }
        keepOperand(unit, i, bits);
        pushCount(unit, bits);
        shift(unit, i, bits);
        store(unit, bits);
        if (i.flagsLive) {
            out.iload(FLAG_READY);
            boolean rotate = isRotate(i);
            if (!rotate) {
                pushLong(unit, bits, FLAG_A, INT_A);
            }
            pushLong(unit, bits, LONG_TEMP, INT_TEMP);
            pushCount(unit, bits);
            out.loadConstant(bits);
            String mnemonic = i.mnemonic();
            String method =
                    "after" + Character.toUpperCase(mnemonic.charAt(0)) + mnemonic.substring(1);
            out.invokestatic(
                    PARTS, method, MethodTypeDesc.ofDescriptor(rotate ? "(IJII)I" : "(IJJII)I"));
            unit.flags.setExplicit();
        }
        write(unit, i, bits);
        if (!i.flagsLive) {
            unit.flags.set(i, Flags.READY, bits);
        }
    }

    private static void pushCount(UnitCode unit, int bits) {
        unit.pushLong(Cpu.RCX);
        unit.out.l2i().loadConstant(bits == 64 ? 63 : 31).iand();
    }
}

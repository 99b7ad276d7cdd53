package org.xenolith.cpu.translate;

import static org.xenolith.cpu.translate.Locals.FLAG_A;
import static org.xenolith.cpu.translate.Locals.FLAG_B;
import static org.xenolith.cpu.translate.Locals.FLAG_RESULT;
import static org.xenolith.cpu.translate.Locals.INT_A;
import static org.xenolith.cpu.translate.Locals.INT_RESULT;
import static org.xenolith.cpu.translate.Locals.INT_TEMP;
import static org.xenolith.cpu.translate.Locals.LONG_TEMP;
import static org.xenolith.cpu.translate.Locals.LOW_TEMP;

import org.xenolith.cpu.Cpu;
import org.xenolith.cpu.decode.Operand;
import org.xenolith.cpu.interp.Binding;
import org.xenolith.cpu.interp.OperandForm;
import org.xenolith.cpu.semantics.Flags;
import org.xenolith.cpu.semantics.Shift;

import java.lang.classfile.CodeBuilder;
import java.lang.classfile.Label;
import java.lang.constant.ClassDesc;
import java.lang.constant.ConstantDescs;
import java.lang.constant.MethodTypeDesc;

/** SHL, SHR, SAR, ROL and ROR. Those through the carry are rare and left to the interpreter. */
final class Shifts {
    private static final ClassDesc PARTS = UnitCode.desc(Parts.class);
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
        int bits = Arithmetic.bits(i);
        int count = constantCount(i.b);
        compute(unit, i, bits, () -> unit.out.loadConstant(count));
        if (isRotate(i)) {
            replaceRotateFlags(unit, i, bits);
            write(unit, i, bits);
            return;
        }
        if (i.flagsStored) {
            recordSource(unit, i, bits);
            boolean left = i.mnemonic().equals("shl");
            int position = left ? Shift.leftPosition(count, bits) : Shift.rightPosition(count);
            unit.out.loadConstant((long) position).lstore(FLAG_B);
        }
        write(unit, i, bits);
        Arithmetic.load(unit, bits, LONG_TEMP, INT_TEMP);
        Arithmetic.store(unit, bits, FLAG_RESULT, INT_RESULT);
        unit.flags.set(i, rule(i), bits);
    }

    /** Operand, and result to LONG_TEMP or INT_TEMP; {@code pushCount} pushes the masked count. */
    private static void compute(UnitCode unit, GuestInstruction i, int bits, Runnable pushCount) {
        readOperand(unit, i, bits);
        keepOperand(unit, i, bits);
        if (bits < 32 && i.mnemonic().equals("shr")) {
            unit.out.loadConstant((1 << bits) - 1).iand();
        }
        pushCount.run();
        shift(unit, i, bits);
        Arithmetic.store(unit, bits, LONG_TEMP, INT_TEMP);
    }

    private static int rule(GuestInstruction i) {
        return switch (i.mnemonic()) {
            case "shl" -> Flags.SHL;
            case "shr" -> Flags.SHR;
            default -> Flags.SAR;
        };
    }

    /** What {@link Shift#shlSource} and {@link Shift#shrSource} give. */
    private static void recordSource(UnitCode unit, GuestInstruction i, int bits) {
        CodeBuilder out = unit.out;
        pushLong(unit, bits, LOW_TEMP, INT_A);
        if (bits < 32) {
            switch (i.mnemonic()) {
                case "shl" -> out.loadConstant(Shift.shlSource(-1, bits)).land();
                case "shr" -> out.loadConstant(Shift.shrSource(-1, bits)).land();
                default -> {}
            }
        }
        out.lstore(FLAG_A);
    }

    /**
     * Of the result, which is sign-extended: OF after ROL is CF xor its sign, after ROR xor the bit
     * below.
     */
    private static void replaceRotateFlags(UnitCode unit, GuestInstruction i, int bits) {
        if (!i.flagsLive) {
            unit.flags.forget();
            return;
        }
        boolean left = i.mnemonic().equals("rol");
        pushBit(unit, bits, left ? 0 : bits - 1);
        unit.out.loadConstant(Flags.CF | Flags.OF).imul();
        pushBit(unit, bits, left ? bits - 1 : bits - 2);
        unit.out.loadConstant(Flags.OF).imul().ixor();
        unit.flags.replaceCarryAndOverflow();
    }

    /** Pushes a bit of the result. */
    private static void pushBit(UnitCode unit, int bits, int position) {
        CodeBuilder out = unit.out;
        if (bits == 64) {
            out.lload(LONG_TEMP).loadConstant(position).lushr().l2i();
        } else {
            out.iload(INT_TEMP).loadConstant(position).iushr();
        }
        out.iconst_1().iand();
    }

    private static boolean isRotate(GuestInstruction i) {
        return i.mnemonic().startsWith("r");
    }

    /** Leaves the operand on the stack. */
    private static void readOperand(UnitCode unit, GuestInstruction i, int bits) {
        if (i.in.memory) {
            unit.memory.writable(i, bits);
            unit.memory.getHost(bits);
        } else {
            Arithmetic.pushOperand(unit, i, 0, bits);
        }
    }

    /** Shifts make their flags from the operand. Not to FLAG_A: by CL it may have to stay. */
    private static void keepOperand(UnitCode unit, GuestInstruction i, int bits) {
        if (i.flagsLive && !isRotate(i)) {
            if (bits == 64) {
                unit.out.dup2();
            } else {
                unit.out.dup();
            }
            Arithmetic.store(unit, bits, LOW_TEMP, INT_A);
        }
    }

    /** Operand and count, masked, are on the stack. Java masks counts as x86 does. */
    private static void shift(UnitCode unit, GuestInstruction i, int bits) {
        CodeBuilder out = unit.out;
        boolean wide = bits == 64;
        switch (i.mnemonic()) {
            case "shl" -> pick(wide, out::lshl, out::ishl);
            case "shr" -> pick(wide, out::lushr, out::iushr);
            case "sar" -> pick(wide, out::lshr, out::ishr);
            default -> {
                rotate(out, i.mnemonic(), bits);
                return;
            }
        }
        Arithmetic.narrow(unit, bits);
    }

    private static void rotate(CodeBuilder out, String mnemonic, int bits) {
        if (bits < 32) {
            out.loadConstant(bits).invokestatic(PARTS, mnemonic, NARROW);
            return;
        }
        boolean wide = bits == 64;
        out.invokestatic(
                wide ? ConstantDescs.CD_Long : ConstantDescs.CD_Integer,
                mnemonic.equals("rol") ? "rotateLeft" : "rotateRight",
                wide ? ROTATE_LONG : ROTATE);
    }

    private static void pick(boolean wide, Runnable onLongs, Runnable onInts) {
        (wide ? onLongs : onInts).run();
    }

    private static void pushLong(UnitCode unit, int bits, int longLocal, int intLocal) {
        Arithmetic.load(unit, bits, longLocal, intLocal);
        if (bits < 64) {
            unit.out.i2l();
        }
    }

    private static void write(UnitCode unit, GuestInstruction i, int bits) {
        if (i.in.memory) {
            unit.memory.pushPut(bits);
        }
        Arithmetic.load(unit, bits, LONG_TEMP, INT_TEMP);
        if (i.in.memory) {
            unit.memory.put(bits);
        } else {
            Arithmetic.popOperand(unit, i, 0, bits);
        }
    }

    /** A count of 0 changes no flag. */
    static void byCl(UnitCode unit, GuestInstruction i) {
        int bits = Arithmetic.bits(i);
        compute(unit, i, bits, () -> pushCount(unit, bits));
        if (i.flagsLive) {
            Label kept = unit.out.newLabel();
            pushCount(unit, bits);
            unit.out.ifeq(kept);
            if (isRotate(i)) {
                replaceRotateFlags(unit, i, bits);
            } else {
                record(unit, i, bits);
            }
            unit.out.labelBinding(kept);
        }
        unit.flags.forget();
        write(unit, i, bits);
    }

    private static void record(UnitCode unit, GuestInstruction i, int bits) {
        CodeBuilder out = unit.out;
        recordSource(unit, i, bits);
        if (i.mnemonic().equals("shl")) {
            out.loadConstant(bits);
            pushCount(unit, bits);
        } else {
            pushCount(unit, bits);
            out.iconst_1();
        }
        out.isub().i2l().lstore(FLAG_B);
        pushLong(unit, bits, LONG_TEMP, INT_TEMP);
        out.lstore(FLAG_RESULT);
        unit.flags.setPerhaps(rule(i));
    }

    private static void pushCount(UnitCode unit, int bits) {
        unit.pushLong(Cpu.RCX);
        unit.out.l2i().loadConstant(bits == 64 ? 63 : 31).iand();
    }
}

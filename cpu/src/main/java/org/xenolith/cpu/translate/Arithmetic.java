package org.xenolith.cpu.translate;

import static org.xenolith.cpu.translate.Locals.FLAG_A;
import static org.xenolith.cpu.translate.Locals.FLAG_B;
import static org.xenolith.cpu.translate.Locals.FLAG_READY;
import static org.xenolith.cpu.translate.Locals.FLAG_RESULT;
import static org.xenolith.cpu.translate.Locals.INT_A;
import static org.xenolith.cpu.translate.Locals.INT_B;
import static org.xenolith.cpu.translate.Locals.INT_RESULT;
import static org.xenolith.cpu.translate.Locals.INT_TEMP;
import static org.xenolith.cpu.translate.Locals.LONG_TEMP;

import org.xenolith.cpu.interp.OperandForm;
import org.xenolith.cpu.semantics.Alu;
import org.xenolith.cpu.semantics.Flags;

import java.lang.classfile.CodeBuilder;
import java.lang.constant.ClassDesc;
import java.lang.constant.MethodTypeDesc;

/**
 * Integer arithmetic and logic. Operands go through the variables of the lazy flags, so that flags
 * cost nothing where nobody reads them. Memory operands come first: they may miss.
 */
final class Arithmetic {
    private static final ClassDesc ALU = UnitCode.desc(Alu.class);
    private static final MethodTypeDesc INT_TO_INT = MethodTypeDesc.ofDescriptor("(I)I");

    /** An operation on two values of the stack. */
    interface Operation {
        void emit(CodeBuilder out, boolean wide);
    }

    static final Operation ADD = (out, wide) -> pick(wide, out::ladd, out::iadd);
    static final Operation SUB = (out, wide) -> pick(wide, out::lsub, out::isub);
    static final Operation AND = (out, wide) -> pick(wide, out::land, out::iand);
    static final Operation OR = (out, wide) -> pick(wide, out::lor, out::ior);
    static final Operation XOR = (out, wide) -> pick(wide, out::lxor, out::ixor);

    private Arithmetic() {}

    private static void pick(boolean wide, Runnable onLongs, Runnable onInts) {
        (wide ? onLongs : onInts).run();
    }

    static int bits(GuestInstruction i) {
        return OperandForm.isByte(i.b, 0) ? 8 : i.b.bits();
    }

    // ---- two operands

    static void add(UnitCode unit, GuestInstruction i) {
        twoOperands(unit, i, ADD, Flags.ADD, true);
    }

    static void sub(UnitCode unit, GuestInstruction i) {
        twoOperands(unit, i, SUB, Flags.SUB, true);
    }

    static void cmp(UnitCode unit, GuestInstruction i) {
        twoOperands(unit, i, SUB, Flags.SUB, false);
    }

    static void and(UnitCode unit, GuestInstruction i) {
        twoOperands(unit, i, AND, Flags.LOGIC, true);
    }

    static void or(UnitCode unit, GuestInstruction i) {
        twoOperands(unit, i, OR, Flags.LOGIC, true);
    }

    static void xor(UnitCode unit, GuestInstruction i) {
        twoOperands(unit, i, XOR, Flags.LOGIC, true);
    }

    static void test(UnitCode unit, GuestInstruction i) {
        twoOperands(unit, i, AND, Flags.LOGIC, false);
    }

    private static void twoOperands(
            UnitCode unit, GuestInstruction i, Operation operation, int rule, boolean stores) {
        int bits = bits(i);
        boolean wide = bits == 64;
        readOperands(unit, i, bits, stores);
        if (wide) {
            unit.out.lload(FLAG_A).lload(FLAG_B);
        } else {
            unit.out.iload(INT_A).iload(INT_B);
        }
        operation.emit(unit.out, wide);
        finish(unit, i, bits, stores);
        unit.flags.set(i, rule, bits);
    }

    /** First operand to A, second to B; with memory as destination HOST says where it is. */
    private static void readOperands(UnitCode unit, GuestInstruction i, int bits, boolean stores) {
        OperandForm form = OperandForm.of(i.b);
        switch (form) {
            case MR, MI -> {
                if (stores) {
                    unit.memory.writable(i, bits);
                    unit.memory.getHost(bits);
                } else {
                    unit.memory.load(i, bits);
                }
                store(unit, bits, FLAG_A, INT_A);
            }
            case RM -> {
                unit.memory.load(i, bits);
                store(unit, bits, FLAG_B, INT_B);
                pushOperand(unit, i, 0, bits);
                store(unit, bits, FLAG_A, INT_A);
            }
            case RR, RI -> {
                pushOperand(unit, i, 0, bits);
                store(unit, bits, FLAG_A, INT_A);
            }
        }
        switch (form) {
            case RM -> {}
            case MR, RR -> {
                pushOperand(unit, i, 1, bits);
                store(unit, bits, FLAG_B, INT_B);
            }
            case MI, RI -> {
                pushImmediate(unit, i, bits);
                store(unit, bits, FLAG_B, INT_B);
            }
        }
    }

    static void store(UnitCode unit, int bits, int longLocal, int intLocal) {
        if (bits == 64) {
            unit.out.lstore(longLocal);
        } else {
            unit.out.istore(intLocal);
        }
    }

    static void load(UnitCode unit, int bits, int longLocal, int intLocal) {
        if (bits == 64) {
            unit.out.lload(longLocal);
        } else {
            unit.out.iload(intLocal);
        }
    }

    /** Pushes a register operand. */
    static void pushOperand(UnitCode unit, GuestInstruction i, int operand, int bits) {
        int number = OperandForm.registerOf(i.b, operand);
        if (bits == 8) {
            unit.push(i.b.byteRegister(number), 8, i.b.byteShift(number));
        } else {
            unit.push(number, bits, 0);
        }
    }

    /** Pops into a register operand. */
    static void popOperand(UnitCode unit, GuestInstruction i, int operand, int bits) {
        int number = OperandForm.registerOf(i.b, operand);
        if (bits == 8) {
            unit.pop(i.b.byteRegister(number), 8, i.b.byteShift(number));
        } else {
            unit.pop(number, bits, 0);
        }
    }

    static void pushImmediate(UnitCode unit, GuestInstruction i, int bits) {
        switch (bits) {
            case 64 -> unit.out.loadConstant(i.in.immediate);
            case 32 -> unit.out.loadConstant((int) i.in.immediate);
            case 16 -> unit.out.loadConstant((int) (short) i.in.immediate);
            default -> unit.out.loadConstant((int) (byte) i.in.immediate);
        }
    }

    /** Takes the result from the stack, narrows it, and writes it to the first operand. */
    private static void finish(UnitCode unit, GuestInstruction i, int bits, boolean stores) {
        narrow(unit, bits);
        store(unit, bits, FLAG_RESULT, INT_RESULT);
        if (stores) {
            writeBack(unit, i, bits);
        }
    }

    static void narrow(UnitCode unit, int bits) {
        switch (bits) {
            case 16 -> unit.out.i2s();
            case 8 -> unit.out.i2b();
            default -> {}
        }
    }

    /** Writes the result to the operand that is register or memory. */
    static void writeBack(UnitCode unit, GuestInstruction i, int bits) {
        boolean toMemory = i.in.memory && OperandForm.isModRmOperand(i.b, 0);
        if (toMemory) {
            unit.memory.pushPut(bits);
            load(unit, bits, FLAG_RESULT, INT_RESULT);
            unit.memory.put(bits);
        } else {
            load(unit, bits, FLAG_RESULT, INT_RESULT);
            popOperand(unit, i, 0, bits);
        }
    }

    // ---- with carry

    static void adc(UnitCode unit, GuestInstruction i) {
        withCarry(unit, i, ADD, Flags.ADC);
    }

    static void sbb(UnitCode unit, GuestInstruction i) {
        withCarry(unit, i, SUB, Flags.SBB);
    }

    private static void withCarry(
            UnitCode unit, GuestInstruction i, Operation operation, int rule) {
        int bits = bits(i);
        boolean wide = bits == 64;
        unit.flags.pushCarry();
        unit.out.istore(INT_TEMP);
        readOperands(unit, i, bits, true);
        if (wide) {
            unit.out.lload(FLAG_A).lload(FLAG_B);
            operation.emit(unit.out, true);
            unit.out.iload(INT_TEMP).i2l();
        } else {
            unit.out.iload(INT_A).iload(INT_B);
            operation.emit(unit.out, false);
            unit.out.iload(INT_TEMP);
        }
        operation.emit(unit.out, wide);
        finish(unit, i, bits, true);
        String ruleOf = rule == Flags.ADC ? "ruleOfAdc" : "ruleOfSbb";
        unit.out.iload(INT_TEMP).invokestatic(ALU, ruleOf, INT_TO_INT);
        unit.flags.setWithRule(i, rule, bits);
    }

    // ---- one operand

    static void inc(UnitCode unit, GuestInstruction i) {
        step(unit, i, ADD, Flags.INC);
    }

    static void dec(UnitCode unit, GuestInstruction i) {
        step(unit, i, SUB, Flags.DEC);
    }

    private static void step(UnitCode unit, GuestInstruction i, Operation operation, int rule) {
        int bits = bits(i);
        boolean wide = bits == 64;
        readOperand(unit, i, bits);
        if (i.flagsLive) {
            // CF stays: it is settled before its operands go.
            unit.flags.pushCarry();
            unit.out.istore(FLAG_READY);
        }
        store(unit, bits, FLAG_A, INT_A);
        if (wide) {
            unit.out.lconst_1().lstore(FLAG_B).lload(FLAG_A).lload(FLAG_B);
        } else {
            unit.out.iconst_1().istore(INT_B).iload(INT_A).iload(INT_B);
        }
        operation.emit(unit.out, wide);
        finish(unit, i, bits, true);
        unit.flags.set(i, rule, bits);
    }

    private static void readOperand(UnitCode unit, GuestInstruction i, int bits) {
        if (i.in.memory) {
            unit.memory.writable(i, bits);
            unit.memory.getHost(bits);
        } else {
            pushOperand(unit, i, 0, bits);
        }
    }

    static void neg(UnitCode unit, GuestInstruction i) {
        int bits = bits(i);
        readOperand(unit, i, bits);
        store(unit, bits, FLAG_B, INT_B);
        if (bits == 64) {
            unit.out.lconst_0().lstore(FLAG_A).lload(FLAG_B).lneg();
        } else {
            unit.out.iconst_0().istore(INT_A).iload(INT_B).ineg();
        }
        finish(unit, i, bits, true);
        unit.flags.set(i, Flags.SUB, bits);
    }

    /** Touches no flag, so it keeps off their variables. */
    static void not(UnitCode unit, GuestInstruction i) {
        int bits = bits(i);
        readOperand(unit, i, bits);
        if (bits == 64) {
            unit.out.loadConstant(-1L).lxor();
        } else {
            unit.out.iconst_m1().ixor();
        }
        if (!i.in.memory) {
            popOperand(unit, i, 0, bits);
            return;
        }
        store(unit, bits, LONG_TEMP, INT_TEMP);
        unit.memory.pushPut(bits);
        load(unit, bits, LONG_TEMP, INT_TEMP);
        unit.memory.put(bits);
    }
}

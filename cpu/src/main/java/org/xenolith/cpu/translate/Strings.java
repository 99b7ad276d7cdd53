package org.xenolith.cpu.translate;

import static org.xenolith.cpu.translate.Locals.CPU;
import static org.xenolith.cpu.translate.Locals.FLAG_A;
import static org.xenolith.cpu.translate.Locals.FLAG_B;
import static org.xenolith.cpu.translate.Locals.HOST;
import static org.xenolith.cpu.translate.Locals.INT_A;
import static org.xenolith.cpu.translate.Locals.INT_B;
import static org.xenolith.cpu.translate.Locals.INT_TEMP;
import static org.xenolith.cpu.translate.Locals.LONG_TEMP;
import static org.xenolith.cpu.translate.UnitCode.CPU_CLASS;

import org.xenolith.cpu.Cpu;
import org.xenolith.cpu.decode.Instruction;
import org.xenolith.cpu.interp.Binding;
import org.xenolith.cpu.mmu.StringAccess;
import org.xenolith.cpu.semantics.Flags;
import org.xenolith.cpu.translate.Translations.Condition;
import org.xenolith.cpu.translate.Translations.Emitter;
import org.xenolith.cpu.translate.Translations.Entry;
import org.xenolith.cpu.translate.Translations.FlagUse;
import org.xenolith.cpu.translate.Translations.Flow;
import org.xenolith.cpu.translate.Translations.Memory;

import java.lang.classfile.CodeBuilder;
import java.lang.classfile.Label;
import java.lang.constant.ClassDesc;
import java.lang.constant.ConstantDescs;
import java.lang.constant.MethodTypeDesc;
import java.util.HashMap;
import java.util.Map;

/**
 * String instructions: one element each, and REP MOVS and REP STOS by {@link StringAccess}.
 * Repeated comparisons and 32-bit addresses are left to the interpreter.
 */
final class Strings {
    private static final ClassDesc ACCESS = UnitCode.desc(StringAccess.class);

    private Strings() {}

    static Map<String, Entry> entries() {
        Map<String, Entry> entries = new HashMap<>();
        entries.put("movs", entry(FlagUse.NONE, Strings::isWide, Strings::movs));
        entries.put("stos", entry(FlagUse.NONE, Strings::isWide, Strings::stos));
        entries.put("lods", entry(FlagUse.NONE, Strings::isSingle, Strings::lods));
        entries.put("scas", entry(FlagUse.OVERWRITES, Strings::isSingle, Strings::scas));
        entries.put("cmps", entry(FlagUse.OVERWRITES, Strings::isSingle, Strings::cmps));
        return entries;
    }

    private static Entry entry(FlagUse flags, Condition condition, Emitter emitter) {
        int rule = flags == FlagUse.NONE ? FlagEmitter.UNKNOWN : Flags.SUB;
        return new Entry(Flow.STRAIGHT, flags, rule, Memory.ALWAYS, condition, emitter);
    }

    private static boolean isWide(Binding b) {
        return b.in.addressSize == 8;
    }

    private static boolean isSingle(Binding b) {
        return isWide(b) && !isRepeated(b.in);
    }

    private static boolean isRepeated(Instruction in) {
        return in.rep || in.repne;
    }

    // ---- operands

    private static int bits(GuestInstruction i) {
        return (i.in.opcode & 1) == 0 ? 8 : i.b.bits();
    }

    /** Pushes the address that RSI says. */
    private static void pushSource(UnitCode unit, GuestInstruction i) {
        unit.pushLong(Cpu.RSI);
        if (i.in.segment != Instruction.NO_REGISTER) {
            unit.pushLong(i.in.segment);
            unit.out.ladd();
        }
    }

    private static void loadSource(UnitCode unit, GuestInstruction i, int bits) {
        unit.memory.pushLoad(bits);
        pushSource(unit, i);
        unit.memory.loadThere(bits);
    }

    private static void loadDestination(UnitCode unit, int bits) {
        unit.memory.pushLoad(bits);
        unit.pushLong(Cpu.RDI);
        unit.memory.loadThere(bits);
    }

    private static void pushStep(UnitCode unit) {
        unit.out.aload(CPU).getfield(CPU_CLASS, "stringStep", ConstantDescs.CD_int);
    }

    /** Moves RSI or RDI to the next element. */
    private static void advance(UnitCode unit, int register, int bits) {
        unit.pushLong(register);
        pushStep(unit);
        unit.out.loadConstant(bits / 8).imul().i2l().ladd();
        unit.popLong(register);
    }

    // ---- with REP

    private static void pushCountSizeStep(UnitCode unit, int bits) {
        unit.pushLong(Cpu.RCX);
        unit.out.loadConstant(bits / 8);
        pushStep(unit);
    }

    /** Pops whether the instruction is done; leaves to the interpreter if not. */
    private static void requireDone(UnitCode unit) {
        Label done = unit.out.newLabel();
        unit.out.ifne(done);
        unit.exits.leaveSpecial();
        unit.out.labelBinding(done);
    }

    /** Moves RSI or RDI behind all elements. */
    private static void advanceBehind(UnitCode unit, int register, int bits) {
        unit.pushLong(register);
        unit.pushLong(Cpu.RCX);
        unit.out.loadConstant((long) bits / 8).lmul().ladd();
        unit.popLong(register);
    }

    private static void endCount(UnitCode unit) {
        unit.out.lconst_0();
        unit.popLong(Cpu.RCX);
    }

    // ---- instructions

    private static void movs(UnitCode unit, GuestInstruction i) {
        CodeBuilder out = unit.out;
        int bits = bits(i);
        if (isRepeated(i.in)) {
            unit.memory.pushTlb();
            pushSource(unit, i);
            unit.pushLong(Cpu.RDI);
            pushCountSizeStep(unit, bits);
            out.invokestatic(ACCESS, "move", MethodTypeDesc.ofDescriptor("([JJJJJII)Z"));
            requireDone(unit);
            advanceBehind(unit, Cpu.RSI, bits);
            advanceBehind(unit, Cpu.RDI, bits);
            endCount(unit);
            return;
        }
        loadSource(unit, i, bits);
        Arithmetic.store(unit, bits, LONG_TEMP, INT_TEMP);
        storeElement(unit, bits, () -> Arithmetic.load(unit, bits, LONG_TEMP, INT_TEMP));
        advance(unit, Cpu.RSI, bits);
        advance(unit, Cpu.RDI, bits);
    }

    private static void storeElement(UnitCode unit, int bits, Runnable pushValue) {
        unit.memory.pushWritable(bits);
        unit.pushLong(Cpu.RDI);
        unit.memory.writableThere(bits);
        unit.out.lstore(HOST);
        unit.memory.pushPut(bits);
        pushValue.run();
        unit.memory.put(bits);
    }

    private static void stos(UnitCode unit, GuestInstruction i) {
        int bits = bits(i);
        if (isRepeated(i.in)) {
            unit.memory.pushTlb();
            unit.pushLong(Cpu.RDI);
            pushCountSizeStep(unit, bits);
            unit.pushLong(Cpu.RAX);
            unit.out.invokestatic(ACCESS, "store", MethodTypeDesc.ofDescriptor("([JJJJIIJ)Z"));
            requireDone(unit);
            advanceBehind(unit, Cpu.RDI, bits);
            endCount(unit);
            return;
        }
        storeElement(unit, bits, () -> unit.push(Cpu.RAX, bits, 0));
        advance(unit, Cpu.RDI, bits);
    }

    private static void lods(UnitCode unit, GuestInstruction i) {
        int bits = bits(i);
        loadSource(unit, i, bits);
        unit.pop(Cpu.RAX, bits, 0);
        advance(unit, Cpu.RSI, bits);
    }

    private static void scas(UnitCode unit, GuestInstruction i) {
        int bits = bits(i);
        loadDestination(unit, bits);
        Arithmetic.store(unit, bits, FLAG_B, INT_B);
        unit.push(Cpu.RAX, bits, 0);
        Arithmetic.store(unit, bits, FLAG_A, INT_A);
        advance(unit, Cpu.RDI, bits);
        compare(unit, i, bits);
    }

    private static void cmps(UnitCode unit, GuestInstruction i) {
        int bits = bits(i);
        loadSource(unit, i, bits);
        Arithmetic.store(unit, bits, LONG_TEMP, INT_TEMP);
        loadDestination(unit, bits);
        Arithmetic.store(unit, bits, FLAG_B, INT_B);
        Arithmetic.load(unit, bits, LONG_TEMP, INT_TEMP);
        Arithmetic.store(unit, bits, FLAG_A, INT_A);
        advance(unit, Cpu.RSI, bits);
        advance(unit, Cpu.RDI, bits);
        compare(unit, i, bits);
    }

    private static void compare(UnitCode unit, GuestInstruction i, int bits) {
        Locked.result(unit, "sub", bits);
        unit.flags.set(i, Flags.SUB, bits);
    }
}

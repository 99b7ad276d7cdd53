package org.xenolith.cpu.translate;

import static org.xenolith.cpu.translate.Locals.INT_TEMP;
import static org.xenolith.cpu.translate.Locals.LOW_TEMP;

import org.xenolith.cpu.semantics.simd.Mxcsr;
import org.xenolith.cpu.semantics.simd.SseConvert;
import org.xenolith.cpu.semantics.simd.SseDouble;
import org.xenolith.cpu.semantics.simd.SseFloat;
import org.xenolith.cpu.translate.Translations.Emitter;
import org.xenolith.cpu.translate.Translations.Entry;
import org.xenolith.cpu.translate.Translations.FlagUse;
import org.xenolith.cpu.translate.Translations.Flow;
import org.xenolith.cpu.translate.Translations.Memory;

import java.lang.classfile.CodeBuilder;
import java.lang.constant.ClassDesc;
import java.lang.constant.ConstantDescs;
import java.lang.constant.MethodTypeDesc;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Floating point on one number of a vector register: moves, arithmetic, conversions, comparisons;
 * and MXCSR is stored. An unmasked exception is thrown and caught by the unit before the
 * destination is written: the interpreter repeats the instruction.
 */
final class Scalars {
    private static final ClassDesc QUICK = UnitCode.desc(Doubles.class);
    private static final ClassDesc PARTS = UnitCode.desc(Parts.class);
    private static final ClassDesc DOUBLE = UnitCode.desc(SseDouble.class);
    private static final ClassDesc FLOAT = UnitCode.desc(SseFloat.class);
    private static final ClassDesc CONVERT = UnitCode.desc(SseConvert.class);
    private static final ClassDesc MXCSR = UnitCode.desc(Mxcsr.class);
    private static final ClassDesc INT = ConstantDescs.CD_int;
    private static final ClassDesc LONG = ConstantDescs.CD_long;
    private static final MethodTypeDesc MERGE = MethodTypeDesc.of(LONG, INT, LONG);

    private static final Map<String, Entry> ENTRIES = new HashMap<>();

    static {
        for (String name : List.of("addsd", "subsd", "mulsd", "divsd", "sqrtsd")) {
            put(name, FlagUse.NONE, Scalars::quickly);
        }
        put("minsd", FlagUse.NONE, Scalars::onDoubles);
        put("maxsd", FlagUse.NONE, Scalars::onDoubles);
        for (String name : List.of("addss", "subss", "mulss", "divss", "minss", "maxss")) {
            put(name, FlagUse.NONE, Scalars::onSingles);
        }
        put("sqrtss", FlagUse.NONE, Scalars::rootOfSingle);
        put("cmpsd", FlagUse.NONE, (unit, i) -> byImmediate(unit, i, DOUBLE, 64, 2));
        put("cmpss", FlagUse.NONE, (unit, i) -> byImmediate(unit, i, FLOAT, 32, 2));
        put("roundsd", FlagUse.NONE, (unit, i) -> byImmediate(unit, i, DOUBLE, 64, 1));
        put("roundss", FlagUse.NONE, (unit, i) -> byImmediate(unit, i, FLOAT, 32, 1));
        put("comisd", FlagUse.OVERWRITES, (unit, i) -> compare(unit, i, DOUBLE, 64));
        put("ucomisd", FlagUse.OVERWRITES, (unit, i) -> compare(unit, i, DOUBLE, 64));
        put("comiss", FlagUse.OVERWRITES, (unit, i) -> compare(unit, i, FLOAT, 32));
        put("ucomiss", FlagUse.OVERWRITES, (unit, i) -> compare(unit, i, FLOAT, 32));
        put("cvtsi2sd", FlagUse.NONE, (unit, i) -> fromInteger(unit, i, 64));
        put("cvtsi2ss", FlagUse.NONE, (unit, i) -> fromInteger(unit, i, 32));
        for (String name : List.of("cvttsd2si", "cvtsd2si")) {
            put(name, FlagUse.NONE, (unit, i) -> toInteger(unit, i, 64));
        }
        for (String name : List.of("cvttss2si", "cvtss2si")) {
            put(name, FlagUse.NONE, (unit, i) -> toInteger(unit, i, 32));
        }
        put("cvtss2sd", FlagUse.NONE, (unit, i) -> convert(unit, i, 32, 64));
        put("cvtsd2ss", FlagUse.NONE, (unit, i) -> convert(unit, i, 64, 32));
        put("movsd", FlagUse.NONE, (unit, i) -> move(unit, i, 64));
        put("movss", FlagUse.NONE, (unit, i) -> move(unit, i, 32));
        for (String suffix : List.of("ps", "pd")) {
            put("movl" + suffix, FlagUse.NONE, (unit, i) -> moveHalf(unit, i, 0, 0));
            put("movh" + suffix, FlagUse.NONE, (unit, i) -> moveHalf(unit, i, 1, 0));
        }
        put("movhlps", FlagUse.NONE, (unit, i) -> moveHalf(unit, i, 0, 1));
        put("movlhps", FlagUse.NONE, (unit, i) -> moveHalf(unit, i, 1, 0));
    }

    private Scalars() {}

    private static void put(String mnemonic, FlagUse flags, Emitter emitter) {
        ENTRIES.put(
                mnemonic,
                new Entry(
                        Flow.STRAIGHT,
                        flags,
                        FlagEmitter.UNKNOWN,
                        Memory.ALWAYS, // each may leave, CR0.TS being set
                        Translations::any,
                        emitter));
    }

    /** How to translate an instruction of this mnemonic, or null. */
    static Entry find(String mnemonic) {
        return ENTRIES.get(mnemonic);
    }

    // ---- operands

    private static ClassDesc type(int bits) {
        return bits == 64 ? LONG : INT;
    }

    /** Pushes the low 32 or 64 bits of the second operand. */
    private static void source(UnitCode unit, GuestInstruction i, int bits) {
        if (i.in.memory) {
            unit.memory.load(i, bits);
        } else {
            low(unit, i.in.rm, bits);
        }
    }

    private static void low(UnitCode unit, int register, int bits) {
        unit.xmm.push(2 * register);
        if (bits == 32) {
            unit.out.l2i();
        }
    }

    /** Pops into the low bits of the first operand; the others stay. */
    private static void result(UnitCode unit, GuestInstruction i, int bits) {
        if (bits == 32) {
            unit.xmm.push(2 * i.in.reg);
            unit.out.invokestatic(PARTS, "mergeSingle", MERGE);
        }
        unit.xmm.pop(2 * i.in.reg);
    }

    /** Pushes both operands; the second is fetched first, since that may leave. */
    private static void pushOperands(UnitCode unit, GuestInstruction i, int bits) {
        source(unit, i, bits);
        if (bits == 64) {
            unit.out.lstore(LOW_TEMP);
        } else {
            unit.out.istore(INT_TEMP);
        }
        low(unit, i.in.reg, bits);
        if (bits == 64) {
            unit.out.lload(LOW_TEMP);
        } else {
            unit.out.iload(INT_TEMP);
        }
    }

    static void commit(UnitCode unit) {
        unit.simd.pushMxcsr();
        unit.out.invokevirtual(MXCSR, "commit", ConstantDescs.MTD_void);
    }

    // ---- arithmetic

    private static void quickly(UnitCode unit, GuestInstruction i) {
        unit.simd.requireFpu();
        pushOperands(unit, i, 64);
        unit.simd.pushQuick();
        unit.simd.pushMxcsr();
        unit.out.invokestatic(
                QUICK,
                i.mnemonic(),
                MethodTypeDesc.of(LONG, LONG, LONG, ConstantDescs.CD_boolean, MXCSR));
        unit.xmm.pop(2 * i.in.reg);
    }

    private static void onDoubles(UnitCode unit, GuestInstruction i) {
        arithmetic(unit, i, DOUBLE, 64);
    }

    private static void onSingles(UnitCode unit, GuestInstruction i) {
        arithmetic(unit, i, FLOAT, 32);
    }

    private static void arithmetic(UnitCode unit, GuestInstruction i, ClassDesc owner, int bits) {
        ClassDesc type = type(bits);
        unit.simd.requireFpu();
        pushOperands(unit, i, bits);
        unit.simd.pushMxcsr();
        unit.out.invokestatic(owner, i.mnemonic(), MethodTypeDesc.of(type, type, type, MXCSR));
        commit(unit);
        result(unit, i, bits);
    }

    private static void rootOfSingle(UnitCode unit, GuestInstruction i) {
        unit.simd.requireFpu();
        source(unit, i, 32);
        unit.simd.pushMxcsr();
        unit.out.invokestatic(FLOAT, "sqrtss", MethodTypeDesc.of(INT, INT, MXCSR));
        commit(unit);
        result(unit, i, 32);
    }

    /** CMPSD and ROUNDSD, which has one operand, and their kin. */
    private static void byImmediate(
            UnitCode unit, GuestInstruction i, ClassDesc owner, int bits, int operands) {
        ClassDesc type = type(bits);
        unit.simd.requireFpu();
        if (operands == 2) {
            pushOperands(unit, i, bits);
        } else {
            source(unit, i, bits);
        }
        unit.out.loadConstant((int) i.in.immediate & 0xff);
        unit.simd.pushMxcsr();
        unit.out.invokestatic(
                owner,
                i.mnemonic(),
                operands == 2
                        ? MethodTypeDesc.of(type, type, type, INT, MXCSR)
                        : MethodTypeDesc.of(type, type, INT, MXCSR));
        commit(unit);
        result(unit, i, bits);
    }

    private static void compare(UnitCode unit, GuestInstruction i, ClassDesc owner, int bits) {
        ClassDesc type = type(bits);
        unit.simd.requireFpu();
        pushOperands(unit, i, bits);
        unit.simd.pushMxcsr();
        unit.out.invokestatic(owner, i.mnemonic(), MethodTypeDesc.of(INT, type, type, MXCSR));
        commit(unit);
        unit.flags.setExplicit();
    }

    // ---- conversions

    private static void fromInteger(UnitCode unit, GuestInstruction i, int bits) {
        CodeBuilder out = unit.out;
        int integer = (i.in.rex & 8) != 0 ? 64 : 32;
        unit.simd.requireFpu();
        if (i.in.memory) {
            unit.memory.load(i, integer);
        } else {
            unit.push(i.in.rm, integer, 0);
        }
        if (integer == 32) {
            out.i2l();
        }
        unit.simd.pushMxcsr();
        out.invokestatic(CONVERT, i.mnemonic(), MethodTypeDesc.of(type(bits), LONG, MXCSR));
        commit(unit);
        result(unit, i, bits);
    }

    private static void toInteger(UnitCode unit, GuestInstruction i, int bits) {
        int integer = (i.in.rex & 8) != 0 ? 64 : 32;
        unit.simd.requireFpu();
        source(unit, i, bits);
        unit.simd.pushMxcsr();
        unit.out.invokestatic(
                CONVERT,
                i.mnemonic() + integer,
                MethodTypeDesc.of(type(integer), type(bits), MXCSR));
        commit(unit);
        unit.pop(i.in.reg, integer, 0);
    }

    private static void convert(UnitCode unit, GuestInstruction i, int from, int to) {
        unit.simd.requireFpu();
        source(unit, i, from);
        unit.simd.pushMxcsr();
        unit.out.invokestatic(
                CONVERT, i.mnemonic(), MethodTypeDesc.of(type(to), type(from), MXCSR));
        commit(unit);
        result(unit, i, to);
    }

    // ---- moves

    private static boolean isStore(GuestInstruction i) {
        return switch (i.b.operand(0)) {
            case WSD, WSS, MQ -> true;
            default -> false;
        };
    }

    /** MOVSD and MOVSS: from memory, the rest of the register becomes 0. */
    private static void move(UnitCode unit, GuestInstruction i, int bits) {
        unit.simd.requireFpu();
        if (isStore(i) && i.in.memory) {
            store(unit, i, 0, bits);
        } else if (i.in.memory) {
            unit.memory.load(i, bits);
            if (bits == 32) {
                unit.zeroExtendInt();
            }
            unit.xmm.pop(2 * i.in.reg);
            unit.xmm.clear(2 * i.in.reg + 1);
        } else {
            int from = isStore(i) ? i.in.reg : i.in.rm;
            int to = isStore(i) ? i.in.rm : i.in.reg;
            if (bits == 64) {
                unit.xmm.copy(2 * from, 2 * to);
                return;
            }
            low(unit, from, 32);
            unit.xmm.push(2 * to);
            unit.out.invokestatic(PARTS, "mergeSingle", MERGE);
            unit.xmm.pop(2 * to);
        }
    }

    private static void store(UnitCode unit, GuestInstruction i, int half, int bits) {
        unit.memory.writable(i, bits);
        unit.memory.pushPut(bits);
        unit.xmm.push(2 * i.in.reg + half);
        if (bits == 32) {
            unit.out.l2i();
        }
        unit.memory.put(bits);
    }

    /** STMXCSR, with which sin() and its like begin: between instructions nothing is noted. */
    static void storeStatus(UnitCode unit, GuestInstruction i) {
        unit.simd.requireFpu();
        unit.memory.writable(i, 32);
        unit.memory.pushPut(32);
        unit.simd.pushMxcsr();
        unit.out.invokevirtual(MXCSR, "value", MethodTypeDesc.of(INT));
        unit.memory.put(32);
    }

    /** MOVLPS and kin: a half of one register from or to memory, or from a half of another. */
    private static void moveHalf(UnitCode unit, GuestInstruction i, int half, int sourceHalf) {
        unit.simd.requireFpu();
        if (isStore(i)) {
            store(unit, i, half, 64);
            return;
        }
        if (i.in.memory) {
            unit.memory.load(i, 64);
            unit.xmm.pop(2 * i.in.reg + half);
        } else {
            unit.xmm.copy(2 * i.in.rm + sourceHalf, 2 * i.in.reg + half);
        }
    }
}

package org.xenolith.cpu.translate;

import static org.xenolith.cpu.translate.Locals.FLAG_A;
import static org.xenolith.cpu.translate.Locals.FLAG_B;
import static org.xenolith.cpu.translate.Locals.FLAG_READY;
import static org.xenolith.cpu.translate.Locals.FLAG_RESULT;
import static org.xenolith.cpu.translate.Locals.HOST;
import static org.xenolith.cpu.translate.Locals.INT_A;
import static org.xenolith.cpu.translate.Locals.INT_B;
import static org.xenolith.cpu.translate.Locals.INT_RESULT;

import org.xenolith.cpu.interp.Binding;
import org.xenolith.cpu.interp.OperandForm;
import org.xenolith.cpu.mmu.AtomicAccess;
import org.xenolith.cpu.semantics.Flags;
import org.xenolith.cpu.translate.Translations.Condition;
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
import java.util.Map;

/**
 * Instructions with a LOCK prefix. What a processor does atomically is one call of {@link
 * AtomicAccess}, which returns what the operand was; the flags are made of that. An operand that is
 * not aligned misses: the interpreter knows what a split lock is.
 *
 * <p>LOCK ADC, SBB and NEG are left to the interpreter: nobody writes them.
 */
final class Locked {
    private static final ClassDesc ATOMIC = UnitCode.desc(AtomicAccess.class);

    private static final Map<String, Entry> ENTRIES = new HashMap<>();

    static {
        put("add", FlagUse.OVERWRITES, Flags.ADD, Locked::add);
        put("sub", FlagUse.OVERWRITES, Flags.SUB, Locked::sub);
        put("and", FlagUse.OVERWRITES, Flags.LOGIC, Locked::logic);
        put("or", FlagUse.OVERWRITES, Flags.LOGIC, Locked::logic);
        put("xor", FlagUse.OVERWRITES, Flags.LOGIC, Locked::logic);
        put("inc", FlagUse.CHANGES, Flags.INC, (unit, i) -> step(unit, i, 1));
        put("dec", FlagUse.CHANGES, Flags.DEC, (unit, i) -> step(unit, i, -1));
        put("not", FlagUse.NONE, FlagEmitter.UNKNOWN, Locked::not);
        for (String name : new String[] {"bts", "btr", "btc"}) {
            put(
                    name,
                    FlagUse.CHANGES,
                    FlagEmitter.UNKNOWN,
                    BitTests::hasPlainAddress,
                    BitTests::changeAtomically);
        }
        put("xchg", FlagUse.NONE, FlagEmitter.UNKNOWN, Exchanges::xchg);
        put("xadd", FlagUse.OVERWRITES, Flags.ADD, Exchanges::xadd);
        put("cmpxchg", FlagUse.OVERWRITES, Flags.SUB, Exchanges::cmpxchg);
    }

    private Locked() {}

    private static void put(String mnemonic, FlagUse flags, int rule, Emitter emitter) {
        put(mnemonic, flags, rule, Translations::any, emitter);
    }

    private static void put(
            String mnemonic, FlagUse flags, int rule, Condition condition, Emitter emitter) {
        ENTRIES.put(
                mnemonic, new Entry(Flow.STRAIGHT, flags, rule, Memory.ALWAYS, condition, emitter));
    }

    /** How to translate a locked instruction, or null. */
    static Entry find(Binding b) {
        Entry entry = ENTRIES.get(b.in.row.mnemonic());
        return entry == null || !b.in.memory || !entry.condition().allows(b) ? null : entry;
    }

    // ---- for others that lock

    /** Finds out where in host memory the operand is; see {@link Locals#HOST}. */
    static void updatable(UnitCode unit, GuestInstruction i, int bits) {
        unit.memory.pushUpdatable(bits);
        unit.memory.pushAddress(i);
        unit.memory.updatableThere(bits);
        unit.out.lstore(HOST);
    }

    /** Pops host address and value, and pushes what the operand was. */
    static void call(UnitCode unit, String operation, int bits) {
        ClassDesc type = bits == 64 ? ConstantDescs.CD_long : ConstantDescs.CD_int;
        unit.out.invokestatic(
                ATOMIC, operation + bits, MethodTypeDesc.of(type, ConstantDescs.CD_long, type));
    }

    /** Pops host address, what is expected and what shall be there, and pushes what was there. */
    static void callCompareExchange(UnitCode unit, int bits) {
        ClassDesc type = bits == 64 ? ConstantDescs.CD_long : ConstantDescs.CD_int;
        unit.out.invokestatic(
                ATOMIC,
                "compareExchange" + bits,
                MethodTypeDesc.of(type, ConstantDescs.CD_long, type, type));
    }

    // ---- arithmetic

    private static void add(UnitCode unit, GuestInstruction i) {
        twoOperands(unit, i, "add", Flags.ADD);
    }

    private static void sub(UnitCode unit, GuestInstruction i) {
        twoOperands(unit, i, "sub", Flags.SUB);
    }

    private static void logic(UnitCode unit, GuestInstruction i) {
        twoOperands(unit, i, i.mnemonic(), Flags.LOGIC);
    }

    private static void twoOperands(UnitCode unit, GuestInstruction i, String operation, int rule) {
        int bits = Arithmetic.bits(i);
        boolean subtracts = operation.equals("sub");
        updatable(unit, i, bits);
        if (OperandForm.of(i.b) == OperandForm.MI) {
            Arithmetic.pushImmediate(unit, i, bits);
        } else {
            Arithmetic.pushOperand(unit, i, 1, bits);
        }
        Arithmetic.store(unit, bits, FLAG_B, INT_B);
        unit.out.lload(HOST);
        Arithmetic.load(unit, bits, FLAG_B, INT_B);
        if (subtracts) {
            negate(unit.out, bits);
        }
        call(unit, subtracts ? "add" : operation, bits);
        Arithmetic.store(unit, bits, FLAG_A, INT_A);
        result(unit, operation, bits);
        unit.flags.set(i, rule, bits);
    }

    private static void negate(CodeBuilder out, int bits) {
        if (bits == 64) {
            out.lneg();
        } else {
            out.ineg();
        }
    }

    /** Computes once more what is in memory now, for the flags. */
    static void result(UnitCode unit, String operation, int bits) {
        CodeBuilder out = unit.out;
        boolean wide = bits == 64;
        Arithmetic.load(unit, bits, FLAG_A, INT_A);
        Arithmetic.load(unit, bits, FLAG_B, INT_B);
        switch (operation) {
            case "add" -> Arithmetic.ADD.emit(out, wide);
            case "sub" -> Arithmetic.SUB.emit(out, wide);
            case "and" -> Arithmetic.AND.emit(out, wide);
            case "or" -> Arithmetic.OR.emit(out, wide);
            case "xor" -> Arithmetic.XOR.emit(out, wide);
            default -> throw new IllegalStateException("no operation " + operation);
        }
        Arithmetic.narrow(unit, bits);
        Arithmetic.store(unit, bits, FLAG_RESULT, INT_RESULT);
    }

    /** INC and DEC: CF stays. */
    private static void step(UnitCode unit, GuestInstruction i, int step) {
        CodeBuilder out = unit.out;
        int bits = Arithmetic.bits(i);
        updatable(unit, i, bits);
        if (i.flagsLive) {
            unit.flags.pushCarry();
            out.istore(FLAG_READY);
        }
        out.lload(HOST);
        pushConstant(out, step, bits);
        call(unit, "add", bits);
        Arithmetic.store(unit, bits, FLAG_A, INT_A);
        pushConstant(out, 1, bits);
        Arithmetic.store(unit, bits, FLAG_B, INT_B);
        result(unit, step > 0 ? "add" : "sub", bits);
        unit.flags.set(i, step > 0 ? Flags.INC : Flags.DEC, bits);
    }

    private static void pushConstant(CodeBuilder out, int value, int bits) {
        if (bits == 64) {
            out.loadConstant((long) value);
        } else {
            out.loadConstant(value);
        }
    }

    private static void not(UnitCode unit, GuestInstruction i) {
        int bits = Arithmetic.bits(i);
        updatable(unit, i, bits);
        unit.out.lload(HOST);
        pushConstant(unit.out, -1, bits);
        call(unit, "xor", bits);
        if (bits == 64) {
            unit.out.pop2();
        } else {
            unit.out.pop();
        }
    }
}

package org.xenolith.cpu.translate;

import static org.xenolith.cpu.translate.Locals.CPU;
import static org.xenolith.cpu.translate.Locals.FLAG_A;
import static org.xenolith.cpu.translate.Locals.FLAG_B;
import static org.xenolith.cpu.translate.Locals.FLAG_READY;
import static org.xenolith.cpu.translate.Locals.FLAG_RESULT;
import static org.xenolith.cpu.translate.Locals.FLAG_RULE;
import static org.xenolith.cpu.translate.Locals.INT_A;
import static org.xenolith.cpu.translate.Locals.INT_B;
import static org.xenolith.cpu.translate.Locals.INT_RESULT;

import org.xenolith.cpu.semantics.Flags;

import java.lang.classfile.CodeBuilder;
import java.lang.classfile.Label;
import java.lang.constant.ClassDesc;
import java.lang.constant.ConstantDescs;
import java.lang.constant.MethodTypeDesc;

/**
 * The flags of a unit: lazily, as the interpreter keeps them, in local variables. While the rule is
 * known from the instruction that set it, a condition becomes one comparison of its operands.
 */
final class FlagEmitter {
    /** The rule is not known here: it came with control flow. A kind that {@link Flags} has not. */
    static final int UNKNOWN = Flags.KIND;

    private static final int OVERFLOW = 0, BELOW = 1, ZERO = 2, BELOW_OR_EQUAL = 3, SIGN = 4;
    private static final int PARITY = 5, LESS = 6, LESS_OR_EQUAL = 7;

    private static final ClassDesc FLAGS = UnitCode.desc(Flags.class);
    private static final ClassDesc INTEGER = ConstantDescs.CD_Integer;
    private static final ClassDesc LONG = ConstantDescs.CD_Long;
    private static final MethodTypeDesc ON_INTS = MethodTypeDesc.ofDescriptor("(II)I");
    private static final MethodTypeDesc ON_LONGS = MethodTypeDesc.ofDescriptor("(JJ)I");
    private static final MethodTypeDesc OF_RULE = MethodTypeDesc.ofDescriptor("(IJJ)I");
    private static final MethodTypeDesc CONDITION = MethodTypeDesc.ofDescriptor("(IIJJJI)Z");
    private static final MethodTypeDesc OF_STATE = MethodTypeDesc.ofDescriptor("(IJJJI)I");

    private final UnitCode unit;

    /** With ADC, FLAG_RULE holds ADD or ADC, as the carry was; with SBB likewise. */
    private int rule = UNKNOWN;

    private int width;

    /** The variables of the flags are used; else those of the vCPU stay as they are. */
    private boolean used;

    FlagEmitter(UnitCode unit) {
        this.unit = unit;
    }

    /** What is known of the flags; to be handed to the only block behind this one. */
    record State(int rule, int width) {
        static final State NOTHING = new State(UNKNOWN, 0);
    }

    State state() {
        return new State(rule, width);
    }

    void restore(State state) {
        rule = state.rule;
        width = state.width;
    }

    /** Whether a condition after this rule is one comparison. */
    static boolean isDirect(int rule, int condition) {
        int kind = condition >> 1;
        return switch (rule) {
            case Flags.SUB -> kind != OVERFLOW && kind != PARITY;
            case Flags.LOGIC -> kind != OVERFLOW && kind != BELOW && kind != PARITY;
            case Flags.ADD, Flags.INC, Flags.DEC, Flags.SHL, Flags.SHR, Flags.SAR, Flags.PRODUCT ->
                    kind == ZERO || kind == SIGN;
            default -> false;
        };
    }

    /** Whether operands are recorded as the instruction has them. */
    private static boolean keepsOperands(int rule) {
        return switch (rule & Flags.KIND) {
            case Flags.ADD, Flags.ADC, Flags.SUB, Flags.SBB -> true;
            default -> false;
        };
    }

    /**
     * The instruction has left its operands and result in {@link Locals#FLAG_A} and so on, or in
     * {@link Locals#INT_A} and so on if they have at most 32 bits; the rule says which it needs.
     * What shifts and products record instead of their operands is in {@link Locals#FLAG_A} and
     * {@link Locals#FLAG_B}.
     */
    void set(GuestInstruction i, int newRule, int newWidth) {
        if (!i.flagsLive) {
            rule = UNKNOWN;
            return;
        }
        rule = newRule;
        width = newWidth;
        if (i.flagsStored) {
            used = true;
            CodeBuilder out = unit.out;
            if (newWidth < 64) {
                if (keepsOperands(newRule)) {
                    out.iload(INT_A).i2l().lstore(FLAG_A);
                    out.iload(INT_B).i2l().lstore(FLAG_B);
                }
                out.iload(INT_RESULT).i2l().lstore(FLAG_RESULT);
            }
            out.loadConstant(newRule).istore(FLAG_RULE);
        }
    }

    /**
     * As {@link #set} for ADC and SBB; the rule is on the stack and will be known when the code
     * runs.
     */
    void setWithRule(GuestInstruction i, int newRule, int newWidth) {
        if (!i.flagsLive) {
            unit.out.pop();
            rule = UNKNOWN;
            return;
        }
        used = true;
        if (newWidth < 64) {
            unit.out.iload(INT_A).i2l().lstore(FLAG_A);
            unit.out.iload(INT_B).i2l().lstore(FLAG_B);
            unit.out.iload(INT_RESULT).i2l().lstore(FLAG_RESULT);
        }
        unit.out.istore(FLAG_RULE);
        rule = newRule;
        width = newWidth;
    }

    /**
     * As {@link #set} where the instruction may have kept the flags of before: only the variables
     * know.
     *
     * @param newRule what it has left if it has not kept them
     */
    void setPerhaps(int newRule) {
        used = true;
        unit.out.loadConstant(newRule).istore(FLAG_RULE);
        forget();
    }

    /** What was known of the flags does not hold here. */
    void forget() {
        rule = UNKNOWN;
    }

    /** CF is on the stack as 0 or 1 and replaces that of before; the others stay. */
    void replaceCarry() {
        replace(Flags.CF, Flags.CARRY_READY);
    }

    /** CF and OF are on the stack, in place, and replace those of before; the others stay. */
    void replaceCarryAndOverflow() {
        replace(Flags.CF | Flags.OF, Flags.CARRY_READY | Flags.OVERFLOW_READY);
    }

    private void replace(int replaced, int ready) {
        used = true;
        CodeBuilder out = unit.out;
        out.iload(FLAG_READY).loadConstant(~replaced).iand().ior().istore(FLAG_READY);
        out.iload(FLAG_RULE).loadConstant(ready).ior().istore(FLAG_RULE);
        if (rule != Flags.EXPLICIT) {
            rule |= ready;
        }
    }

    /** All six flags are on the stack. */
    void setExplicit() {
        used = true;
        unit.out.istore(FLAG_READY);
        unit.out.loadConstant(Flags.EXPLICIT).istore(FLAG_RULE);
        rule = Flags.EXPLICIT;
    }

    /** Pushes all six flags. */
    void pushAll() {
        pushState();
        unit.out.invokestatic(FLAGS, "materialize", OF_STATE);
    }

    /** Pushes CF as 0 or 1. */
    void pushCarry() {
        used = true;
        CodeBuilder out = unit.out;
        if (rule == Flags.EXPLICIT || (rule & Flags.CARRY_READY) != 0) {
            out.iload(FLAG_READY).loadConstant(Flags.CF).iand();
            return;
        }
        switch (rule) {
            case Flags.ADD -> pushIsBelow(FLAG_RESULT, FLAG_A, INT_RESULT, INT_A);
            case Flags.SUB -> pushIsBelow(FLAG_A, FLAG_B, INT_A, INT_B);
            case Flags.ADC -> {
                out.iload(FLAG_RULE).lload(FLAG_A).lload(FLAG_RESULT);
                out.invokestatic(FLAGS, "carryOfAdc", OF_RULE);
            }
            case Flags.SBB -> {
                out.iload(FLAG_RULE).lload(FLAG_A).lload(FLAG_B);
                out.invokestatic(FLAGS, "carryOfSbb", OF_RULE);
            }
            case Flags.LOGIC -> out.iconst_0();
            case Flags.SHL, Flags.SHR, Flags.SAR ->
                    out.lload(FLAG_A).lload(FLAG_B).l2i().lushr().l2i().iconst_1().iand();
            // The order is -1, 0 or 1.
            case Flags.PRODUCT -> out.lload(FLAG_A).lload(FLAG_B).lcmp().iconst_1().iand();
            default -> {
                pushState();
                out.invokestatic(FLAGS, "carry", OF_STATE);
            }
        }
    }

    /** Pushes 1 if the first operand is below the second, else 0. */
    private void pushIsBelow(int long1, int long2, int int1, int int2) {
        if (width == 64) {
            unit.out.lload(long1).lload(long2).invokestatic(LONG, "compareUnsigned", ON_LONGS);
        } else {
            unit.out.iload(int1).iload(int2).invokestatic(INTEGER, "compareUnsigned", ON_INTS);
        }
        unit.out.bipush(31).iushr();
    }

    private void pushState() {
        used = true;
        CodeBuilder out = unit.out;
        int kind = rule & Flags.KIND;
        if (kind == UNKNOWN || kind == Flags.ADC || kind == Flags.SBB) {
            out.iload(FLAG_RULE);
        } else {
            out.loadConstant(rule);
        }
        out.lload(FLAG_A).lload(FLAG_B).lload(FLAG_RESULT).iload(FLAG_READY);
    }

    /** Jumps when a condition of Jcc, SETcc or CMOVcc is met. */
    void jumpIf(int condition, Label target) {
        boolean negated = (condition & 1) != 0;
        int mask = rule == Flags.EXPLICIT ? explicitMask(condition >> 1) : 0;
        if (mask != 0) {
            used = true;
            unit.out.iload(FLAG_READY).loadConstant(mask).iand();
            jump(ZERO, !negated, target);
            return;
        }
        if (!isDirect(rule, condition) && condition >> 1 == BELOW) {
            pushCarry();
            jump(ZERO, !negated, target);
            return;
        }
        if (!isDirect(rule, condition)) {
            unit.out.loadConstant(condition);
            pushState();
            unit.out.invokestatic(FLAGS, "condition", CONDITION).ifne(target);
            return;
        }
        int kind = condition >> 1;
        if (rule == Flags.SUB && kind != SIGN) {
            if (width == 64) {
                compareLongs(kind, negated, target);
            } else {
                compareInts(kind, negated, target);
            }
        } else {
            compareResult(kind, negated, target);
        }
    }

    /** The flags one of which must be set, or 0 if the condition compares some. */
    private static int explicitMask(int kind) {
        return switch (kind) {
            case OVERFLOW -> Flags.OF;
            case BELOW -> Flags.CF;
            case ZERO -> Flags.ZF;
            case BELOW_OR_EQUAL -> Flags.CF | Flags.ZF;
            case SIGN -> Flags.SF;
            case PARITY -> Flags.PF;
            default -> 0;
        };
    }

    private void compareLongs(int kind, boolean negated, Label target) {
        CodeBuilder out = unit.out.lload(FLAG_A).lload(FLAG_B);
        if (kind == BELOW || kind == BELOW_OR_EQUAL) {
            out.invokestatic(LONG, "compareUnsigned", ON_LONGS);
        } else {
            out.lcmp();
        }
        jump(kind, negated, target);
    }

    private void compareInts(int kind, boolean negated, Label target) {
        CodeBuilder out = unit.out.iload(INT_A).iload(INT_B);
        switch (kind) {
            case ZERO -> {
                if (negated) {
                    out.if_icmpne(target);
                } else {
                    out.if_icmpeq(target);
                }
            }
            case LESS -> {
                if (negated) {
                    out.if_icmpge(target);
                } else {
                    out.if_icmplt(target);
                }
            }
            case LESS_OR_EQUAL -> {
                if (negated) {
                    out.if_icmpgt(target);
                } else {
                    out.if_icmple(target);
                }
            }
            default -> {
                out.invokestatic(INTEGER, "compareUnsigned", ON_INTS);
                jump(kind, negated, target);
            }
        }
    }

    /** Conditions that the result alone decides, CF and OF being clear or not asked for. */
    private void compareResult(int kind, boolean negated, Label target) {
        if (width == 64) {
            unit.out.lload(FLAG_RESULT).lconst_0().lcmp();
        } else {
            unit.out.iload(INT_RESULT);
        }
        int asked = kind == BELOW_OR_EQUAL ? ZERO : kind == SIGN ? LESS : kind;
        jump(asked, negated, target);
    }

    /** Compares the int on the stack with 0. */
    private void jump(int kind, boolean negated, Label target) {
        switch (kind) {
            case ZERO -> {
                if (negated) {
                    unit.out.ifne(target);
                } else {
                    unit.out.ifeq(target);
                }
            }
            case BELOW, LESS -> {
                if (negated) {
                    unit.out.ifge(target);
                } else {
                    unit.out.iflt(target);
                }
            }
            case BELOW_OR_EQUAL, LESS_OR_EQUAL -> {
                if (negated) {
                    unit.out.ifgt(target);
                } else {
                    unit.out.ifle(target);
                }
            }
            default -> throw new IllegalStateException("condition kind " + kind);
        }
    }

    // ---- frame

    /** Loads them if they are used; written last, when that is known. */
    void load() {
        if (used) {
            loadField("flagRule", ConstantDescs.CD_int).istore(FLAG_RULE);
            loadField("flagReady", ConstantDescs.CD_int).istore(FLAG_READY);
            loadField("flagA", ConstantDescs.CD_long).lstore(FLAG_A);
            loadField("flagB", ConstantDescs.CD_long).lstore(FLAG_B);
            loadField("flagResult", ConstantDescs.CD_long).lstore(FLAG_RESULT);
        }
    }

    private CodeBuilder loadField(String field, ClassDesc type) {
        return unit.out.aload(CPU).getfield(UnitCode.CPU_CLASS, field, type);
    }

    /** Writes them back. */
    void store() {
        if (used) {
            unit.storeInt("flagRule", FLAG_RULE);
            unit.storeInt("flagReady", FLAG_READY);
            unit.storeLong("flagA", FLAG_A);
            unit.storeLong("flagB", FLAG_B);
            unit.storeLong("flagResult", FLAG_RESULT);
        }
    }
}

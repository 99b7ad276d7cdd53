package org.xenolith.cpu.translate;

import static org.xenolith.cpu.translate.Locals.INT_TEMP;
import static org.xenolith.cpu.translate.Locals.LONG_TEMP;

import org.xenolith.cpu.translate.Translations.Emitter;

import java.lang.classfile.CodeBuilder;
import java.lang.classfile.Label;
import java.lang.constant.ClassDesc;
import java.lang.constant.MethodTypeDesc;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BinaryOperator;

/**
 * Double precision in the quick form of a unit. Halves of vector registers that take part are
 * doubles in the JVM's sense, so that they stay in the processor's vector registers.
 *
 * <p>Where rounding is to nearest and the precision flag is set already, an operation on numbers of
 * moderate size is the processor's own, and changes nothing in MXCSR. So operands are tested, once
 * each, and results are not: their {@link Magnitude} follows. What fails a test leaves to the
 * interpreter; a unit that leaves often is made anew without this class.
 */
final class QuickDoubles {
    private static final ClassDesc DOUBLES = UnitCode.desc(Doubles.class);
    private static final ClassDesc MATH = UnitCode.desc(Math.class);
    private static final MethodTypeDesc OF_ONE = MethodTypeDesc.ofDescriptor("(D)D");
    private static final MethodTypeDesc FITS_INT = MethodTypeDesc.ofDescriptor("(I)Z");
    private static final MethodTypeDesc FITS_LONG = MethodTypeDesc.ofDescriptor("(J)Z");
    private static final MethodTypeDesc COMPARE = MethodTypeDesc.ofDescriptor("(DD)I");

    /** ROUNDSD: bits 1:0 of the immediate are the rounding, bit 2 stands for that of MXCSR. */
    private static final int ROUNDING = 3, AS_MXCSR_SAYS = 4, TOWARD_ZERO = 3;

    /**
     * @param halves of each operand that take part, 1 or 2
     * @param first whether the first operand is a double that is read or written
     * @param second whether the second operand is one
     */
    private record Form(int halves, boolean first, boolean second, Emitter emitter) {}

    private static final Map<String, Form> FORMS = new HashMap<>();

    static {
        arithmetic("add", CodeBuilder::dadd, Magnitude::plus);
        arithmetic("sub", CodeBuilder::dsub, Magnitude::plus);
        arithmetic("mul", CodeBuilder::dmul, Magnitude::times);
        both("div", QuickDoubles::divide);
        both("sqrt", QuickDoubles::root);
        both("min", (unit, i, halves) -> select(unit, i, halves, true));
        both("max", (unit, i, halves) -> select(unit, i, halves, false));
        for (String name : List.of("comisd", "ucomisd")) {
            FORMS.put(name, new Form(1, true, true, QuickDoubles::compare));
        }
        FORMS.put("cvtsi2sd", new Form(1, true, false, QuickDoubles::fromInteger));
        FORMS.put("cvttsd2si", new Form(1, false, true, QuickDoubles::toInteger));
        FORMS.put("roundsd", new Form(1, true, true, QuickDoubles::round));
    }

    private QuickDoubles() {}

    private interface OnHalves {
        void emit(UnitCode unit, GuestInstruction i, int halves);
    }

    /** An instruction on one double, and that on two. */
    private static void both(String name, OnHalves emitter) {
        FORMS.put(name + "sd", new Form(1, true, true, (unit, i) -> emitter.emit(unit, i, 1)));
        FORMS.put(name + "pd", new Form(2, true, true, (unit, i) -> emitter.emit(unit, i, 2)));
    }

    private interface Operation {
        void emit(CodeBuilder out);
    }

    private static void arithmetic(
            String name, Operation operation, BinaryOperator<Magnitude> rule) {
        both(name, (unit, i, halves) -> arithmetic(unit, i, halves, operation, rule));
    }

    /** How to write an instruction in quick form, or null if it has none. */
    static Emitter find(GuestInstruction i) {
        Form form = FORMS.get(i.mnemonic());
        return form == null ? null : form.emitter;
    }

    /** Which halves of vector registers are doubles in these blocks, a bit each. */
    static int halvesOf(Collection<RegionBlock> blocks) {
        int halves = 0;
        for (RegionBlock block : blocks) {
            for (GuestInstruction i : block.instructions) {
                halves |= halvesOf(i);
            }
        }
        return halves;
    }

    private static int halvesOf(GuestInstruction i) {
        Form form = FORMS.get(i.mnemonic());
        if (form == null) {
            return 0;
        }
        int halves = 0;
        for (int half = 0; half < form.halves; half++) {
            if (form.first) {
                halves |= 1 << 2 * i.in.reg + half;
            }
            if (form.second && !i.in.memory) {
                halves |= 1 << 2 * i.in.rm + half;
            }
        }
        return halves;
    }

    // ---- arithmetic: all tests before the first write

    /** Bounds of the result, after as many tests of the operands as it takes to make it safe. */
    private static Magnitude bound(DoubleLane a, DoubleLane b, BinaryOperator<Magnitude> rule) {
        a.requireKnown();
        b.requireKnown();
        for (DoubleLane operand : List.of(a, b)) {
            if (!rule.apply(a.magnitude(), b.magnitude()).isSafe()
                    && operand.magnitude().isWide()) {
                operand.requireModerate();
            }
        }
        return rule.apply(a.magnitude(), b.magnitude());
    }

    private static void arithmetic(
            UnitCode unit,
            GuestInstruction i,
            int halves,
            Operation operation,
            BinaryOperator<Magnitude> rule) {
        unit.simd.requireFpu();
        unit.simd.requireQuick();
        DoubleLane[] a = DoubleLane.first(unit, i, halves);
        DoubleLane[] b = DoubleLane.second(unit, i, halves);
        Magnitude[] results = new Magnitude[halves];
        for (int half = 0; half < halves; half++) {
            results[half] = bound(a[half], b[half], rule);
        }
        combine(unit, i, a, b, operation, results);
    }

    private static void combine(
            UnitCode unit,
            GuestInstruction i,
            DoubleLane[] a,
            DoubleLane[] b,
            Operation operation,
            Magnitude[] results) {
        for (int half = 0; half < results.length; half++) {
            a[half].push();
            b[half].push();
            operation.emit(unit.out);
            unit.xmm.popDouble(2 * i.in.reg + half, results[half]);
        }
    }

    private static void divide(UnitCode unit, GuestInstruction i, int halves) {
        unit.simd.requireFpu();
        unit.simd.requireQuick();
        DoubleLane[] a = DoubleLane.first(unit, i, halves);
        DoubleLane[] b = DoubleLane.second(unit, i, halves);
        Magnitude[] results = new Magnitude[halves];
        for (int half = 0; half < halves; half++) {
            b[half].requireDivisor();
            results[half] = bound(a[half], b[half], Magnitude::dividedBy);
        }
        combine(unit, i, a, b, CodeBuilder::ddiv, results);
    }

    private static void root(UnitCode unit, GuestInstruction i, int halves) {
        CodeBuilder out = unit.out;
        unit.simd.requireFpu();
        unit.simd.requireQuick();
        DoubleLane[] b = DoubleLane.second(unit, i, halves);
        for (DoubleLane radicand : b) {
            radicand.requireKnown();
            if (!radicand.magnitude().isSafe()) {
                radicand.requireModerate();
            }
            radicand.push();
            out.dconst_0().dcmpl();
            unit.exits.leaveIfNegative();
        }
        for (int half = 0; half < halves; half++) {
            Magnitude bounds = b[half].magnitude();
            b[half].push();
            out.invokestatic(MATH, "sqrt", OF_ONE);
            unit.xmm.popDouble(2 * i.in.reg + half, bounds.root());
        }
    }

    /** MIN and MAX: the second operand where neither is smaller or greater. */
    private static void select(UnitCode unit, GuestInstruction i, int halves, boolean smaller) {
        CodeBuilder out = unit.out;
        unit.simd.requireFpu();
        DoubleLane[] a = DoubleLane.first(unit, i, halves);
        DoubleLane[] b = DoubleLane.second(unit, i, halves);
        for (int half = 0; half < halves; half++) {
            a[half].requireComparable();
            b[half].requireComparable();
        }
        for (int half = 0; half < halves; half++) {
            Magnitude bounds = Magnitude.either(a[half].magnitude(), b[half].magnitude());
            Label done = out.newLabel();
            a[half].push();
            b[half].push();
            if (smaller) {
                out.dcmpg().iflt(done);
            } else {
                out.dcmpl().ifgt(done);
            }
            b[half].push();
            unit.xmm.popDouble(2 * i.in.reg + half, bounds);
            out.labelBinding(done);
        }
    }

    private static void compare(UnitCode unit, GuestInstruction i) {
        unit.simd.requireFpu();
        DoubleLane a = DoubleLane.first(unit, i, 1)[0];
        DoubleLane b = DoubleLane.second(unit, i, 1)[0];
        a.requireComparable();
        b.requireComparable();
        a.push();
        b.push();
        unit.out.invokestatic(DOUBLES, "relation", COMPARE);
        unit.flags.setExplicit();
    }

    // ---- conversions

    private static boolean isWide(GuestInstruction i) {
        return (i.in.rex & 8) != 0;
    }

    /** Of 32 bits, it is exact. */
    private static void fromInteger(UnitCode unit, GuestInstruction i) {
        int bits = isWide(i) ? 64 : 32;
        unit.simd.requireFpu();
        if (bits == 64) {
            unit.simd.requireQuick();
        }
        if (i.in.memory) {
            unit.memory.load(i, bits);
        } else {
            unit.push(i.in.rm, bits, 0);
        }
        if (bits == 64) {
            unit.out.l2d();
        } else {
            unit.out.i2d();
        }
        unit.xmm.popDouble(2 * i.in.reg, Magnitude.integer(bits - 1));
    }

    /** CVTTSD2SI; Java's conversion differs where the integer does not fit. */
    private static void toInteger(UnitCode unit, GuestInstruction i) {
        CodeBuilder out = unit.out;
        int bits = isWide(i) ? 64 : 32;
        unit.simd.requireFpu();
        unit.simd.requireQuick();
        DoubleLane operand = DoubleLane.second(unit, i, 1)[0];
        operand.requireComparable();
        operand.push();
        if (bits == 64) {
            out.d2l().dup2().lstore(LONG_TEMP).invokestatic(DOUBLES, "isUnsaturated", FITS_LONG);
            unit.exits.leaveUnless();
            out.lload(LONG_TEMP);
        } else {
            out.d2i().dup().istore(INT_TEMP).invokestatic(DOUBLES, "isUnsaturated", FITS_INT);
            unit.exits.leaveUnless();
            out.iload(INT_TEMP);
        }
        unit.pop(i.in.reg, bits, 0);
    }

    private static void round(UnitCode unit, GuestInstruction i) {
        CodeBuilder out = unit.out;
        int immediate = (int) i.in.immediate;
        unit.simd.requireFpu();
        unit.simd.requireQuick();
        DoubleLane operand = DoubleLane.second(unit, i, 1)[0];
        operand.requireComparable();
        Magnitude bounds = operand.magnitude().rounded();
        operand.push();
        int rounding = (immediate & AS_MXCSR_SAYS) != 0 ? 0 : immediate & ROUNDING;
        if (rounding == TOWARD_ZERO) {
            out.invokestatic(DOUBLES, "truncate", OF_ONE);
        } else {
            String[] methods = {"rint", "floor", "ceil"};
            out.invokestatic(MATH, methods[rounding], OF_ONE);
        }
        unit.xmm.popDouble(2 * i.in.reg, bounds);
    }
}

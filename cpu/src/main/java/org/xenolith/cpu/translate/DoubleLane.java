package org.xenolith.cpu.translate;

import static org.xenolith.cpu.translate.Locals.HIGH_TEMP;
import static org.xenolith.cpu.translate.Locals.LOW_TEMP;

import java.lang.constant.ClassDesc;
import java.lang.constant.MethodTypeDesc;

/**
 * An operand of {@link QuickDoubles}: a half of a register, or of what was loaded from memory. It
 * is tested once, and what the test has shown of its {@link Magnitude} is kept.
 */
final class DoubleLane {
    private static final ClassDesc DOUBLES = UnitCode.desc(Doubles.class);
    private static final MethodTypeDesc REQUIRE = MethodTypeDesc.ofDescriptor("(D)V");

    private final UnitCode unit;
    private final int half;
    private final int local;
    private Magnitude loaded;

    private DoubleLane(UnitCode unit, int half, int local) {
        this.unit = unit;
        this.half = half;
        this.local = local;
    }

    static DoubleLane ofRegister(UnitCode unit, int half) {
        return new DoubleLane(unit, half, 0);
    }

    static DoubleLane ofMemory(UnitCode unit, int local) {
        return new DoubleLane(unit, 0, local);
    }

    Magnitude magnitude() {
        return local == 0 ? unit.xmm.magnitude(half) : loaded;
    }

    void push() {
        if (local == 0) {
            unit.xmm.pushDouble(half);
        } else {
            unit.out.dload(local);
        }
    }

    private void test(String method, Magnitude shown) {
        push();
        unit.out.invokestatic(DOUBLES, method, REQUIRE);
        if (local == 0) {
            unit.xmm.setTested(half, shown);
        } else {
            loaded = shown;
        }
    }

    void requireModerate() {
        test("requireModerate", Magnitude.MODERATE);
    }

    void requireKnown() {
        if (magnitude() == null) {
            requireModerate();
        }
    }

    void requireDivisor() {
        if (magnitude() == null || !magnitude().nonZero()) {
            test("requireModerateAndNotZero", Magnitude.MODERATE_AND_NOT_ZERO);
        }
    }

    void requireComparable() {
        if (magnitude() == null) {
            test("requireComparable", Magnitude.COMPARABLE);
        }
    }

    /** Tests a half of a register unless enough is known of it. */
    static void require(UnitCode unit, int half, Magnitude wanted) {
        DoubleLane lane = DoubleLane.ofRegister(unit, half);
        if (wanted.nonZero()) {
            lane.requireDivisor();
        } else if (wanted.equals(Magnitude.COMPARABLE)) {
            lane.requireComparable();
        } else {
            lane.requireKnown();
            if (lane.magnitude().isWide()) {
                lane.requireModerate();
            }
        }
    }

    /** The halves of the first operand that take part. */
    static DoubleLane[] first(UnitCode unit, GuestInstruction i, int halves) {
        DoubleLane[] operands = new DoubleLane[halves];
        for (int half = 0; half < halves; half++) {
            operands[half] = DoubleLane.ofRegister(unit, 2 * i.in.reg + half);
        }
        return operands;
    }

    /** The second operand, fetched if it is in memory. */
    static DoubleLane[] second(UnitCode unit, GuestInstruction i, int halves) {
        if (i.in.memory) {
            return loaded(unit, i, halves);
        }
        DoubleLane[] operands = new DoubleLane[halves];
        for (int half = 0; half < halves; half++) {
            operands[half] = DoubleLane.ofRegister(unit, 2 * i.in.rm + half);
        }
        return operands;
    }

    private static DoubleLane[] loaded(UnitCode unit, GuestInstruction i, int halves) {
        int[] locals = {LOW_TEMP, HIGH_TEMP};
        if (halves == 1) {
            unit.memory.load(i, 64);
            unit.xmm.toDouble();
            unit.out.dstore(LOW_TEMP);
        } else {
            Vectors.source(unit, i);
            for (int local : locals) {
                unit.out.lload(local);
                unit.xmm.toDouble();
                unit.out.dstore(local);
            }
        }
        DoubleLane[] operands = new DoubleLane[halves];
        for (int half = 0; half < halves; half++) {
            operands[half] = DoubleLane.ofMemory(unit, locals[half]);
        }
        return operands;
    }
}

package org.xenolith.cpu.translate;

import static org.xenolith.cpu.translate.Locals.HIGH_TEMP;
import static org.xenolith.cpu.translate.Locals.LONG_TEMP;
import static org.xenolith.cpu.translate.Locals.LOW_TEMP;

import org.xenolith.cpu.semantics.simd.Mxcsr;
import org.xenolith.cpu.semantics.simd.SseConvert;
import org.xenolith.cpu.semantics.simd.SseDouble;
import org.xenolith.cpu.translate.Translations.Emitter;

import java.lang.constant.ClassDesc;
import java.lang.constant.ConstantDescs;
import java.lang.constant.MethodTypeDesc;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Floating point on all numbers of a vector register: a call for each half, then the exceptions of
 * both together.
 */
final class PackedFloats {
    private static final ClassDesc DOUBLE = UnitCode.desc(SseDouble.class);
    private static final ClassDesc SINGLES = UnitCode.desc(Singles.class);
    private static final ClassDesc CONVERT = UnitCode.desc(SseConvert.class);
    private static final ClassDesc MXCSR = UnitCode.desc(Mxcsr.class);
    private static final ClassDesc INT = ConstantDescs.CD_int;
    private static final ClassDesc LONG = ConstantDescs.CD_long;
    private static final MethodTypeDesc OF_ONE = MethodTypeDesc.of(LONG, LONG, MXCSR);
    private static final MethodTypeDesc OF_TWO = MethodTypeDesc.of(LONG, LONG, LONG, MXCSR);
    private static final MethodTypeDesc OF_ONE_BY = MethodTypeDesc.of(LONG, LONG, INT, MXCSR);
    private static final MethodTypeDesc OF_TWO_BY = MethodTypeDesc.of(LONG, LONG, LONG, INT, MXCSR);

    private PackedFloats() {}

    static Map<String, Emitter> emitters() {
        Map<String, Emitter> emitters = new HashMap<>();
        for (String name : List.of("add", "sub", "mul", "div", "min", "max")) {
            emitters.put(name + "pd", (unit, i) -> ofTwo(unit, i, DOUBLE, name + "sd"));
            emitters.put(name + "ps", (unit, i) -> ofTwo(unit, i, SINGLES, name + "ps"));
        }
        emitters.put("sqrtpd", (unit, i) -> ofOne(unit, i, DOUBLE, "sqrtsd"));
        emitters.put("sqrtps", (unit, i) -> ofOne(unit, i, SINGLES, "sqrtps"));
        emitters.put("roundpd", (unit, i) -> ofOneBy(unit, i, DOUBLE, "roundsd"));
        emitters.put("roundps", (unit, i) -> ofOneBy(unit, i, SINGLES, "roundps"));
        emitters.put("cmppd", (unit, i) -> ofTwoBy(unit, i, DOUBLE, "cmpsd"));
        emitters.put("cmpps", (unit, i) -> ofTwoBy(unit, i, SINGLES, "cmpps"));
        for (String name : List.of("cvtdq2ps", "cvtps2dq", "cvttps2dq")) {
            emitters.put(name, (unit, i) -> ofOne(unit, i, CONVERT, name));
        }
        emitters.put("cvtps2pd", (unit, i) -> widen(unit, i, "ToDouble"));
        emitters.put("cvtdq2pd", (unit, i) -> widen(unit, i, "IntegerToDouble"));
        for (String name : List.of("cvtpd2ps", "cvtpd2dq", "cvttpd2dq")) {
            emitters.put(name, PackedFloats::shorten);
        }
        return emitters;
    }

    /**
     * Pushes the result for a half, 0 the lower one; operands are where Vectors.source left them.
     */
    private interface Half {
        void push(int half);
    }

    private static void both(UnitCode unit, GuestInstruction i, Half result) {
        unit.simd.requireFpu();
        Vectors.source(unit, i);
        result.push(0);
        unit.out.lstore(LONG_TEMP);
        result.push(1);
        unit.out.lstore(HIGH_TEMP);
        Scalars.commit(unit);
        unit.out.lload(LONG_TEMP);
        unit.xmm.pop(2 * i.in.reg);
        unit.out.lload(HIGH_TEMP);
        unit.xmm.pop(2 * i.in.reg + 1);
    }

    private static void pushSource(UnitCode unit, int half) {
        unit.out.lload(half == 0 ? LOW_TEMP : HIGH_TEMP);
    }

    private static void pushImmediate(UnitCode unit, GuestInstruction i) {
        unit.out.loadConstant((int) i.in.immediate & 0xff);
    }

    private static void ofTwo(UnitCode unit, GuestInstruction i, ClassDesc owner, String method) {
        both(
                unit,
                i,
                half -> {
                    unit.xmm.push(2 * i.in.reg + half);
                    pushSource(unit, half);
                    unit.simd.pushMxcsr();
                    unit.out.invokestatic(owner, method, OF_TWO);
                });
    }

    private static void ofTwoBy(UnitCode unit, GuestInstruction i, ClassDesc owner, String method) {
        both(
                unit,
                i,
                half -> {
                    unit.xmm.push(2 * i.in.reg + half);
                    pushSource(unit, half);
                    pushImmediate(unit, i);
                    unit.simd.pushMxcsr();
                    unit.out.invokestatic(owner, method, OF_TWO_BY);
                });
    }

    private static void ofOne(UnitCode unit, GuestInstruction i, ClassDesc owner, String method) {
        both(
                unit,
                i,
                half -> {
                    pushSource(unit, half);
                    unit.simd.pushMxcsr();
                    unit.out.invokestatic(owner, method, OF_ONE);
                });
    }

    private static void ofOneBy(UnitCode unit, GuestInstruction i, ClassDesc owner, String method) {
        both(
                unit,
                i,
                half -> {
                    pushSource(unit, half);
                    pushImmediate(unit, i);
                    unit.simd.pushMxcsr();
                    unit.out.invokestatic(owner, method, OF_ONE_BY);
                });
    }

    /** Two doubles from the low half of the source. */
    private static void widen(UnitCode unit, GuestInstruction i, String suffix) {
        unit.simd.requireFpu();
        Vectors.lowSource(unit, i);
        for (int half = 0; half < 2; half++) {
            unit.out.lload(LOW_TEMP);
            unit.simd.pushMxcsr();
            unit.out.invokestatic(SINGLES, (half == 0 ? "first" : "second") + suffix, OF_ONE);
            unit.out.lstore(half == 0 ? LONG_TEMP : HIGH_TEMP);
        }
        Scalars.commit(unit);
        unit.out.lload(LONG_TEMP);
        unit.xmm.pop(2 * i.in.reg);
        unit.out.lload(HIGH_TEMP);
        unit.xmm.pop(2 * i.in.reg + 1);
    }

    /** Two numbers of 32 bits from both halves of the source; the high half becomes 0. */
    private static void shorten(UnitCode unit, GuestInstruction i) {
        unit.simd.requireFpu();
        Vectors.source(unit, i);
        unit.out.lload(LOW_TEMP).lload(HIGH_TEMP);
        unit.simd.pushMxcsr();
        unit.out.invokestatic(CONVERT, i.mnemonic(), OF_TWO);
        Scalars.commit(unit);
        unit.xmm.pop(2 * i.in.reg);
        unit.out.lconst_0();
        unit.xmm.pop(2 * i.in.reg + 1);
    }
}

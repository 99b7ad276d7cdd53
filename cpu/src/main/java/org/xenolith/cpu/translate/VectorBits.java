package org.xenolith.cpu.translate;

import static org.xenolith.cpu.translate.Locals.HIGH_TEMP;
import static org.xenolith.cpu.translate.Locals.LONG_TEMP;
import static org.xenolith.cpu.translate.Locals.LOW_TEMP;

import org.xenolith.cpu.decode.Operand;
import org.xenolith.cpu.semantics.simd.PackedHorizontal;
import org.xenolith.cpu.semantics.simd.PackedInteger;
import org.xenolith.cpu.semantics.simd.PackedPack;
import org.xenolith.cpu.semantics.simd.PackedShuffle;
import org.xenolith.cpu.translate.Translations.Emitter;

import java.lang.classfile.CodeBuilder;
import java.lang.constant.ClassDesc;
import java.lang.constant.MethodTypeDesc;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Integers in vector registers, as far as they are more than lanes: masks, elements from and to
 * general registers and memory, packs, selections, wider elements.
 */
final class VectorBits {
    private static final ClassDesc PACKED = UnitCode.desc(PackedInteger.class);
    private static final ClassDesc PACK = UnitCode.desc(PackedPack.class);
    private static final ClassDesc HORIZONTAL = UnitCode.desc(PackedHorizontal.class);
    private static final ClassDesc SHUFFLE = UnitCode.desc(PackedShuffle.class);
    private static final MethodTypeDesc OF_ONE = MethodTypeDesc.ofDescriptor("(J)J");
    private static final MethodTypeDesc OF_TWO = MethodTypeDesc.ofDescriptor("(JJ)J");
    private static final MethodTypeDesc OF_THREE = MethodTypeDesc.ofDescriptor("(JJJ)J");
    private static final MethodTypeDesc EXTRACT = MethodTypeDesc.ofDescriptor("(JJI)J");
    private static final MethodTypeDesc HALF = MethodTypeDesc.ofDescriptor("(JJJJI)J");
    private static final MethodTypeDesc TEST = MethodTypeDesc.ofDescriptor("(JJJJ)I");
    private static final MethodTypeDesc EXTEND = MethodTypeDesc.ofDescriptor("(JIIIZ)J");

    /** PTEST, which sets all flags, apart. */
    static final String TESTS = "ptest";

    private VectorBits() {}

    static Map<String, Emitter> emitters() {
        Map<String, Emitter> emitters = new HashMap<>();
        for (String name : List.of("pmovmskb", "movmskps", "movmskpd")) {
            emitters.put(name, VectorBits::mask);
        }
        for (String name : List.of("pextrb", "pextrw", "pextrd", "pextrq")) {
            emitters.put(name, (unit, i) -> extract(unit, i, name));
        }
        emitters.put("extractps", (unit, i) -> extract(unit, i, "pextrd"));
        for (String name : List.of("pinsrb", "pinsrw", "pinsrd", "pinsrq")) {
            emitters.put(name, VectorBits::insert);
        }
        for (String name : List.of("packsswb", "packuswb", "packssdw", "packusdw")) {
            emitters.put(name, (unit, i) -> horizontal(unit, i, PACK));
        }
        for (String name : List.of("phaddw", "phaddd", "phaddsw", "phsubw", "phsubd", "phsubsw")) {
            emitters.put(name, (unit, i) -> horizontal(unit, i, HORIZONTAL));
        }
        for (String name : List.of("pabsb", "pabsw", "pabsd")) {
            emitters.put(name, VectorBits::absolute);
        }
        for (String name : List.of("pblendvb", "blendvps", "blendvpd")) {
            emitters.put(name, VectorBits::blend);
        }
        extensions(emitters);
        emitters.put("movddup", VectorBits::duplicate);
        emitters.put(TESTS, VectorBits::test);
        return emitters;
    }

    private static void extensions(Map<String, Emitter> emitters) {
        Map<String, Integer> widths = Map.of("b", 8, "w", 16, "d", 32, "q", 64);
        for (String pair : List.of("bw", "bd", "bq", "wd", "wq", "dq")) {
            int from = widths.get(pair.substring(0, 1));
            int to = widths.get(pair.substring(1));
            emitters.put("pmovsx" + pair, (unit, i) -> extend(unit, i, from, to, true));
            emitters.put("pmovzx" + pair, (unit, i) -> extend(unit, i, from, to, false));
        }
    }

    // ---- from and to general registers and memory

    private static void mask(UnitCode unit, GuestInstruction i) {
        unit.simd.requireFpu();
        unit.xmm.push(2 * i.in.rm);
        unit.xmm.push(2 * i.in.rm + 1);
        unit.out.invokestatic(SHUFFLE, i.mnemonic(), OF_TWO);
        unit.popLong(i.in.reg);
    }

    private static int elementBits(GuestInstruction i) {
        return switch (i.mnemonic().charAt(i.mnemonic().length() - 1)) {
            case 'b' -> 8;
            case 'w' -> 16;
            case 'q' -> 64;
            default -> 32; // PEXTRD and EXTRACTPS
        };
    }

    /** PEXTRW has a form of its own, with the vector in ModRM.rm. */
    private static void extract(UnitCode unit, GuestInstruction i, String method) {
        CodeBuilder out = unit.out;
        boolean reversed = i.b.operand(0) == Operand.GD;
        int from = reversed ? i.in.rm : i.in.reg;
        int bits = elementBits(i);
        unit.simd.requireFpu();
        if (i.in.memory) {
            unit.memory.writable(i, bits);
            unit.memory.pushPut(bits);
        }
        unit.xmm.push(2 * from);
        unit.xmm.push(2 * from + 1);
        out.loadConstant((int) i.in.immediate & 0xff).invokestatic(SHUFFLE, method, EXTRACT);
        if (!i.in.memory) {
            unit.popLong(reversed ? i.in.reg : i.in.rm);
            return;
        }
        if (bits < 64) {
            out.l2i();
        }
        unit.memory.put(bits);
    }

    private static void insert(UnitCode unit, GuestInstruction i) {
        int bits = elementBits(i);
        unit.simd.requireFpu();
        if (i.in.memory) {
            unit.memory.load(i, bits);
            if (bits < 64) {
                unit.out.i2l();
            }
        } else {
            unit.pushLong(i.in.rm);
        }
        unit.out.lstore(LOW_TEMP).lconst_0().lstore(HIGH_TEMP);
        cross(unit, i);
    }

    /** Each half of the first operand from all of both, by methods whose names end so. */
    private static void cross(UnitCode unit, GuestInstruction i) {
        int a = 2 * i.in.reg;
        for (String half : List.of("High", "Low")) {
            unit.xmm.push(a);
            unit.xmm.push(a + 1);
            unit.out.lload(LOW_TEMP).lload(HIGH_TEMP);
            unit.out.loadConstant((int) i.in.immediate & 0xff);
            unit.out.invokestatic(SHUFFLE, i.mnemonic() + half, HALF);
            if (half.equals("High")) {
                unit.out.lstore(LONG_TEMP);
            }
        }
        unit.xmm.pop(a);
        unit.out.lload(LONG_TEMP);
        unit.xmm.pop(a + 1);
    }

    // ---- between vectors

    /**
     * The low half from both halves of the first operand, the high half from both of the second.
     */
    private static void horizontal(UnitCode unit, GuestInstruction i, ClassDesc owner) {
        int a = 2 * i.in.reg;
        unit.simd.requireFpu();
        Vectors.source(unit, i);
        unit.xmm.push(a);
        unit.xmm.push(a + 1);
        unit.out.invokestatic(owner, i.mnemonic(), OF_TWO);
        unit.xmm.pop(a);
        unit.out.lload(LOW_TEMP).lload(HIGH_TEMP).invokestatic(owner, i.mnemonic(), OF_TWO);
        unit.xmm.pop(a + 1);
    }

    private static void absolute(UnitCode unit, GuestInstruction i) {
        unit.simd.requireFpu();
        Vectors.source(unit, i);
        for (int half = 0; half < 2; half++) {
            unit.out.lload(half == 0 ? LOW_TEMP : HIGH_TEMP);
            unit.out.invokestatic(PACKED, i.mnemonic(), OF_ONE);
            unit.xmm.pop(2 * i.in.reg + half);
        }
    }

    /** XMM0 selects; it may be the destination, too. */
    private static void blend(UnitCode unit, GuestInstruction i) {
        unit.simd.requireFpu();
        Vectors.source(unit, i);
        for (int half = 0; half < 2; half++) {
            unit.xmm.push(2 * i.in.reg + half);
            unit.out.lload(half == 0 ? LOW_TEMP : HIGH_TEMP);
            unit.xmm.push(half);
            unit.out.invokestatic(SHUFFLE, i.mnemonic(), OF_THREE);
            unit.xmm.pop(2 * i.in.reg + half);
        }
    }

    private static void extend(
            UnitCode unit, GuestInstruction i, int from, int to, boolean signed) {
        CodeBuilder out = unit.out;
        int inHalf = 64 / to;
        int bits = 2 * inHalf * from;
        unit.simd.requireFpu();
        if (i.in.memory && bits < 64) {
            unit.memory.load(i, bits);
            out.i2l().lstore(LOW_TEMP);
        } else {
            Vectors.lowSource(unit, i);
        }
        for (int half = 0; half < 2; half++) {
            out.lload(LOW_TEMP).loadConstant(from).loadConstant(to);
            out.loadConstant(half * inHalf).loadConstant(signed ? 1 : 0);
            out.invokestatic(SHUFFLE, "extend", EXTEND);
            unit.xmm.pop(2 * i.in.reg + half);
        }
    }

    private static void duplicate(UnitCode unit, GuestInstruction i) {
        unit.simd.requireFpu();
        Vectors.lowSource(unit, i);
        for (int half = 0; half < 2; half++) {
            unit.out.lload(LOW_TEMP);
            unit.xmm.pop(2 * i.in.reg + half);
        }
    }

    private static void test(UnitCode unit, GuestInstruction i) {
        unit.simd.requireFpu();
        Vectors.source(unit, i);
        unit.xmm.push(2 * i.in.reg);
        unit.xmm.push(2 * i.in.reg + 1);
        unit.out.lload(LOW_TEMP).lload(HIGH_TEMP).invokestatic(SHUFFLE, "ptest", TEST);
        unit.flags.setExplicit();
    }
}

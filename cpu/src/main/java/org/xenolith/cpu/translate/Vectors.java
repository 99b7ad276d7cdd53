package org.xenolith.cpu.translate;

import static org.xenolith.cpu.translate.Locals.HIGH_TEMP;
import static org.xenolith.cpu.translate.Locals.LONG_TEMP;
import static org.xenolith.cpu.translate.Locals.LOW_TEMP;

import org.xenolith.cpu.decode.Operand;
import org.xenolith.cpu.interp.Binding;
import org.xenolith.cpu.semantics.simd.PackedInteger;
import org.xenolith.cpu.semantics.simd.PackedPack;
import org.xenolith.cpu.semantics.simd.PackedProduct;
import org.xenolith.cpu.semantics.simd.PackedShift;
import org.xenolith.cpu.semantics.simd.PackedShuffle;
import org.xenolith.cpu.translate.Translations.Emitter;
import org.xenolith.cpu.translate.Translations.Entry;
import org.xenolith.cpu.translate.Translations.FlagUse;
import org.xenolith.cpu.translate.Translations.Flow;
import org.xenolith.cpu.translate.Translations.Memory;

import java.lang.classfile.CodeBuilder;
import java.lang.classfile.Label;
import java.lang.constant.ClassDesc;
import java.lang.constant.MethodTypeDesc;
import java.util.HashMap;
import java.util.Map;

/**
 * Vector instructions: lanes, shifts and shuffles. {@link VectorMoves} has the moves, {@link
 * VectorBits} what else concerns integers, {@link PackedFloats} floating point, and {@link Scalars}
 * what concerns one number. Operands go through LOW_TEMP and HIGH_TEMP; each half of a register is
 * a variable.
 */
final class Vectors {
    private static final ClassDesc PACKED = UnitCode.desc(PackedInteger.class);
    private static final ClassDesc PRODUCT = UnitCode.desc(PackedProduct.class);
    private static final ClassDesc SHIFT = UnitCode.desc(PackedShift.class);
    private static final ClassDesc PACK = UnitCode.desc(PackedPack.class);
    private static final ClassDesc SHUFFLE = UnitCode.desc(PackedShuffle.class);
    private static final MethodTypeDesc LANES = MethodTypeDesc.ofDescriptor("(JJ)J");
    private static final MethodTypeDesc HALF = MethodTypeDesc.ofDescriptor("(JJJJI)J");

    private static final Map<String, Entry> ENTRIES = new HashMap<>();

    static {
        for (String name :
                new String[] {
                    "pand", "pandn", "por", "pxor", "paddb", "paddw", "paddd", "paddq", "psubb",
                    "psubw", "psubd", "psubq", "pcmpeqb", "pcmpeqw", "pcmpeqd", "pcmpgtb",
                    "pcmpgtw", "pcmpgtd", "pminub", "pmaxub", "pminsw", "pmaxsw", "paddusb",
                    "paddusw", "paddsb", "paddsw", "psubusb", "psubusw", "psubsb", "psubsw",
                    "pavgb", "pavgw", "psignb", "psignw", "psignd", "pcmpeqq", "pcmpgtq", "pminsb",
                    "pminsd", "pminuw", "pminud", "pmaxsb", "pmaxsd", "pmaxuw", "pmaxud"
                }) {
            lanewise(name, PACKED, name);
        }
        for (String name :
                new String[] {
                    "pmuludq",
                    "pmullw",
                    "pmulhw",
                    "pmulhuw",
                    "pmaddwd",
                    "psadbw",
                    "pmaddubsw",
                    "pmulhrsw",
                    "pmuldq",
                    "pmulld"
                }) {
            lanewise(name, PRODUCT, name);
        }
        for (String suffix : new String[] {"ps", "pd"}) {
            lanewise("and" + suffix, PACKED, "pand");
            lanewise("andn" + suffix, PACKED, "pandn");
            lanewise("or" + suffix, PACKED, "por");
            lanewise("xor" + suffix, PACKED, "pxor");
        }
        for (String name :
                new String[] {
                    "psrlw", "psrld", "psrlq", "psraw", "psrad", "psllw", "pslld", "psllq"
                }) {
            put(name, Vectors::shift);
        }
        for (String name :
                new String[] {
                    "pshufd", "pshufhw", "pshuflw", "shufps", "shufpd", "psrldq", "pslldq",
                    "pshufb", "palignr", "pblendw", "blendps", "blendpd"
                }) {
            put(name, Vectors::shuffle);
        }
        for (String lanes : new String[] {"bw", "wd", "dq"}) {
            put("punpckl" + lanes, (unit, i) -> interleave(unit, i, lanes, 0));
            put("punpckh" + lanes, (unit, i) -> interleave(unit, i, lanes, 1));
        }
        put("punpcklqdq", (unit, i) -> interleaveQuadwords(unit, i, 0));
        put("punpckhqdq", (unit, i) -> interleaveQuadwords(unit, i, 1));
        for (String name :
                new String[] {
                    "movaps",
                    "movups",
                    "movapd",
                    "movupd",
                    "movdqa",
                    "movdqu",
                    "movntps",
                    "movntpd",
                    "movntdq",
                    "movntdqa",
                    "lddqu"
                }) {
            put(name, VectorMoves::move);
        }
        put("movd", VectorMoves::moveLow);
        put("movq", VectorMoves::moveLow);
        put("unpcklpd", (unit, i) -> interleaveQuadwords(unit, i, 0));
        put("unpckhpd", (unit, i) -> interleaveQuadwords(unit, i, 1));
        put("unpcklps", (unit, i) -> interleave(unit, i, "dq", 0));
        put("unpckhps", (unit, i) -> interleave(unit, i, "dq", 1));
        PackedFloats.emitters().forEach(Vectors::put);
        VectorBits.emitters().forEach(Vectors::put);
        Digests.emitters().forEach(Vectors::put);
    }

    private Vectors() {}

    private static void put(String mnemonic, Emitter emitter) {
        // Each may leave, CR0.TS being set.
        ENTRIES.put(
                mnemonic,
                new Entry(
                        Flow.STRAIGHT,
                        mnemonic.equals(VectorBits.TESTS) ? FlagUse.OVERWRITES : FlagUse.NONE,
                        FlagEmitter.UNKNOWN,
                        Memory.ALWAYS,
                        Translations::any,
                        emitter));
    }

    private static void lanewise(String mnemonic, ClassDesc owner, String method) {
        put(mnemonic, (unit, i) -> lanewise(unit, i, owner, method));
    }

    /** How to translate a vector instruction, or null. */
    static Entry find(Binding b) {
        String mnemonic = b.in.row.mnemonic();
        Entry entry = ENTRIES.getOrDefault(mnemonic, Scalars.find(mnemonic));
        return entry == null || b.operandCount() < 2 || !usesXmmOnly(b) ? null : entry;
    }

    /** MMX shares its mnemonics. */
    private static boolean usesXmmOnly(Binding b) {
        for (int i = 0; i < b.operandCount(); i++) {
            switch (b.operand(i)) {
                case PQ, QD, QQ, NQ -> {
                    return false;
                }
                default -> {}
            }
        }
        return true;
    }

    // ---- operands

    /** Both halves of the second operand to LOW_TEMP and HIGH_TEMP. */
    static void source(UnitCode unit, GuestInstruction i) {
        if (!i.in.memory) {
            unit.xmm.push(2 * i.in.rm);
            unit.out.lstore(LOW_TEMP);
            unit.xmm.push(2 * i.in.rm + 1);
            unit.out.lstore(HIGH_TEMP);
            return;
        }
        address(unit, i);
        unit.memory.pushLoad(64);
        unit.out.lload(LONG_TEMP);
        unit.memory.loadThere(64);
        unit.out.lstore(LOW_TEMP);
        unit.memory.pushLoad(64);
        unit.out.lload(LONG_TEMP).loadConstant(8L).ladd();
        unit.memory.loadThere(64);
        unit.out.lstore(HIGH_TEMP);
    }

    /** The low half of the second operand to LOW_TEMP, where that is all it has. */
    static void lowSource(UnitCode unit, GuestInstruction i) {
        if (i.in.memory) {
            unit.memory.load(i, 64);
        } else {
            unit.xmm.push(2 * i.in.rm);
        }
        unit.out.lstore(LOW_TEMP);
    }

    /** The operand's address to LONG_TEMP; one that must be a multiple of 16 and is not, leaves. */
    static void address(UnitCode unit, GuestInstruction i) {
        CodeBuilder out = unit.out;
        unit.memory.pushAddress(i);
        out.lstore(LONG_TEMP);
        switch (i.mnemonic()) {
            case "movups", "movupd", "movdqu", "lddqu" -> {}
            default -> {
                Label fine = out.newLabel();
                out.lload(LONG_TEMP).loadConstant(15L).land().lconst_0().lcmp().ifeq(fine);
                unit.exits.leaveSpecial();
                out.labelBinding(fine);
            }
        }
    }

    // ---- operations

    private static void lanewise(
            UnitCode unit, GuestInstruction i, ClassDesc owner, String method) {
        unit.simd.requireFpu();
        if (method.equals("pxor") && !i.in.memory && i.in.rm == i.in.reg) {
            unit.xmm.clear(2 * i.in.reg);
            unit.xmm.clear(2 * i.in.reg + 1);
            return;
        }
        source(unit, i);
        for (int half = 0; half < 2; half++) {
            unit.xmm.push(2 * i.in.reg + half);
            unit.out.lload(half == 0 ? LOW_TEMP : HIGH_TEMP).invokestatic(owner, method, LANES);
            unit.xmm.pop(2 * i.in.reg + half);
        }
    }

    private static void shift(UnitCode unit, GuestInstruction i) {
        unit.simd.requireFpu();
        if (i.b.operand(1) != Operand.IB) {
            shiftBySource(unit, i);
            return;
        }
        for (int half = 0; half < 2; half++) {
            unit.xmm.push(2 * i.in.rm + half);
            unit.out.loadConstant(i.in.immediate & 0xff);
            unit.out.invokestatic(SHIFT, i.mnemonic(), LANES);
            unit.xmm.pop(2 * i.in.rm + half);
        }
    }

    /** The count is the low half of the second operand. */
    private static void shiftBySource(UnitCode unit, GuestInstruction i) {
        source(unit, i);
        for (int half = 0; half < 2; half++) {
            unit.xmm.push(2 * i.in.reg + half);
            unit.out.lload(LOW_TEMP).invokestatic(SHIFT, i.mnemonic(), LANES);
            unit.xmm.pop(2 * i.in.reg + half);
        }
    }

    private static void shuffle(UnitCode unit, GuestInstruction i) {
        unit.simd.requireFpu();
        // PSRLDQ and PSLLDQ have one operand, coded as the second.
        boolean one = i.b.operand(1) == Operand.IB;
        int a = 2 * (one ? i.in.rm : i.in.reg);
        source(unit, i);
        for (String half : new String[] {"High", "Low"}) {
            unit.xmm.push(a);
            unit.xmm.push(a + 1);
            unit.out.lload(LOW_TEMP).lload(HIGH_TEMP).loadConstant((int) i.in.immediate & 0xff);
            unit.out.invokestatic(SHUFFLE, i.mnemonic() + half, HALF);
            if (half.equals("High")) {
                unit.out.lstore(LONG_TEMP);
            }
        }
        unit.xmm.pop(a);
        unit.out.lload(LONG_TEMP);
        unit.xmm.pop(a + 1);
    }

    private static void interleave(UnitCode unit, GuestInstruction i, String lanes, int half) {
        unit.simd.requireFpu();
        source(unit, i);
        int a = 2 * i.in.reg;
        int local = half == 0 ? LOW_TEMP : HIGH_TEMP;
        unit.xmm.push(a + half);
        unit.out.lload(local).invokestatic(PACK, "punpckh" + lanes, LANES).lstore(LONG_TEMP);
        unit.xmm.push(a + half);
        unit.out.lload(local).invokestatic(PACK, "punpckl" + lanes, LANES);
        unit.xmm.pop(a);
        unit.out.lload(LONG_TEMP);
        unit.xmm.pop(a + 1);
    }

    private static void interleaveQuadwords(UnitCode unit, GuestInstruction i, int half) {
        unit.simd.requireFpu();
        if (!i.in.memory) {
            // The register may be the same: its upper half, where that is wanted, stays.
            int from = 2 * i.in.rm + half;
            unit.xmm.copy(2 * i.in.reg + half, 2 * i.in.reg);
            unit.xmm.copy(from, 2 * i.in.reg + 1);
            return;
        }
        source(unit, i);
        unit.xmm.copy(2 * i.in.reg + half, 2 * i.in.reg);
        unit.out.lload(half == 0 ? LOW_TEMP : HIGH_TEMP);
        unit.xmm.pop(2 * i.in.reg + 1);
    }
}

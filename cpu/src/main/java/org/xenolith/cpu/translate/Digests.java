package org.xenolith.cpu.translate;

import static org.xenolith.cpu.translate.Locals.HIGH_TEMP;
import static org.xenolith.cpu.translate.Locals.LONG_TEMP;
import static org.xenolith.cpu.translate.Locals.LOW_TEMP;

import org.xenolith.cpu.semantics.simd.Aes;
import org.xenolith.cpu.semantics.simd.CarrylessProduct;
import org.xenolith.cpu.semantics.simd.Sha1;
import org.xenolith.cpu.semantics.simd.Sha256;
import org.xenolith.cpu.translate.Translations.Emitter;

import java.lang.classfile.CodeBuilder;
import java.lang.constant.ClassDesc;
import java.lang.constant.MethodTypeDesc;
import java.util.HashMap;
import java.util.Map;

/** AES, PCLMULQDQ and SHA: calls of what they compute, a half each. */
final class Digests {
    private static final ClassDesc AES = UnitCode.desc(Aes.class);
    private static final ClassDesc PRODUCT = UnitCode.desc(CarrylessProduct.class);
    private static final ClassDesc SHA1 = UnitCode.desc(Sha1.class);
    private static final ClassDesc SHA256 = UnitCode.desc(Sha256.class);
    private static final MethodTypeDesc OF_ONE = MethodTypeDesc.ofDescriptor("(J)J");
    private static final MethodTypeDesc OF_ONE_AND_BYTE = MethodTypeDesc.ofDescriptor("(JI)J");
    private static final MethodTypeDesc OF_TWO = MethodTypeDesc.ofDescriptor("(JJ)J");
    private static final MethodTypeDesc HALF = MethodTypeDesc.ofDescriptor("(JJJJI)J");
    private static final MethodTypeDesc ROUNDS = MethodTypeDesc.ofDescriptor("(JJJJJI)J");

    private Digests() {}

    static Map<String, Emitter> emitters() {
        Map<String, Emitter> emitters = new HashMap<>();
        emitters.put("aesenc", (unit, i) -> round(unit, i, "encrypted"));
        emitters.put("aesenclast", (unit, i) -> round(unit, i, "encryptedLast"));
        emitters.put("aesdec", (unit, i) -> round(unit, i, "decrypted"));
        emitters.put("aesdeclast", (unit, i) -> round(unit, i, "decryptedLast"));
        emitters.put("aesimc", Digests::mixedBack);
        emitters.put("aeskeygenassist", Digests::keyWords);
        emitters.put("pclmulqdq", (unit, i) -> cross(unit, i, PRODUCT));
        emitters.put("sha1rnds4", (unit, i) -> rounds(unit, i, SHA1));
        emitters.put("sha1nexte", Digests::nextE);
        emitters.put("sha1msg1", Digests::sums);
        emitters.put("sha1msg2", (unit, i) -> cross(unit, i, SHA1));
        emitters.put("sha256rnds2", (unit, i) -> rounds(unit, i, SHA256));
        emitters.put("sha256msg1", (unit, i) -> cross(unit, i, SHA256));
        emitters.put("sha256msg2", (unit, i) -> cross(unit, i, SHA256));
        return emitters;
    }

    /** Pops both halves of the first operand, the upper one first. */
    private static void popResult(UnitCode unit, GuestInstruction i) {
        unit.xmm.pop(2 * i.in.reg + 1);
        unit.xmm.pop(2 * i.in.reg);
    }

    /** A round of AES: the method is told which half it is by the order of its arguments. */
    private static void round(UnitCode unit, GuestInstruction i, String method) {
        unit.simd.requireFpu();
        Vectors.source(unit, i);
        for (int half = 0; half < 2; half++) {
            unit.xmm.push(2 * i.in.reg + half);
            unit.xmm.push(2 * i.in.reg + 1 - half);
            unit.out.invokestatic(AES, method, OF_TWO);
            unit.out.lload(half == 0 ? LOW_TEMP : HIGH_TEMP).lxor();
        }
        popResult(unit, i);
    }

    private static void mixedBack(UnitCode unit, GuestInstruction i) {
        unit.simd.requireFpu();
        Vectors.source(unit, i);
        unit.out.lload(LOW_TEMP).invokestatic(AES, "aesimc", OF_ONE);
        unit.out.lload(HIGH_TEMP).invokestatic(AES, "aesimc", OF_ONE);
        popResult(unit, i);
    }

    private static void keyWords(UnitCode unit, GuestInstruction i) {
        unit.simd.requireFpu();
        Vectors.source(unit, i);
        for (int half : new int[] {LOW_TEMP, HIGH_TEMP}) {
            unit.out.lload(half).loadConstant(immediate(i));
            unit.out.invokestatic(AES, "aeskeygenassist", OF_ONE_AND_BYTE);
        }
        popResult(unit, i);
    }

    private static int immediate(GuestInstruction i) {
        return (int) i.in.immediate & 0xff;
    }

    private static void pushOperands(UnitCode unit, GuestInstruction i) {
        unit.xmm.push(2 * i.in.reg);
        unit.xmm.push(2 * i.in.reg + 1);
        unit.out.lload(LOW_TEMP).lload(HIGH_TEMP);
    }

    /** Each half from all of both operands, by methods whose names end so. */
    private static void cross(UnitCode unit, GuestInstruction i, ClassDesc owner) {
        unit.simd.requireFpu();
        Vectors.source(unit, i);
        for (String half : new String[] {"Low", "High"}) {
            pushOperands(unit, i);
            unit.out.loadConstant(immediate(i)).invokestatic(owner, i.mnemonic() + half, HALF);
        }
        popResult(unit, i);
    }

    /** As {@link #cross}, with the low half of XMM0, and then of the result. */
    private static void rounds(UnitCode unit, GuestInstruction i, ClassDesc owner) {
        CodeBuilder out = unit.out;
        unit.simd.requireFpu();
        Vectors.source(unit, i);
        pushOperands(unit, i);
        unit.xmm.push(0);
        out.loadConstant(immediate(i)).invokestatic(owner, i.mnemonic() + "Low", ROUNDS);
        out.lstore(LONG_TEMP);
        pushOperands(unit, i);
        out.lload(LONG_TEMP).loadConstant(immediate(i));
        out.invokestatic(owner, i.mnemonic() + "High", ROUNDS);
        unit.xmm.pop(2 * i.in.reg + 1);
        out.lload(LONG_TEMP);
        unit.xmm.pop(2 * i.in.reg);
    }

    private static void nextE(UnitCode unit, GuestInstruction i) {
        unit.simd.requireFpu();
        Vectors.source(unit, i);
        unit.out.lload(LOW_TEMP);
        unit.xmm.push(2 * i.in.reg + 1);
        unit.out.lload(HIGH_TEMP).invokestatic(SHA1, "sha1nexte", OF_TWO);
        popResult(unit, i);
    }

    /** SHA1MSG1: words 0 to 3 and 2 to 5. */
    private static void sums(UnitCode unit, GuestInstruction i) {
        unit.simd.requireFpu();
        Vectors.source(unit, i);
        unit.xmm.push(2 * i.in.reg);
        unit.out.lload(HIGH_TEMP).lxor();
        unit.xmm.push(2 * i.in.reg);
        unit.xmm.push(2 * i.in.reg + 1);
        unit.out.lxor();
        popResult(unit, i);
    }
}

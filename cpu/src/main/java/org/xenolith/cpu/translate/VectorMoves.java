package org.xenolith.cpu.translate;

import static org.xenolith.cpu.translate.Locals.HIGH_TEMP;
import static org.xenolith.cpu.translate.Locals.HOST;
import static org.xenolith.cpu.translate.Locals.LONG_TEMP;
import static org.xenolith.cpu.translate.Locals.LOW_TEMP;

import org.xenolith.cpu.decode.Operand;

import java.lang.classfile.CodeBuilder;

/** Moves of whole vector registers and of their low halves. */
final class VectorMoves {
    private VectorMoves() {}

    /** A whole register from or to memory or another register. */
    static void move(UnitCode unit, GuestInstruction i) {
        unit.simd.requireFpu();
        if (isStore(i)) {
            if (i.in.memory) {
                store(unit, i);
            } else {
                copy(unit, i.in.reg, i.in.rm);
            }
        } else if (i.in.memory) {
            Vectors.source(unit, i);
            unit.out.lload(LOW_TEMP);
            unit.xmm.pop(2 * i.in.reg);
            unit.out.lload(HIGH_TEMP);
            unit.xmm.pop(2 * i.in.reg + 1);
        } else {
            copy(unit, i.in.rm, i.in.reg);
        }
    }

    private static void copy(UnitCode unit, int from, int to) {
        for (int half = 0; half < 2; half++) {
            unit.xmm.copy(2 * from + half, 2 * to + half);
        }
    }

    /** Both halves are checked before one is written. */
    private static void store(UnitCode unit, GuestInstruction i) {
        CodeBuilder out = unit.out;
        Vectors.address(unit, i);
        unit.memory.pushWritable(64);
        out.lload(LONG_TEMP);
        unit.memory.writableThere(64);
        out.lstore(HOST);
        unit.memory.pushWritable(64);
        out.lload(LONG_TEMP).loadConstant(8L).ladd();
        unit.memory.writableThere(64);
        out.lstore(LOW_TEMP);
        unit.memory.pushPut(64);
        unit.xmm.push(2 * i.in.reg);
        unit.memory.put(64);
        unit.memory.pushPut(64, LOW_TEMP);
        unit.xmm.push(2 * i.in.reg + 1);
        unit.memory.put(64);
    }

    /** MOVD and MOVQ: the low half from or to a general register, memory or another register. */
    static void moveLow(UnitCode unit, GuestInstruction i) {
        unit.simd.requireFpu();
        Operand other = i.b.operand(isStore(i) ? 0 : 1);
        boolean general = other == Operand.EY;
        int bits = general && (i.in.rex & 8) == 0 ? 32 : 64;
        if (isStore(i)) {
            storeLow(unit, i, general, bits);
            return;
        }
        if (i.in.memory) {
            unit.memory.load(i, bits);
        } else if (general) {
            unit.push(i.in.rm, bits, 0);
        } else {
            unit.xmm.push(2 * i.in.rm);
        }
        if (bits == 32) {
            unit.zeroExtendInt();
        }
        unit.xmm.pop(2 * i.in.reg);
        unit.out.lconst_0();
        unit.xmm.pop(2 * i.in.reg + 1);
    }

    private static void storeLow(UnitCode unit, GuestInstruction i, boolean general, int bits) {
        if (i.in.memory) {
            unit.memory.writable(i, bits);
            unit.memory.pushPut(bits);
        }
        unit.xmm.push(2 * i.in.reg);
        if (bits == 32) {
            unit.out.l2i();
        }
        if (i.in.memory) {
            unit.memory.put(bits);
        } else if (general) {
            unit.pop(i.in.rm, bits, 0);
        } else {
            unit.xmm.pop(2 * i.in.rm);
            unit.out.lconst_0();
            unit.xmm.pop(2 * i.in.rm + 1);
        }
    }

    private static boolean isStore(GuestInstruction i) {
        return switch (i.b.operand(0)) {
            case WX, WQ, EY, MX -> true;
            default -> false;
        };
    }
}

package org.xenolith.cpu.interp;

import org.xenolith.cpu.decode.Operand;

/** Where an operand of MMX or SSE is: which register file, and which field of ModRM names it. */
enum SimdPlace {
    XMM_REG,
    XMM_RM,
    MMX_REG,
    MMX_RM,
    GENERAL_REG,
    GENERAL_RM,
    NOWHERE;

    static SimdPlace of(Operand operand) {
        return switch (operand) {
            case VX, VSS, VSD, VD, VQ -> XMM_REG;
            case WX, WSS, WSD, WW, WD, WQ, UX, UQ -> XMM_RM;
            case PQ -> MMX_REG;
            case QD, QQ, NQ -> MMX_RM;
            case GB, GW, GD, GV, GY -> GENERAL_REG;
            case IB, XMM0 -> NOWHERE;
            default -> GENERAL_RM;
        };
    }

    /** Whether operand i of an instruction is of an XMM kind: register, or register or memory. */
    static boolean isXmm(Binding b, int i) {
        SimdPlace place = i < b.operandCount() ? of(b.operand(i)) : NOWHERE;
        return place == XMM_REG || place == XMM_RM;
    }

    /** Whether operand i of an instruction lies in memory. */
    static boolean isMemory(Binding b, int i) {
        if (!b.in.memory || i >= b.operandCount()) {
            return false;
        }
        return switch (of(b.operand(i))) {
            case XMM_RM, MMX_RM, GENERAL_RM -> true;
            case XMM_REG, MMX_REG, GENERAL_REG, NOWHERE -> false;
        };
    }

    /** Bytes of the memory operand. */
    static int memoryBytes(Binding b, Operand operand) {
        return switch (operand) {
            case WX, MX -> 16;
            case WSD, WQ, MQ, QQ, EQ -> 8;
            case WSS, WD, MD, QD, ED -> 4;
            case MW, EW, WW -> 2;
            case MB, EB -> 1;
            case EY, MY -> (b.in.rex & 8) != 0 ? 8 : 4;
            case M -> 16;
            default -> 8;
        };
    }
}

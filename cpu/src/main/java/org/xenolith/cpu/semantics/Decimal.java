package org.xenolith.cpu.semantics;

/**
 * The instructions of 32-bit code that adjust AL and AH for decimal digits, and SALC. SDM vol. 2,
 * AAA to DAS. Flags that the manual leaves undefined are as Intel's processors were measured: AAA
 * and AAS as for the addition to AL, DAA and DAS with OF clear.
 */
public final class Decimal {
    /** Which of them. */
    public enum Kind {
        AAA,
        AAS,
        DAA,
        DAS,
        AAM,
        AAD,
        SALC
    }

    private static final int LOW_DIGIT = 0x0f;
    private static final int BYTE = 0xff;
    private static final int WORD = 0xffff;
    private static final int SIX = 6;
    private static final int SIXTY = 0x60;

    private Decimal() {}

    /**
     * AX after the instruction.
     *
     * @param ax 16 bits, zero-extended
     * @param radix of AAM and AAD, 0 to 255; not 0 for AAM
     * @param flags arithmetic flags before
     */
    public static int ax(Kind kind, int ax, int radix, int flags) {
        int al = ax & BYTE;
        int ah = ax >>> 8;
        return switch (kind) {
                    case AAA -> (adjustsDigit(al, flags) ? ax + 0x106 : ax) & 0xff0f;
                    case AAS -> (adjustsDigit(al, flags) ? ax - 0x106 : ax) & 0xff0f;
                    case DAA -> ah << 8 | al + correction(al, flags) & BYTE;
                    case DAS -> ah << 8 | al - correction(al, flags) & BYTE;
                    case AAM -> al / radix << 8 | al % radix;
                    case AAD -> al + ah * radix & BYTE;
                    case SALC -> ah << 8 | ((flags & Flags.CF) != 0 ? BYTE : 0);
                }
                & WORD;
    }

    /**
     * Arithmetic flags after the instruction.
     *
     * @param before AX before
     * @param after AX after
     */
    public static int flags(Kind kind, int before, int after, int flags) {
        int al = before & BYTE;
        return switch (kind) {
            case AAA, AAS ->
                    ofResult(after & BYTE) | (adjustsDigit(al, flags) ? Flags.CF | Flags.AF : 0);
            case DAA, DAS ->
                    ofResult(after & BYTE)
                            | (adjustsDigit(al, flags) ? Flags.AF : 0)
                            | (isCarried(kind, al, flags) ? Flags.CF : 0);
            case AAM, AAD -> ofResult(after & BYTE);
            case SALC -> flags;
        };
    }

    private static boolean adjustsDigit(int al, int flags) {
        return (al & LOW_DIGIT) > 9 || (flags & Flags.AF) != 0;
    }

    private static boolean adjustsUpper(int al, int flags) {
        return al > 0x99 || (flags & Flags.CF) != 0;
    }

    private static int correction(int al, int flags) {
        return (adjustsDigit(al, flags) ? SIX : 0) + (adjustsUpper(al, flags) ? SIXTY : 0);
    }

    /** DAS borrows, too, when the lower digit's six is more than AL. */
    private static boolean isCarried(Kind kind, int al, int flags) {
        boolean borrows = kind == Kind.DAS && adjustsDigit(al, flags) && al < SIX;
        return adjustsUpper(al, flags) || borrows;
    }

    /** SF, ZF and PF of a byte. */
    private static int ofResult(int value) {
        int sign = (value & 0x80) != 0 ? Flags.SF : 0;
        int zero = value == 0 ? Flags.ZF : 0;
        int parity = (Integer.bitCount(value) & 1) == 0 ? Flags.PF : 0;
        return sign | zero | parity;
    }
}

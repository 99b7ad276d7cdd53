package org.xenolith.cpu.translate;

import org.xenolith.cpu.semantics.Flags;
import org.xenolith.cpu.semantics.Shift;

/**
 * What translated code does with parts of registers and with flags that depend on what was before.
 * Small pure functions, public for the units' classes.
 */
public final class Parts {
    /** What else a vCPU keeps of RFLAGS; POPF clears RF. */
    private static final int KEPT_BY_POPF =
            Flags.DF | Flags.TF | Flags.AC | Flags.ID | Flags.NT | Flags.RF;

    private Parts() {}

    /** {@code register} with its low 8 bits replaced. */
    public static long merge8(int value, long register) {
        return register & ~0xffL | value & 0xffL;
    }

    /** {@code register} with bits 8 to 15 replaced. */
    public static long mergeHigh8(int value, long register) {
        return register & ~0xff00L | (value & 0xffL) << 8;
    }

    /** {@code register} with its low 16 bits replaced. */
    public static long merge16(int value, long register) {
        return register & ~0xffffL | value & 0xffffL;
    }

    /** {@code lane} with its low 32 bits replaced. */
    public static long mergeSingle(int value, long lane) {
        return lane & ~0xffff_ffffL | value & 0xffff_ffffL;
    }

    /** Whether {@code vaddr} is canonical, as 0 or not. */
    public static boolean isCanonical(long vaddr) {
        return vaddr << 16 >> 16 == vaddr;
    }

    /** Six flags with ZF set if {@code value} is 0, else clear. */
    public static int withZero(int before, long value) {
        return before & ~Flags.ZF | (value == 0 ? Flags.ZF : 0);
    }

    /** What PUSHF pushes. */
    public static long pushedFlags(int arithmetic, int system) {
        return (arithmetic | system | Flags.IF | Flags.FIXED) & ~(Flags.RF | Flags.VM);
    }

    /** Whether POPF of {@code value} changes no other flags than the arithmetic ones. */
    public static boolean keepsSystemFlags(long value, int system) {
        return (((int) value ^ system) & KEPT_BY_POPF) == 0;
    }

    /** What LAHF puts into AH. */
    public static int intoAh(int arithmetic) {
        return arithmetic & ~Flags.OF | Flags.FIXED;
    }

    /** Six flags after SAHF. */
    public static int fromAh(int before, long rax) {
        return before & Flags.OF | (int) (rax >> 8) & Flags.ARITHMETIC & ~Flags.OF;
    }

    // SHLD and SHRD of sign-extended values; a count of 0, or beyond the width, changes nothing.

    private static boolean shifts(int count, int width) {
        return count != 0 && count <= width;
    }

    public static long shld(long a, long fill, int count, int width) {
        return shifts(count, width) ? Shift.narrow(Shift.shld(a, fill, count, width), width) : a;
    }

    public static long shrd(long a, long fill, int count, int width) {
        return shifts(count, width) ? Shift.narrow(Shift.shrd(a, fill, count, width), width) : a;
    }

    // Rotates of sign-extended values of 8 or 16 bits.

    public static int rol(int a, int count, int width) {
        return count == 0 ? a : narrow(Shift.rol(a, count, width), width);
    }

    public static int ror(int a, int count, int width) {
        return count == 0 ? a : narrow(Shift.ror(a, count, width), width);
    }

    private static int narrow(long value, int width) {
        return (int) Shift.narrow(value, width);
    }
}

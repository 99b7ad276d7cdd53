package org.xenolith.cpu.translate;

import org.xenolith.cpu.semantics.Flags;
import org.xenolith.cpu.semantics.Shift;

/**
 * What translated code does with parts of registers and with flags that depend on what was before.
 * Small pure functions, public for the units' classes.
 */
public final class Parts {
    private static final int KEPT_BY_ROTATES = Flags.ARITHMETIC & ~(Flags.CF | Flags.OF);

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

    /** Six flags after a rotate: CF and OF new. */
    public static int afterRotate(int before, int carryAndOverflow) {
        return before & KEPT_BY_ROTATES | carryAndOverflow;
    }

    /** Six flags with CF replaced by a bit of {@code value}. */
    public static int withCarry(int before, long value, long position) {
        return before & ~Flags.CF | (int) (value >>> position & 1);
    }

    /** Six flags after BSF or BSR of {@code source}. */
    public static int afterScan(int before, long source) {
        return before & ~Flags.ZF | (source == 0 ? Flags.ZF : 0);
    }

    // Shifts by CL: a count of 0 changes no flag.

    public static int afterShl(int before, long a, long result, int count, int width) {
        return count == 0 ? before : Shift.shlFlags(a, count, width) | Flags.ofResult(result);
    }

    public static int afterShr(int before, long a, long result, int count, int width) {
        return count == 0 ? before : Shift.shrFlags(a, count, width) | Flags.ofResult(result);
    }

    public static int afterSar(int before, long a, long result, int count, int width) {
        return count == 0 ? before : Shift.sarFlags(a, count, width) | Flags.ofResult(result);
    }

    public static int afterRol(int before, long result, int count, int width) {
        return count == 0 ? before : afterRotate(before, Shift.rolFlags(result, width));
    }

    public static int afterRor(int before, long result, int count, int width) {
        return count == 0 ? before : afterRotate(before, Shift.rorFlags(result, width));
    }

    // Shifts of sign-extended values of 8, 16 or 32 bits.

    public static int shl(int a, int count, int width) {
        return narrow(Shift.shl(a, count, width), width);
    }

    public static int shr(int a, int count, int width) {
        return narrow(Shift.shr(a, count, width), width);
    }

    public static int sar(int a, int count, int width) {
        return a >> count;
    }

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

package org.xenolith.cpu.semantics;

/**
 * Shifts and rotates. Counts come masked to 5 bits (6 for 64-bit operands), and a count of 0 is not
 * brought here: it changes nothing, not even a flag. {@code width} is in bits; operands are
 * sign-extended, results are not narrowed. Shifts leave a rule of {@link Flags}, for which {@code
 * ...Source} gives the value of which CF is a bit, {@code ...Position} that bit; the {@code
 * ...Flags} methods of rotates give CF, OF in place. AF is left clear where the manual says
 * undefined. SDM vol. 2, SAL/SAR/SHL/SHR, RCL/RCR/ROL/ROR, SHLD, SHRD.
 */
public final class Shift {
    private Shift() {}

    private static long zeroExtend(long value, int width) {
        return width == 64 ? value : value & (1L << width) - 1;
    }

    private static long signExtend(long value, int width) {
        return value << 64 - width >> 64 - width;
    }

    private static int bit(long value, int position) {
        return (int) (value >>> position) & 1;
    }

    private static int flags(int carry, int overflow) {
        return carry * Flags.CF | overflow * Flags.OF;
    }

    public static long shl(long a, int count, int width) {
        return count >= width ? 0 : a << count;
    }

    /**
     * The first operand of {@link Flags#SHL}. Counts beyond 8 or 16 bits give a position, modulo
     * 64, where zero extension has left no bit; those beyond 32 are masked.
     */
    public static long shlSource(long a, int width) {
        return width < 32 ? zeroExtend(a, width) : a;
    }

    /** The bit that goes last; also with SHLD. */
    public static int leftPosition(int count, int width) {
        return width - count;
    }

    public static long shr(long a, int count, int width) {
        return count >= width ? 0 : zeroExtend(a, width) >>> count;
    }

    /** The first operand of {@link Flags#SHR}: no bit beyond the width but the sign. */
    public static long shrSource(long a, int width) {
        return width < 32 ? zeroExtend(a, width) | a & Long.MIN_VALUE : a;
    }

    /** The bit that goes last; also with SAR and SHRD. */
    public static int rightPosition(int count) {
        return count - 1;
    }

    public static long sar(long a, int count, int width) {
        return a >> Math.min(count, 63);
    }

    public static long rol(long a, int count, int width) {
        int n = count & width - 1;
        long value = zeroExtend(a, width);
        return n == 0 ? value : value << n | value >>> width - n;
    }

    /** CF and OF after ROL, from its result. */
    public static int rolFlags(long result, int width) {
        int carry = bit(result, 0);
        return flags(carry, carry ^ bit(result, width - 1));
    }

    public static long ror(long a, int count, int width) {
        int n = count & width - 1;
        long value = zeroExtend(a, width);
        return n == 0 ? value : value >>> n | value << width - n;
    }

    /** CF and OF after ROR, from its result. */
    public static int rorFlags(long result, int width) {
        int carry = bit(result, width - 1);
        return flags(carry, carry ^ bit(result, width - 2));
    }

    /** Rotates left through the carry; the count is taken modulo width + 1 for 8 and 16 bits. */
    public static long rcl(long a, int count, int width, int carry) {
        int n = count % (width + 1);
        long value = zeroExtend(a, width);
        if (n == 0) {
            return value;
        }
        long high = n == 64 ? 0 : value << n;
        long low = n == 1 ? 0 : value >>> width + 1 - n;
        return high | (long) carry << n - 1 | low;
    }

    public static int rclFlags(long a, int count, int width, int carry) {
        int n = count % (width + 1);
        int out = n == 0 ? carry : bit(zeroExtend(a, width), width - n);
        return flags(out, out ^ bit(rcl(a, count, width, carry), width - 1));
    }

    /** Rotates right through the carry. */
    public static long rcr(long a, int count, int width, int carry) {
        int n = count % (width + 1);
        long value = zeroExtend(a, width);
        if (n == 0) {
            return value;
        }
        long low = n == 64 ? 0 : value >>> n;
        long high = n == 1 ? 0 : value << width + 1 - n;
        return high | (long) carry << width - n | low;
    }

    public static int rcrFlags(long a, int count, int width, int carry) {
        int n = count % (width + 1);
        int out = n == 0 ? carry : bit(zeroExtend(a, width), n - 1);
        long result = rcr(a, count, width, carry);
        return flags(out, bit(result, width - 1) ^ bit(result, width - 2));
    }

    /**
     * SHLD: {@code a} moves left, bits of {@code fill} come in from the right. Count below the
     * width.
     */
    public static long shld(long a, long fill, int count, int width) {
        return a << count | zeroExtend(fill, width) >>> width - count;
    }

    public static long shrd(long a, long fill, int count, int width) {
        return zeroExtend(a, width) >>> count | fill << width - count;
    }

    /** The result of a shift as the flag rules want it. */
    public static long narrow(long value, int width) {
        return signExtend(value, width);
    }
}

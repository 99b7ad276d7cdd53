package org.xenolith.cpu.translate;

import static java.lang.Double.doubleToRawLongBits;
import static java.lang.Double.longBitsToDouble;

import org.xenolith.cpu.semantics.Flags;
import org.xenolith.cpu.semantics.simd.Mxcsr;
import org.xenolith.cpu.semantics.simd.SseDouble;

/**
 * Arithmetic of translated code on one double, as bits; public for the units' classes.
 *
 * <p>{@code quick} says that rounding is to nearest, denormals are themselves, and the precision
 * exception is masked and its flag set already. Then an operation on no denormal that yields a
 * normal number is Java's, and changes nothing in the {@link Mxcsr}. All others are those of {@link
 * SseDouble}, commit included.
 */
public final class Doubles {
    private static final long EXPONENT = 0x7ffL << 52;

    /** The exponent {@code -MODERATE_EXPONENT} in bits 62:31 of a double, its sign left out. */
    private static final int LOWEST = (1023 - Magnitude.MODERATE_EXPONENT) << 21;

    private static final int WINDOW = 2 * Magnitude.MODERATE_EXPONENT << 21;

    private Doubles() {}

    // ---- what the quick form of a unit asks of operands: tests that leave the unit
    //
    // The branch stands here and not in the unit, so that it has one profile for all: once an odd
    // number was seen anywhere, C2 expects more, instead of throwing compiled code away at each
    // place that sees its first. Nothing is called from here: behind 18,000 nodes, which a loop of
    // a dozen memory accesses has, C2 takes in no method that is called, and leaves the test a
    // call.

    /** A number within the bounds of {@link Magnitude#MODERATE}, or 0. */
    public static void requireModerate(double x) {
        int fromLowest = (int) (doubleToRawLongBits(x) >>> 31) - LOWEST;
        if (Integer.compareUnsigned(fromLowest, WINDOW) >= 0 && x != 0) {
            throw RoughDouble.INSTANCE;
        }
    }

    public static void requireModerateAndNotZero(double x) {
        int fromLowest = (int) (doubleToRawLongBits(x) >>> 31) - LOWEST;
        if (Integer.compareUnsigned(fromLowest, WINDOW) >= 0) {
            throw RoughDouble.INSTANCE;
        }
    }

    /** A number with which a comparison raises nothing: no NaN, no denormal. */
    public static void requireComparable(double x) {
        if (!(Math.abs(x) >= Double.MIN_NORMAL) && x != 0) {
            throw RoughDouble.INSTANCE;
        }
    }

    /** Whether an integer is not what a conversion of something larger yields. */
    public static boolean isUnsaturated(int integer) {
        return integer != Integer.MIN_VALUE && integer != Integer.MAX_VALUE;
    }

    public static boolean isUnsaturated(long integer) {
        return integer != Long.MIN_VALUE && integer != Long.MAX_VALUE;
    }

    /** ZF, PF and CF after a comparison of numbers. */
    public static int relation(double a, double b) {
        return a > b ? 0 : a < b ? Flags.CF : Flags.ZF;
    }

    /** The integer next to {@code x} on the way to 0; of a small negative number, -0. */
    public static double truncate(double x) {
        return x < 0 ? Math.ceil(x) : Math.floor(x);
    }

    // ---- the exact form

    private static boolean isDenormal(long x) {
        return Long.compareUnsigned((x << 1) - 1, (1L << 53) - 2) < 0;
    }

    /** A normal number, but not of the smallest exponent: rounding may have brought it there. */
    private static boolean isNormal(long x) {
        return Long.compareUnsigned((x & EXPONENT) - (2L << 52), EXPONENT - (2L << 52)) < 0;
    }

    private static boolean isOrdinary(long a, long b, long result) {
        return isNormal(result) && !isDenormal(a) && !isDenormal(b);
    }

    public static long addsd(long a, long b, boolean quick, Mxcsr m) {
        long sum = doubleToRawLongBits(longBitsToDouble(a) + longBitsToDouble(b));
        return quick && isOrdinary(a, b, sum) ? sum : add(a, b, m);
    }

    private static long add(long a, long b, Mxcsr m) {
        long sum = SseDouble.addsd(a, b, m);
        m.commit();
        return sum;
    }

    public static long subsd(long a, long b, boolean quick, Mxcsr m) {
        long difference = doubleToRawLongBits(longBitsToDouble(a) - longBitsToDouble(b));
        return quick && isOrdinary(a, b, difference) ? difference : subtract(a, b, m);
    }

    private static long subtract(long a, long b, Mxcsr m) {
        long difference = SseDouble.subsd(a, b, m);
        m.commit();
        return difference;
    }

    public static long mulsd(long a, long b, boolean quick, Mxcsr m) {
        long product = doubleToRawLongBits(longBitsToDouble(a) * longBitsToDouble(b));
        return quick && isOrdinary(a, b, product) ? product : multiply(a, b, m);
    }

    private static long multiply(long a, long b, Mxcsr m) {
        long product = SseDouble.mulsd(a, b, m);
        m.commit();
        return product;
    }

    public static long divsd(long a, long b, boolean quick, Mxcsr m) {
        long quotient = doubleToRawLongBits(longBitsToDouble(a) / longBitsToDouble(b));
        return quick && isOrdinary(a, b, quotient) ? quotient : divide(a, b, m);
    }

    private static long divide(long a, long b, Mxcsr m) {
        long quotient = SseDouble.divsd(a, b, m);
        m.commit();
        return quotient;
    }

    /** Of {@code b}; the destination does not matter. */
    public static long sqrtsd(long a, long b, boolean quick, Mxcsr m) {
        long root = doubleToRawLongBits(Math.sqrt(longBitsToDouble(b)));
        return quick && isOrdinary(b, b, root) ? root : root(b, m);
    }

    private static long root(long b, Mxcsr m) {
        long root = SseDouble.sqrtsd(b, m);
        m.commit();
        return root;
    }
}

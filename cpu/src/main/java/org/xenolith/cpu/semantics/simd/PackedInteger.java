package org.xenolith.cpu.semantics.simd;

import static org.xenolith.cpu.semantics.simd.Lanes.H16;
import static org.xenolith.cpu.semantics.simd.Lanes.H32;
import static org.xenolith.cpu.semantics.simd.Lanes.H8;
import static org.xenolith.cpu.semantics.simd.Lanes.L16;
import static org.xenolith.cpu.semantics.simd.Lanes.L32;
import static org.xenolith.cpu.semantics.simd.Lanes.L8;
import static org.xenolith.cpu.semantics.simd.Lanes.add;
import static org.xenolith.cpu.semantics.simd.Lanes.below;
import static org.xenolith.cpu.semantics.simd.Lanes.less;
import static org.xenolith.cpu.semantics.simd.Lanes.select;
import static org.xenolith.cpu.semantics.simd.Lanes.spread16;
import static org.xenolith.cpu.semantics.simd.Lanes.spread32;
import static org.xenolith.cpu.semantics.simd.Lanes.spread8;
import static org.xenolith.cpu.semantics.simd.Lanes.sub;
import static org.xenolith.cpu.semantics.simd.Lanes.zero;

/**
 * Packed integer arithmetic on 64 bits: a whole MMX register, or half of an XMM register where
 * lanes do not cross the halves. {@code a} is the destination, {@code b} the source. Most work on
 * all {@link Lanes} at once in one long. Here are sums, comparisons, bits and signs; products,
 * shifts, packs, horizontal sums and selections have classes of their own, named {@code Packed...}
 * and {@link HalfShuffle}.
 *
 * <p>Translated code calls these, too. Methods of at most 35 bytes of bytecode are always inlined
 * there; the fewer they call in turn, the later C2 finds a unit too large to inline more.
 */
public final class PackedInteger {
    private PackedInteger() {}

    // Add and subtract.

    public static long paddb(long a, long b) {
        return add(a, b, H8);
    }

    public static long paddw(long a, long b) {
        return add(a, b, H16);
    }

    /** Of two lanes, one carry crosses: it shows in bit 32 and is taken back. */
    public static long paddd(long a, long b) {
        return a + b - ((a ^ b ^ a + b) & 1L << 32);
    }

    public static long paddq(long a, long b) {
        return a + b;
    }

    public static long psubb(long a, long b) {
        return sub(a, b, H8);
    }

    public static long psubw(long a, long b) {
        return sub(a, b, H16);
    }

    public static long psubd(long a, long b) {
        return a - b + ((a ^ b ^ a - b) & 1L << 32);
    }

    public static long psubq(long a, long b) {
        return a - b;
    }

    /** Sign bits of the lanes whose unsigned sum carries: those of half the sum, see below(). */
    private static long carries(long a, long b, long h) {
        return (a & b) + ((a ^ b) >>> 1 & ~h) & h;
    }

    /** Lanes that would carry add all ones and zero instead, so no carry leaves its lane. */
    public static long paddusb(long a, long b) {
        long full = spread8(carries(a, b, H8));
        return (a | full) + (b & ~full);
    }

    public static long paddusw(long a, long b) {
        long full = spread16(carries(a, b, H16));
        return (a | full) + (b & ~full);
    }

    /** Lanes that would borrow subtract all ones from all ones instead. */
    public static long psubusb(long a, long b) {
        long empty = spread8(below(a, b, H8));
        return (a | empty) - (b | empty);
    }

    public static long psubusw(long a, long b) {
        long empty = spread16(below(a, b, H16));
        return (a | empty) - (b | empty);
    }

    /**
     * Puts into the lanes that overflowed, given their sign bits, the extreme of the sign that the
     * result should have: 0x80 less the sign that it has.
     */
    private static long saturate8(long result, long overflow) {
        return result & ~spread8(overflow) | overflow - ((result & overflow) >>> 7);
    }

    private static long saturate16(long result, long overflow) {
        return result & ~spread16(overflow) | overflow - ((result & overflow) >>> 15);
    }

    public static long paddsb(long a, long b) {
        long sum = add(a, b, H8);
        return saturate8(sum, ~(a ^ b) & (a ^ sum) & H8);
    }

    public static long paddsw(long a, long b) {
        long sum = add(a, b, H16);
        return saturate16(sum, ~(a ^ b) & (a ^ sum) & H16);
    }

    public static long psubsb(long a, long b) {
        long difference = sub(a, b, H8);
        return saturate8(difference, (a ^ b) & (a ^ difference) & H8);
    }

    public static long psubsw(long a, long b) {
        long difference = sub(a, b, H16);
        return saturate16(difference, (a ^ b) & (a ^ difference) & H16);
    }

    /**
     * {@code (a + b + 1) >> 1} without the carry: what either has, less half of what one has. That
     * is never more, so nothing is borrowed.
     */
    public static long pavgb(long a, long b) {
        return (a | b) - ((a ^ b) >>> 1 & ~H8);
    }

    public static long pavgw(long a, long b) {
        return (a | b) - ((a ^ b) >>> 1 & ~H16);
    }

    // Compare, minimum, maximum.

    public static long pcmpeqb(long a, long b) {
        return spread8(zero(a ^ b, H8));
    }

    public static long pcmpeqw(long a, long b) {
        return spread16(zero(a ^ b, H16));
    }

    public static long pcmpeqd(long a, long b) {
        return spread32(zero(a ^ b, H32));
    }

    public static long pcmpeqq(long a, long b) {
        return a == b ? -1 : 0;
    }

    public static long pcmpgtb(long a, long b) {
        return spread8(less(b, a, H8));
    }

    public static long pcmpgtw(long a, long b) {
        return spread16(less(b, a, H16));
    }

    public static long pcmpgtd(long a, long b) {
        return spread32(less(b, a, H32));
    }

    public static long pcmpgtq(long a, long b) {
        return a > b ? -1 : 0;
    }

    public static long pminub(long a, long b) {
        return select(spread8(below(a, b, H8)), a, b);
    }

    public static long pmaxub(long a, long b) {
        return select(spread8(below(a, b, H8)), b, a);
    }

    public static long pminsb(long a, long b) {
        return select(spread8(less(a, b, H8)), a, b);
    }

    public static long pmaxsb(long a, long b) {
        return select(spread8(less(a, b, H8)), b, a);
    }

    public static long pminuw(long a, long b) {
        return select(spread16(below(a, b, H16)), a, b);
    }

    public static long pmaxuw(long a, long b) {
        return select(spread16(below(a, b, H16)), b, a);
    }

    public static long pminsw(long a, long b) {
        return select(spread16(less(a, b, H16)), a, b);
    }

    public static long pmaxsw(long a, long b) {
        return select(spread16(less(a, b, H16)), b, a);
    }

    public static long pminud(long a, long b) {
        return select(spread32(below(a, b, H32)), a, b);
    }

    public static long pmaxud(long a, long b) {
        return select(spread32(below(a, b, H32)), b, a);
    }

    public static long pminsd(long a, long b) {
        return select(spread32(less(a, b, H32)), a, b);
    }

    public static long pmaxsd(long a, long b) {
        return select(spread32(less(a, b, H32)), b, a);
    }

    // Bits.

    public static long pand(long a, long b) {
        return a & b;
    }

    public static long pandn(long a, long b) {
        return ~a & b;
    }

    public static long por(long a, long b) {
        return a | b;
    }

    public static long pxor(long a, long b) {
        return a ^ b;
    }

    // Absolute value and sign.

    /** Flips the lanes whose {@code ones} is 1 and adds that: from 0x80 at most, none carries. */
    private static long pabs(long b, long ones, int width) {
        return (b ^ (ones << width) - ones) + ones;
    }

    public static long pabsb(long b) {
        return pabs(b, b >>> 7 & L8, 8);
    }

    public static long pabsw(long b) {
        return pabs(b, b >>> 15 & L16, 16);
    }

    public static long pabsd(long b) {
        return pabs(b, b >>> 31 & L32, 32);
    }

    /** As the absolute value, but a zero that is negated carries. */
    private static long negateIf(long ones, int width, long a, long h) {
        return add(a ^ (ones << width) - ones, ones, h);
    }

    public static long psignb(long a, long b) {
        return negateIf(b >>> 7 & L8, 8, a, H8) & ~spread8(zero(b, H8));
    }

    public static long psignw(long a, long b) {
        return negateIf(b >>> 15 & L16, 16, a, H16) & ~spread16(zero(b, H16));
    }

    public static long psignd(long a, long b) {
        return negateIf(b >>> 31 & L32, 32, a, H32) & ~spread32(zero(b, H32));
    }
}

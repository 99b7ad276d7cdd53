package org.xenolith.cpu.semantics.simd;

import static org.xenolith.cpu.semantics.simd.Lanes.EVEN16;
import static org.xenolith.cpu.semantics.simd.Lanes.M32;

/**
 * Sums and differences of neighbours on 64 bits: those of a's become the low half of the result,
 * b's the high half. Operands are those of {@link PackedInteger}.
 */
public final class PackedHorizontal {
    private PackedHorizontal() {}

    private static long evenWords(long a) {
        long words = a & EVEN16;
        return (words | words >>> 16) & M32;
    }

    private static long evenWords(long a, long b) {
        return evenWords(a) | evenWords(b) << 32;
    }

    private static long oddWords(long a, long b) {
        return evenWords(a >>> 16, b >>> 16);
    }

    public static long phaddw(long a, long b) {
        return PackedInteger.paddw(evenWords(a, b), oddWords(a, b));
    }

    public static long phaddsw(long a, long b) {
        return PackedInteger.paddsw(evenWords(a, b), oddWords(a, b));
    }

    public static long phsubw(long a, long b) {
        return PackedInteger.psubw(evenWords(a, b), oddWords(a, b));
    }

    public static long phsubsw(long a, long b) {
        return PackedInteger.psubsw(evenWords(a, b), oddWords(a, b));
    }

    public static long phaddd(long a, long b) {
        return PackedInteger.paddd(PackedPack.punpckldq(a, b), PackedPack.punpckhdq(a, b));
    }

    public static long phsubd(long a, long b) {
        return PackedInteger.psubd(PackedPack.punpckldq(a, b), PackedPack.punpckhdq(a, b));
    }
}

package org.xenolith.cpu.semantics.simd;

import static org.xenolith.cpu.semantics.simd.Lanes.H8;
import static org.xenolith.cpu.semantics.simd.Lanes.M16;
import static org.xenolith.cpu.semantics.simd.Lanes.M8;
import static org.xenolith.cpu.semantics.simd.Lanes.spread8;

/**
 * Selections from 64 bits: MMX's, and those that {@link PackedShuffle} makes in one half of an XMM
 * register. {@code a} is the destination, {@code b} the source.
 */
public final class HalfShuffle {
    private HalfShuffle() {}

    /** Two words of b, as the low four bits of imm say. */
    private static long twoWords(long b, int imm) {
        return b >>> 16 * (imm & 3) & M16 | (b >>> 16 * (imm >>> 2 & 3) & M16) << 16;
    }

    /**
     * Words of b in the order that imm gives, two bits each; also pshuflw and pshufhw of one half.
     */
    public static long pshufw(long b, int imm) {
        return twoWords(b, imm) | twoWords(b, imm >>> 4) << 32;
    }

    /**
     * MMX form: bytes of a picked by the low three bits of b's bytes, zero where the top bit is
     * set.
     */
    public static long pshufb(long a, long b) {
        long result = 0;
        for (int i = 0; i < 64; i += 8) {
            int selector = (int) (b >>> i);
            if ((selector & 0x80) == 0) {
                result |= (a >>> 8 * (selector & 7) & M8) << i;
            }
        }
        return result;
    }

    /** The 64 bits that begin at byte {@code index & 7} of high:low. */
    static long funnel(long high, long low, int index) {
        int bits = 8 * index & 63;
        return bits == 0 ? low : high << -bits | low >>> bits;
    }

    /** MMX form: the 64 bits that begin at byte imm of a:b. */
    public static long palignr(long a, long b, int imm) {
        return switch ((imm & 0xff) >>> 3) {
            case 0 -> funnel(a, b, imm);
            case 1 -> funnel(0, a, imm);
            default -> 0;
        };
    }

    public static long pinsrw(long a, int value, int imm) {
        int shift = 16 * (imm & 3);
        return a & ~(M16 << shift) | (value & M16) << shift;
    }

    public static int pextrw(long b, int imm) {
        return (int) (b >>> 16 * (imm & 3) & M16);
    }

    /** The sign bits of the eight bytes. */
    public static int pmovmskb(long b) {
        // The multiplication gathers bit 8i+7 at bit 56+i; no two terms meet.
        return (int) ((b & H8) * 0x0002040810204081L >>> 56);
    }

    /**
     * Bytes to store of MASKMOVQ and MASKMOVDQU: all ones in each byte whose mask byte has its top
     * bit set.
     */
    public static long maskmovBytes(long mask) {
        return spread8(mask & H8);
    }
}

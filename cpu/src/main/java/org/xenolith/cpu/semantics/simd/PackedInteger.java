package org.xenolith.cpu.semantics.simd;

/**
 * Packed integer operations on 64 bits: a whole MMX register, or half of an XMM register where
 * lanes do not cross the halves. {@code a} is the destination, {@code b} the source. Most work on
 * all lanes at once in one long: the lanes' sign bits are kept apart so that no carry runs into the
 * next lane.
 */
public final class PackedInteger {
    /** The sign bit of each lane; {@code H >>> width - 1} is the lowest bit of each lane. */
    private static final long H8 = 0x8080808080808080L,
            H16 = 0x8000800080008000L,
            H32 = 0x8000000080000000L;

    private static final long L8 = H8 >>> 7, L16 = H16 >>> 15, L32 = H32 >>> 31;
    private static final long M8 = 0xff, M16 = 0xffff, M32 = 0xffffffffL;

    private PackedInteger() {}

    // Lane arithmetic for any width, given the mask h of sign bits.

    private static long add(long a, long b, long h) {
        return (a & ~h) + (b & ~h) ^ (a ^ b) & h;
    }

    private static long sub(long a, long b, long h) {
        return (a | h) - (b & ~h) ^ (a ^ ~b) & h;
    }

    /** Sign bits of the lanes where {@code a < b} unsigned. */
    private static long below(long a, long b, long h) {
        return (~a & b | ~(a ^ b) & sub(a, b, h)) & h;
    }

    /** Sign bits of the lanes where {@code a < b} signed. */
    private static long less(long a, long b, long h) {
        return below(a ^ h, b ^ h, h);
    }

    /** Sign bits of the lanes that are not zero. */
    private static long nonZero(long a, long h) {
        return ((a & ~h) + ~h | a) & h;
    }

    private static long spread8(long signs) {
        return (signs >>> 7) * M8;
    }

    private static long spread16(long signs) {
        return (signs >>> 15) * M16;
    }

    private static long spread32(long signs) {
        return (signs >>> 31) * M32;
    }

    private static long select(long mask, long ifSet, long ifClear) {
        return ifSet & mask | ifClear & ~mask;
    }

    // Add and subtract.

    public static long paddb(long a, long b) {
        return add(a, b, H8);
    }

    public static long paddw(long a, long b) {
        return add(a, b, H16);
    }

    public static long paddd(long a, long b) {
        return add(a, b, H32);
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
        return sub(a, b, H32);
    }

    public static long psubq(long a, long b) {
        return a - b;
    }

    public static long paddusb(long a, long b) {
        long sum = add(a, b, H8);
        return sum | spread8((a & b | (a | b) & ~sum) & H8);
    }

    public static long paddusw(long a, long b) {
        long sum = add(a, b, H16);
        return sum | spread16((a & b | (a | b) & ~sum) & H16);
    }

    public static long psubusb(long a, long b) {
        return sub(a, b, H8) & ~spread8(below(a, b, H8));
    }

    public static long psubusw(long a, long b) {
        return sub(a, b, H16) & ~spread16(below(a, b, H16));
    }

    /** The extreme value with the sign of {@code a}: 0x7f... plus its sign bit. */
    private static long extreme8(long a) {
        return ~H8 + (a >>> 7 & L8);
    }

    private static long extreme16(long a) {
        return ~H16 + (a >>> 15 & L16);
    }

    public static long paddsb(long a, long b) {
        long sum = add(a, b, H8);
        return select(spread8(~(a ^ b) & (a ^ sum) & H8), extreme8(a), sum);
    }

    public static long paddsw(long a, long b) {
        long sum = add(a, b, H16);
        return select(spread16(~(a ^ b) & (a ^ sum) & H16), extreme16(a), sum);
    }

    public static long psubsb(long a, long b) {
        long difference = sub(a, b, H8);
        return select(spread8((a ^ b) & (a ^ difference) & H8), extreme8(a), difference);
    }

    public static long psubsw(long a, long b) {
        long difference = sub(a, b, H16);
        return select(spread16((a ^ b) & (a ^ difference) & H16), extreme16(a), difference);
    }

    /**
     * {@code (a + b + 1) >> 1} without the carry: what both have, plus half of what one has,
     * rounded up.
     */
    public static long pavgb(long a, long b) {
        return sub(a | b, (a ^ b) >>> 1 & ~H8, H8);
    }

    public static long pavgw(long a, long b) {
        return sub(a | b, (a ^ b) >>> 1 & ~H16, H16);
    }

    // Compare, minimum, maximum.

    public static long pcmpeqb(long a, long b) {
        return ~spread8(nonZero(a ^ b, H8));
    }

    public static long pcmpeqw(long a, long b) {
        return ~spread16(nonZero(a ^ b, H16));
    }

    public static long pcmpeqd(long a, long b) {
        return ~spread32(nonZero(a ^ b, H32));
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

    /**
     * Negates the lanes whose mask bits are all set; the mask's lanes are all ones or all zeros.
     */
    private static long negateIf(long mask, long a, long h) {
        return sub(a ^ mask, mask, h);
    }

    public static long pabsb(long b) {
        return negateIf(spread8(b & H8), b, H8);
    }

    public static long pabsw(long b) {
        return negateIf(spread16(b & H16), b, H16);
    }

    public static long pabsd(long b) {
        return negateIf(spread32(b & H32), b, H32);
    }

    public static long psignb(long a, long b) {
        return negateIf(spread8(b & H8), a, H8) & spread8(nonZero(b, H8));
    }

    public static long psignw(long a, long b) {
        return negateIf(spread16(b & H16), a, H16) & spread16(nonZero(b, H16));
    }

    public static long psignd(long a, long b) {
        return negateIf(spread32(b & H32), a, H32) & spread32(nonZero(b, H32));
    }

    // Shifts; the count is the whole 64-bit source, or the immediate.

    public static long psllw(long a, long count) {
        return (count & ~15) != 0 ? 0 : a << count & L16 * (M16 << count & M16);
    }

    public static long pslld(long a, long count) {
        return (count & ~31) != 0 ? 0 : a << count & L32 * (M32 << count & M32);
    }

    public static long psllq(long a, long count) {
        return (count & ~63) != 0 ? 0 : a << count;
    }

    public static long psrlw(long a, long count) {
        return (count & ~15) != 0 ? 0 : a >>> count & L16 * (M16 >>> count);
    }

    public static long psrld(long a, long count) {
        return (count & ~31) != 0 ? 0 : a >>> count & L32 * (M32 >>> count);
    }

    public static long psrlq(long a, long count) {
        return (count & ~63) != 0 ? 0 : a >>> count;
    }

    public static long psraw(long a, long count) {
        long signs = spread16(a & H16);
        return (count & ~15) != 0 ? signs : psrlw(a ^ signs, count) ^ signs;
    }

    public static long psrad(long a, long count) {
        long signs = spread32(a & H32);
        return (count & ~31) != 0 ? signs : psrld(a ^ signs, count) ^ signs;
    }

    // Multiply.

    public static long pmullw(long a, long b) {
        long result = 0;
        for (int i = 0; i < 64; i += 16) {
            result |= ((a >>> i) * (b >>> i) & M16) << i;
        }
        return result;
    }

    public static long pmulhw(long a, long b) {
        long result = 0;
        for (int i = 0; i < 64; i += 16) {
            result |= ((short) (a >>> i) * (short) (b >>> i) >>> 16 & M16) << i;
        }
        return result;
    }

    public static long pmulhuw(long a, long b) {
        long result = 0;
        for (int i = 0; i < 64; i += 16) {
            result |= ((a >>> i & M16) * (b >>> i & M16) >>> 16) << i;
        }
        return result;
    }

    /** Upper half of the product, rounded: SDM vol. 2, PMULHRSW. */
    public static long pmulhrsw(long a, long b) {
        long result = 0;
        for (int i = 0; i < 64; i += 16) {
            int product = (short) (a >>> i) * (short) (b >>> i);
            result |= (((product >> 14) + 1 >> 1) & M16) << i;
        }
        return result;
    }

    public static long pmulld(long a, long b) {
        return (a >>> 32) * (b >>> 32) << 32 | a * b & M32;
    }

    public static long pmuludq(long a, long b) {
        return (a & M32) * (b & M32);
    }

    public static long pmuldq(long a, long b) {
        return (long) (int) a * (int) b;
    }

    public static long pmaddwd(long a, long b) {
        long low = (short) a * (short) b + (short) (a >>> 16) * (short) (b >>> 16);
        long high =
                (short) (a >>> 32) * (short) (b >>> 32) + (short) (a >>> 48) * (short) (b >>> 48);
        return high << 32 | low & M32;
    }

    /** Unsigned bytes of a times signed bytes of b, neighbours added with signed saturation. */
    public static long pmaddubsw(long a, long b) {
        long result = 0;
        for (int i = 0; i < 64; i += 16) {
            int sum =
                    (int) (a >>> i & M8) * (byte) (b >>> i)
                            + (int) (a >>> i + 8 & M8) * (byte) (b >>> i + 8);
            result |= (saturate16(sum) & M16) << i;
        }
        return result;
    }

    public static long psadbw(long a, long b) {
        long sum = 0;
        for (int i = 0; i < 64; i += 8) {
            sum += Math.abs((a >>> i & M8) - (b >>> i & M8));
        }
        return sum;
    }

    // Pack: a's lanes become the low half of the result, b's the high half.

    private static int saturate8(int value) {
        return Math.clamp(value, Byte.MIN_VALUE, Byte.MAX_VALUE);
    }

    private static int saturate16(int value) {
        return Math.clamp(value, Short.MIN_VALUE, Short.MAX_VALUE);
    }

    private static long narrowSigned16(long a) {
        long result = 0;
        for (int i = 0; i < 4; i++) {
            result |= (saturate8((short) (a >>> 16 * i)) & M8) << 8 * i;
        }
        return result;
    }

    private static long narrowUnsigned16(long a) {
        long result = 0;
        for (int i = 0; i < 4; i++) {
            result |= (long) Math.clamp((short) (a >>> 16 * i), 0, 0xff) << 8 * i;
        }
        return result;
    }

    private static long narrowSigned32(long a) {
        return saturate16((int) a) & M16 | (saturate16((int) (a >>> 32)) & M16) << 16;
    }

    private static long narrowUnsigned32(long a) {
        return Math.clamp((int) a, 0, 0xffff)
                | (long) Math.clamp((int) (a >>> 32), 0, 0xffff) << 16;
    }

    public static long packsswb(long a, long b) {
        return narrowSigned16(a) | narrowSigned16(b) << 32;
    }

    public static long packuswb(long a, long b) {
        return narrowUnsigned16(a) | narrowUnsigned16(b) << 32;
    }

    public static long packssdw(long a, long b) {
        return narrowSigned32(a) | narrowSigned32(b) << 32;
    }

    public static long packusdw(long a, long b) {
        return narrowUnsigned32(a) | narrowUnsigned32(b) << 32;
    }

    // Interleave the low or the high 32 bits.

    /** The four low bytes, each moved to the low byte of a word. */
    private static long bytesToWords(long a) {
        long words = a & 0xffff | (a & 0xffff0000L) << 16;
        return words & 0x000000ff000000ffL | (words & 0x0000ff000000ff00L) << 8;
    }

    private static long wordsToDoublewords(long a) {
        return a & 0xffff | (a & 0xffff0000L) << 16;
    }

    public static long punpcklbw(long a, long b) {
        return bytesToWords(a) | bytesToWords(b) << 8;
    }

    public static long punpckhbw(long a, long b) {
        return punpcklbw(a >>> 32, b >>> 32);
    }

    public static long punpcklwd(long a, long b) {
        return wordsToDoublewords(a) | wordsToDoublewords(b) << 16;
    }

    public static long punpckhwd(long a, long b) {
        return punpcklwd(a >>> 32, b >>> 32);
    }

    public static long punpckldq(long a, long b) {
        return a & M32 | b << 32;
    }

    public static long punpckhdq(long a, long b) {
        return a >>> 32 | b & ~M32;
    }

    // Horizontal: sums of a's neighbours become the low half of the result, b's the high half.

    private static long evenWords(long a, long b) {
        return a & M16 | a >>> 16 & 0xffff0000L | (b & M16) << 32 | (b >>> 16 & 0xffff0000L) << 32;
    }

    private static long oddWords(long a, long b) {
        return evenWords(a >>> 16, b >>> 16);
    }

    public static long phaddw(long a, long b) {
        return paddw(evenWords(a, b), oddWords(a, b));
    }

    public static long phaddsw(long a, long b) {
        return paddsw(evenWords(a, b), oddWords(a, b));
    }

    public static long phsubw(long a, long b) {
        return psubw(evenWords(a, b), oddWords(a, b));
    }

    public static long phsubsw(long a, long b) {
        return psubsw(evenWords(a, b), oddWords(a, b));
    }

    public static long phaddd(long a, long b) {
        return paddd(punpckldq(a, b), punpckhdq(a, b));
    }

    public static long phsubd(long a, long b) {
        return psubd(punpckldq(a, b), punpckhdq(a, b));
    }

    // Shuffles of 64 bits.

    /**
     * Words of b in the order that imm gives, two bits each; also pshuflw and pshufhw of one half.
     */
    public static long pshufw(long b, int imm) {
        return b >>> 16 * (imm & 3) & M16
                | (b >>> 16 * (imm >>> 2 & 3) & M16) << 16
                | (b >>> 16 * (imm >>> 4 & 3) & M16) << 32
                | (b >>> 16 * (imm >>> 6 & 3) & M16) << 48;
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

    /** MMX form: the 64 bits that begin at byte imm of a:b. */
    public static long palignr(long a, long b, int imm) {
        int bits = 8 * (imm & 0xff);
        if (bits == 0) {
            return b;
        }
        return bits < 64 ? b >>> bits | a << 64 - bits : bits < 128 ? a >>> bits - 64 : 0;
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
        // The multiplication gathers bit 8i+7, moved to 8i, at bit 56+i; no two terms meet.
        return (int) ((b >>> 7 & L8) * 0x0102040810204080L >>> 56);
    }

    /**
     * Bytes to store of MASKMOVQ and MASKMOVDQU: all ones in each byte whose mask byte has its top
     * bit set.
     */
    public static long maskmovBytes(long mask) {
        return spread8(mask & H8);
    }
}

package org.xenolith.cpu.semantics.simd;

/**
 * Packed integer operations on 64 bits: a whole MMX register, or half of an XMM register where
 * lanes do not cross the halves. {@code a} is the destination, {@code b} the source. Most work on
 * all lanes at once in one long: the lanes' sign bits are kept apart so that no carry runs into the
 * next lane.
 *
 * <p>Translated code calls these, too. Methods of at most 35 bytes of bytecode are always inlined
 * there; the fewer they call in turn, the later C2 finds a unit too large to inline more.
 */
public final class PackedInteger {
    /** The sign bit of each lane; {@code H >>> width - 1} is the lowest bit of each lane. */
    private static final long H8 = 0x8080808080808080L,
            H16 = 0x8000800080008000L,
            H32 = 0x8000000080000000L;

    private static final long L8 = H8 >>> 7, L16 = H16 >>> 15, L32 = H32 >>> 31;
    private static final long M8 = 0xff, M16 = 0xffff, M32 = 0xffffffffL;

    /** The even bytes and the even words: 0, 2... */
    private static final long EVEN8 = L16 * M8, EVEN16 = L32 * M16;

    private PackedInteger() {}

    // Lane arithmetic for any width, given the mask h of sign bits.

    private static long add(long a, long b, long h) {
        return (a & ~h) + (b & ~h) ^ (a ^ b) & h;
    }

    private static long sub(long a, long b, long h) {
        return (a | h) - (b & ~h) ^ (a ^ ~b) & h;
    }

    /**
     * Sign bits of the lanes where {@code a < b} unsigned: where {@code ~a + b} carries. Half of
     * that sum, which is what both have and half of what one has, fits the lane and has the carry
     * as its sign bit.
     */
    private static long below(long a, long b, long h) {
        return (~a & b) + (~((a ^ b) >>> 1) & ~h) & h;
    }

    /** Sign bits of the lanes where {@code a < b} signed: as unsigned, unless the signs differ. */
    private static long less(long a, long b, long h) {
        return ((~a & b) + (~((a ^ b) >>> 1) & ~h) ^ a ^ b) & h;
    }

    /** Sign bits of the lanes that are zero: 0x7f... added to any other sets it, or it is set. */
    private static long zero(long a, long h) {
        return ~((a & ~h) + ~h | a) & h;
    }

    /** Sign bits to whole lanes: 0x100 less 1 is 0xff. */
    private static long spread8(long signs) {
        return (signs << 1) - (signs >>> 7);
    }

    private static long spread16(long signs) {
        return (signs << 1) - (signs >>> 15);
    }

    private static long spread32(long signs) {
        return (signs << 1) - (signs >>> 31);
    }

    private static long select(long mask, long ifSet, long ifClear) {
        return (ifSet ^ ifClear) & mask ^ ifClear;
    }

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

    // Shifts; the count is the whole 64-bit source, or the immediate.

    public static long psllw(long a, long count) {
        return (count & ~15) != 0 ? 0 : (a & L16 * (M16 >>> count)) << count;
    }

    public static long pslld(long a, long count) {
        return (count & ~31) != 0 ? 0 : (a & L32 * (M32 >>> count)) << count;
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

    /** The count, or {@code most}, which is all ones, if that is less. */
    private static int atMost(int most, long count) {
        return (count & ~most) != 0 ? most : (int) count;
    }

    public static long psraw(long a, long count) {
        return signedShift16(a, a & H16, atMost(15, count));
    }

    /** The lanes moved, and all bits from where their sign bits now are up to where they were. */
    private static long signedShift16(long a, long signs, int count) {
        return a >>> count & L16 * (M16 >>> count) | (signs << 1) - (signs >>> count);
    }

    public static long psrad(long a, long count) {
        int least = atMost(31, count);
        return a >> least & ~M32 | (int) a >> least & M32;
    }

    // Multiply.

    // A method named after two lanes computes those in the low 32 bits.

    private static long twoProducts(long a, long b) {
        return a * b & M16 | ((a >>> 16) * (b >>> 16) & M16) << 16;
    }

    public static long pmullw(long a, long b) {
        return twoProducts(a, b) | twoProducts(a >>> 32, b >>> 32) << 32;
    }

    /** The upper half of the upper product is where it belongs. */
    private static long twoSignedHighs(int a, int b) {
        return ((a >> 16) * (b >> 16) & ~0xffff | (short) a * (short) b >>> 16) & M32;
    }

    public static long pmulhw(long a, long b) {
        return twoSignedHighs((int) a, (int) b)
                | twoSignedHighs((int) (a >>> 32), (int) (b >>> 32)) << 32;
    }

    private static long twoUnsignedHighs(int a, int b) {
        return ((a >>> 16) * (b >>> 16) & ~0xffff | (a & 0xffff) * (b & 0xffff) >>> 16) & M32;
    }

    public static long pmulhuw(long a, long b) {
        return twoUnsignedHighs((int) a, (int) b)
                | twoUnsignedHighs((int) (a >>> 32), (int) (b >>> 32)) << 32;
    }

    /** Upper half of the product, rounded: SDM vol. 2, PMULHRSW. */
    private static long roundedHigh(int a, int b) {
        return (a * b >> 14) + 1 >> 1 & M16;
    }

    private static long twoRoundedHighs(int a, int b) {
        return roundedHigh((short) a, (short) b) | roundedHigh(a >> 16, b >> 16) << 16;
    }

    public static long pmulhrsw(long a, long b) {
        return twoRoundedHighs((int) a, (int) b)
                | twoRoundedHighs((int) (a >>> 32), (int) (b >>> 32)) << 32;
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

    private static int sumOfTwoProducts(int a, int b) {
        return (short) a * (short) b + (a >> 16) * (b >> 16);
    }

    public static long pmaddwd(long a, long b) {
        return sumOfTwoProducts((int) a, (int) b) & M32
                | (long) sumOfTwoProducts((int) (a >>> 32), (int) (b >>> 32)) << 32;
    }

    /** Unsigned bytes of a times signed bytes of b, two of each, added with signed saturation. */
    private static long mixedProducts(int a, int b) {
        return saturate16((a & 0xff) * (byte) b + (a >>> 8 & 0xff) * (byte) (b >>> 8)) & M16;
    }

    private static long twoMixedProducts(int a, int b) {
        return mixedProducts(a, b) | mixedProducts(a >>> 16, b >>> 16) << 16;
    }

    public static long pmaddubsw(long a, long b) {
        return twoMixedProducts((int) a, (int) b)
                | twoMixedProducts((int) (a >>> 32), (int) (b >>> 32)) << 32;
    }

    /** The larger less the smaller: both exchanged where a is below b. */
    private static long distances8(long a, long b) {
        long exchanged = (a ^ b) & spread8(below(a, b, H8));
        return (a ^ exchanged) - (b ^ exchanged);
    }

    /** Four words of two distances each; the multiplication adds them up in the highest. */
    public static long psadbw(long a, long b) {
        long distances = distances8(a, b);
        return ((distances & EVEN8) + (distances >>> 8 & EVEN8)) * L16 >>> 48;
    }

    // Pack: a's lanes become the low half of the result, b's the high half. Words are taken apart
    // into their lower and their higher bytes, of a and b by turns.

    private static long lowerBytes(long a, long b) {
        return a & EVEN8 | (b & EVEN8) << 8;
    }

    private static long higherBytes(long a, long b) {
        return a >>> 8 & EVEN8 | b & ~EVEN8;
    }

    /** Exchanges the bits under the mask with those that are so much higher. */
    private static long exchange(long a, long mask, int distance) {
        long differing = (a ^ a >>> distance) & mask;
        return a ^ differing ^ differing << distance;
    }

    /** The even bytes, then the odd ones. */
    private static long unzip8(long a) {
        return exchange(exchange(a, L32 * 0xff00, 8), M16 << 16, 16);
    }

    /** 0x7f or 0x80, as the sign is. */
    private static long extreme8(long signs) {
        return ~H8 + (signs >>> 7 & L8);
    }

    /** In range if the higher byte has nothing but the sign of the lower. */
    private static long saturateSigned8(long lower, long higher) {
        long inRange = spread8(zero(higher ^ spread8(lower & H8), H8));
        return select(inRange, lower, extreme8(higher));
    }

    /** All ones if the higher byte is not zero, but zero if it is negative. */
    private static long saturateUnsigned8(long lower, long higher) {
        return (lower | spread8((higher & ~H8) + ~H8 & H8)) & ~spread8(higher & H8);
    }

    public static long packsswb(long a, long b) {
        return unzip8(saturateSigned8(lowerBytes(a, b), higherBytes(a, b)));
    }

    public static long packuswb(long a, long b) {
        return unzip8(saturateUnsigned8(lowerBytes(a, b), higherBytes(a, b)));
    }

    private static int saturate16(int value) {
        return Math.max(Math.min(value, Short.MAX_VALUE), Short.MIN_VALUE);
    }

    private static int saturateUnsigned16(int value) {
        return Math.max(Math.min(value, 0xffff), 0);
    }

    private static long narrowSigned32(long a) {
        return saturate16((int) a) & M16 | (saturate16((int) (a >>> 32)) & M16) << 16;
    }

    private static long narrowUnsigned32(long a) {
        return saturateUnsigned16((int) a) | (long) saturateUnsigned16((int) (a >>> 32)) << 16;
    }

    public static long packssdw(long a, long b) {
        return narrowSigned32(a) | narrowSigned32(b) << 32;
    }

    public static long packusdw(long a, long b) {
        return narrowUnsigned32(a) | narrowUnsigned32(b) << 32;
    }

    // Interleave the low or the high 32 bits.

    /** The four low bytes, each moved to the low byte of a word; nothing is above them. */
    private static long bytesToWords(long a) {
        long words = (a | a << 16) & EVEN16;
        return (words | words << 8) & EVEN8;
    }

    private static long wordsToDoublewords(long a) {
        return (a | a << 16) & EVEN16;
    }

    public static long punpcklbw(long a, long b) {
        return bytesToWords(a & M32) | bytesToWords(b & M32) << 8;
    }

    public static long punpckhbw(long a, long b) {
        return bytesToWords(a >>> 32) | bytesToWords(b >>> 32) << 8;
    }

    public static long punpcklwd(long a, long b) {
        return wordsToDoublewords(a & M32) | wordsToDoublewords(b & M32) << 16;
    }

    public static long punpckhwd(long a, long b) {
        return wordsToDoublewords(a >>> 32) | wordsToDoublewords(b >>> 32) << 16;
    }

    public static long punpckldq(long a, long b) {
        return a & M32 | b << 32;
    }

    public static long punpckhdq(long a, long b) {
        return a >>> 32 | b & ~M32;
    }

    // Horizontal: sums of a's neighbours become the low half of the result, b's the high half.

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

package org.xenolith.cpu.semantics.simd;

import static org.xenolith.cpu.semantics.simd.Lanes.pair;
import static org.xenolith.cpu.semantics.simd.Lanes.upper;

/**
 * SHA-1 instructions, a half of the result each: SDM vol. 2, SHA1RNDS4 and the like; FIPS 180-4.
 * The words of a vector are numbered from the upper end: A and W0 are bits 127 to 96.
 */
public final class Sha1 {
    private Sha1() {}

    /** What a round adds, E and the word of the message apart. Functions and constants by kind. */
    private static int round(int a, int b, int c, int d, int kind) {
        return Integer.rotateLeft(a, 5)
                + switch (kind & 3) {
                    case 0 -> (d ^ b & (c ^ d)) + 0x5a827999;
                    case 1 -> (b ^ c ^ d) + 0x6ed9eba1;
                    case 2 -> (b & c | d & (b | c)) + 0x8f1bbcdc;
                    default -> (b ^ c ^ d) + 0xca62c1d6;
                };
    }

    /** C and D after four rounds: what two of them have made of A. E is in the first word of b. */
    public static long sha1rnds4Low(
            long aLow, long aHigh, long bLow, long bHigh, long unused, int kind) {
        int a = upper(aHigh), b = (int) aHigh, c = upper(aLow), d = (int) aLow;
        int first = round(a, b, c, d, kind) + upper(bHigh);
        int second = round(first, a, Integer.rotateLeft(b, 30), c, kind) + (int) bHigh + d;
        return pair(Integer.rotateLeft(second, 30), Integer.rotateLeft(first, 30));
    }

    /**
     * A and B after four rounds.
     *
     * @param low what {@link #sha1rnds4Low} gives
     */
    public static long sha1rnds4High(
            long aLow, long aHigh, long bLow, long bHigh, long low, int kind) {
        int first = Integer.rotateLeft((int) low, 2), second = Integer.rotateLeft(upper(low), 2);
        int a = upper(aHigh), b = Integer.rotateLeft((int) aHigh, 30), c = upper(aLow);
        int rotated = Integer.rotateLeft(a, 30);
        int third = round(second, first, rotated, b, kind) + upper(bLow) + c;
        int fourth = round(third, second, (int) low, rotated, kind) + (int) bLow + b;
        return pair(fourth, third);
    }

    /** The upper half; the lower is b's. */
    public static long sha1nexte(long aHigh, long bHigh) {
        return bHigh + ((long) Integer.rotateLeft(upper(aHigh), 30) << 32);
    }

    public static long sha1msg2High(long aLow, long aHigh, long bLow, long bHigh, int imm) {
        return pair(word16(aHigh, bHigh), Integer.rotateLeft((int) aHigh ^ upper(bLow), 1));
    }

    public static long sha1msg2Low(long aLow, long aHigh, long bLow, long bHigh, int imm) {
        return pair(
                Integer.rotateLeft(upper(aLow) ^ (int) bLow, 1),
                Integer.rotateLeft((int) aLow ^ word16(aHigh, bHigh), 1));
    }

    private static int word16(long aHigh, long bHigh) {
        return Integer.rotateLeft(upper(aHigh) ^ (int) bHigh, 1);
    }
}

package org.xenolith.cpu.semantics.simd;

import static org.xenolith.cpu.semantics.simd.Lanes.pair;
import static org.xenolith.cpu.semantics.simd.Lanes.upper;

/**
 * SHA-256 instructions, a half of the result each: SDM vol. 2, SHA256RNDS2 and the like; FIPS
 * 180-4.
 */
public final class Sha256 {
    private Sha256() {}

    // FIPS 180-4, 4.1.2.

    private static int majority(int a, int b, int c) {
        return a & b | c & (a | b);
    }

    private static int bigSigma0(int a) {
        return Integer.rotateRight(a, 2) ^ Integer.rotateRight(a, 13) ^ Integer.rotateRight(a, 22);
    }

    private static int bigSigma1(int e) {
        return Integer.rotateRight(e, 6) ^ Integer.rotateRight(e, 11) ^ Integer.rotateRight(e, 25);
    }

    private static int sigma0(int w) {
        return Integer.rotateRight(w, 7) ^ Integer.rotateRight(w, 18) ^ w >>> 3;
    }

    private static int sigma1(int w) {
        return Integer.rotateRight(w, 17) ^ Integer.rotateRight(w, 19) ^ w >>> 10;
    }

    /** T1 of the standard without H. */
    private static int round(int e, int f, int g, int word) {
        return bigSigma1(e) + (g ^ e & (f ^ g)) + word;
    }

    /**
     * E and F after two rounds. C, D, G and H are in a, A, B, E and F in b.
     *
     * @param words of the message, with the rounds' constants, the first one lower
     */
    public static long sha256rnds2Low(
            long aLow, long aHigh, long bLow, long bHigh, long words, int imm) {
        int e = upper(bLow), f = (int) bLow, g = upper(aLow);
        int first = (int) aHigh + (int) aLow + round(e, f, g, (int) words);
        int second = upper(aHigh) + g + round(first, e, f, upper(words));
        return pair(second, first);
    }

    /**
     * A and B after two rounds.
     *
     * @param low what {@link #sha256rnds2Low} gives: T1 is E less the D before
     */
    public static long sha256rnds2High(
            long aLow, long aHigh, long bLow, long bHigh, long low, int imm) {
        int a = upper(bHigh), b = (int) bHigh, c = upper(aHigh);
        int first = (int) low - (int) aHigh + bigSigma0(a) + majority(a, b, c);
        int second = upper(low) - c + bigSigma0(first) + majority(first, a, b);
        return pair(second, first);
    }

    /**
     * Two words and sigma 0 of their successors.
     *
     * @param next the word behind the two
     */
    private static long plusSigmas(long words, int next) {
        return pair(upper(words) + sigma0(next), (int) words + sigma0(upper(words)));
    }

    public static long sha256msg1Low(long aLow, long aHigh, long bLow, long bHigh, int imm) {
        return plusSigmas(aLow, (int) aHigh);
    }

    public static long sha256msg1High(long aLow, long aHigh, long bLow, long bHigh, int imm) {
        return plusSigmas(aHigh, (int) bLow);
    }

    /**
     * Two words plus sigma 1.
     *
     * @param earlier the words two before them
     */
    private static long plusLaterSigmas(long words, long earlier) {
        return pair(upper(words) + sigma1(upper(earlier)), (int) words + sigma1((int) earlier));
    }

    public static long sha256msg2Low(long aLow, long aHigh, long bLow, long bHigh, int imm) {
        return plusLaterSigmas(aLow, bHigh);
    }

    public static long sha256msg2High(long aLow, long aHigh, long bLow, long bHigh, int imm) {
        return plusLaterSigmas(aHigh, plusLaterSigmas(aLow, bHigh));
    }
}

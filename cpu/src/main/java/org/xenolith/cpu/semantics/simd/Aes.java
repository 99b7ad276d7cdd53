package org.xenolith.cpu.semantics.simd;

import static org.xenolith.cpu.semantics.simd.Lanes.M32;

/**
 * AES instructions: FIPS 197; SDM vol. 2, AESENC and the like. A state is two longs of two columns
 * each, byte 0 lowest. Seen from its upper half it looks the same as from its lower, hence one
 * method for both.
 *
 * <p>A round is lookups in tables that join SubBytes with MixColumns. How long they take depends on
 * key and data, by way of the host's caches: other programs of the host may learn from that.
 */
public final class Aes {
    /** x^8 + x^4 + x^3 + x + 1, FIPS 197, 4.2. */
    private static final int POLYNOMIAL = 0x11b;

    private static final int[] SUBSTITUTED = new int[256];
    private static final int[] RESTORED = new int[256];

    /** What a byte of row 0 to 3 adds to the column that it comes to: a round, and its reverse. */
    private static final int[] ROW_0 = new int[256],
            ROW_1 = new int[256],
            ROW_2 = new int[256],
            ROW_3 = new int[256],
            BACK_0 = new int[256],
            BACK_1 = new int[256],
            BACK_2 = new int[256],
            BACK_3 = new int[256];

    static {
        fillSubstitutions();
        for (int i = 0; i < 256; i++) {
            int s = SUBSTITUTED[i];
            int column = times(s, 3) << 24 | s << 16 | s << 8 | times(s, 2);
            ROW_0[i] = column;
            ROW_1[i] = Integer.rotateLeft(column, 8);
            ROW_2[i] = Integer.rotateLeft(column, 16);
            ROW_3[i] = Integer.rotateLeft(column, 24);
            int r = RESTORED[i];
            int back = times(r, 11) << 24 | times(r, 13) << 16 | times(r, 9) << 8 | times(r, 14);
            BACK_0[i] = back;
            BACK_1[i] = Integer.rotateLeft(back, 8);
            BACK_2[i] = Integer.rotateLeft(back, 16);
            BACK_3[i] = Integer.rotateLeft(back, 24);
        }
    }

    private Aes() {}

    /** SubBytes: the inverse in the field, transformed. 3 generates the field. FIPS 197, 5.1.1. */
    private static void fillSubstitutions() {
        int element = 1;
        int inverse = 1;
        do {
            element = times(element, 3);
            inverse = times(inverse, 0xf6); // 3 * 0xf6 is 1
            int spread = inverse * 0x101;
            int s = inverse ^ spread >>> 4 ^ spread >>> 5 ^ spread >>> 6 ^ spread >>> 7;
            SUBSTITUTED[element] = s & 0xff ^ 0x63;
        } while (element != 1);
        SUBSTITUTED[0] = 0x63;
        for (int i = 0; i < 256; i++) {
            RESTORED[SUBSTITUTED[i]] = i;
        }
    }

    /** Product in the field. */
    private static int times(int a, int b) {
        int product = 0;
        for (int bit = 7; bit >= 0; bit--) {
            product = product << 1 ^ (product >>> 7) * POLYNOMIAL ^ (b >>> bit & 1) * a;
        }
        return product;
    }

    private static long columns(int first, int second) {
        return first & M32 | (long) second << 32;
    }

    /**
     * A round without its key: half of the state behind ShiftRows, SubBytes and MixColumns.
     *
     * @param x the same half before
     * @param y the other half before
     */
    public static long encrypted(long x, long y) {
        return columns(
                ROW_0[(int) x & 0xff]
                        ^ ROW_1[(int) (x >>> 40) & 0xff]
                        ^ ROW_2[(int) y >>> 16 & 0xff]
                        ^ ROW_3[(int) (y >>> 56)],
                ROW_0[(int) (x >>> 32) & 0xff]
                        ^ ROW_1[(int) y >>> 8 & 0xff]
                        ^ ROW_2[(int) (y >>> 48) & 0xff]
                        ^ ROW_3[(int) x >>> 24]);
    }

    /** As {@link #encrypted}, the last round: without MixColumns. */
    public static long encryptedLast(long x, long y) {
        return columns(
                SUBSTITUTED[(int) x & 0xff]
                        | SUBSTITUTED[(int) (x >>> 40) & 0xff] << 8
                        | SUBSTITUTED[(int) y >>> 16 & 0xff] << 16
                        | SUBSTITUTED[(int) (y >>> 56)] << 24,
                SUBSTITUTED[(int) (x >>> 32) & 0xff]
                        | SUBSTITUTED[(int) y >>> 8 & 0xff] << 8
                        | SUBSTITUTED[(int) (y >>> 48) & 0xff] << 16
                        | SUBSTITUTED[(int) x >>> 24] << 24);
    }

    /** As {@link #encrypted}, backwards: InvShiftRows, InvSubBytes, InvMixColumns. */
    public static long decrypted(long x, long y) {
        return columns(
                BACK_0[(int) x & 0xff]
                        ^ BACK_1[(int) (y >>> 40) & 0xff]
                        ^ BACK_2[(int) y >>> 16 & 0xff]
                        ^ BACK_3[(int) (x >>> 56)],
                BACK_0[(int) (x >>> 32) & 0xff]
                        ^ BACK_1[(int) x >>> 8 & 0xff]
                        ^ BACK_2[(int) (y >>> 48) & 0xff]
                        ^ BACK_3[(int) y >>> 24]);
    }

    /** As {@link #decrypted}, the last round: without InvMixColumns. */
    public static long decryptedLast(long x, long y) {
        return columns(
                RESTORED[(int) x & 0xff]
                        | RESTORED[(int) (y >>> 40) & 0xff] << 8
                        | RESTORED[(int) y >>> 16 & 0xff] << 16
                        | RESTORED[(int) (x >>> 56)] << 24,
                RESTORED[(int) (x >>> 32) & 0xff]
                        | RESTORED[(int) x >>> 8 & 0xff] << 8
                        | RESTORED[(int) (y >>> 48) & 0xff] << 16
                        | RESTORED[(int) y >>> 24] << 24);
    }

    /** InvMixColumns of one half, for the keys of decryption. */
    public static long aesimc(long b) {
        return columns(mixedBack((int) b), mixedBack((int) (b >>> 32)));
    }

    private static int mixedBack(int column) {
        return BACK_0[SUBSTITUTED[column & 0xff]]
                ^ BACK_1[SUBSTITUTED[column >>> 8 & 0xff]]
                ^ BACK_2[SUBSTITUTED[column >>> 16 & 0xff]]
                ^ BACK_3[SUBSTITUTED[column >>> 24]];
    }

    /**
     * One half of AESKEYGENASSIST: SubWord of the half's upper word, and that rotated.
     *
     * @param roundConstant the immediate
     */
    public static long aeskeygenassist(long b, int roundConstant) {
        int word = (int) (b >>> 32);
        int substituted =
                SUBSTITUTED[word & 0xff]
                        | SUBSTITUTED[word >>> 8 & 0xff] << 8
                        | SUBSTITUTED[word >>> 16 & 0xff] << 16
                        | SUBSTITUTED[word >>> 24] << 24;
        return columns(substituted, Integer.rotateRight(substituted, 8) ^ roundConstant);
    }
}

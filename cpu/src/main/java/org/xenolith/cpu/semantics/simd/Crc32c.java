package org.xenolith.cpu.semantics.simd;

/** The CRC32 instruction: polynomial 0x11EDC6F41, bits reflected. */
public final class Crc32c {
    private static final int REFLECTED_POLYNOMIAL = 0x82f63b78;
    private static final int[] TABLE = new int[256];

    static {
        for (int i = 0; i < 256; i++) {
            int crc = i;
            for (int bit = 0; bit < 8; bit++) {
                crc = crc >>> 1 ^ (REFLECTED_POLYNOMIAL & -(crc & 1));
            }
            TABLE[i] = crc;
        }
    }

    private Crc32c() {}

    /**
     * @param crc only its low 32 bits count
     * @param bytes width of value: 1, 2, 4 or 8
     * @return 32 bits, zero-extended
     */
    public static long crc32(long crc, long value, int bytes) {
        int result = (int) crc;
        for (int i = 0; i < bytes; i++) {
            result = result >>> 8 ^ TABLE[(result ^ (int) (value >>> 8 * i)) & 0xff];
        }
        return result & 0xffffffffL;
    }
}

package org.xenolith.devices.net;

import io.netty.buffer.ByteBuf;

/**
 * The sum that IP, TCP and UDP are protected with: 16-bit words in one's complement.
 *
 * <p>A sum is a {@code long} that carries accumulate in; {@link #finish} folds it.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc1071">RFC 1071</a>
 */
final class InternetChecksum {
    private static final long LOW_WORD = 0xffff_ffffL;

    private InternetChecksum() {}

    /**
     * Adds bytes to a sum. All but the last range of a sum have even length.
     *
     * @param length at most 2 GiB, so that the carries fit
     */
    static long add(long sum, ByteBuf bytes, int index, int length) {
        int end = index + length;
        int at = index;
        long total = sum;
        // RFC 1071, 2 (A) and (B): words of any width give the same sum, folded later.
        for (; at + Long.BYTES <= end; at += Long.BYTES) {
            long words = bytes.getLong(at);
            total += (words >>> 32) + (words & LOW_WORD);
        }
        for (; at + Short.BYTES <= end; at += Short.BYTES) {
            total += bytes.getUnsignedShort(at);
        }
        if (at < end) {
            total += bytes.getUnsignedByte(at) << 8;
        }
        return total;
    }

    /** The checksum of what was summed, 16 bits. */
    static int finish(long sum) {
        long folded = sum;
        while (folded >>> 16 != 0) {
            folded = (folded >>> 16) + (folded & 0xffff);
        }
        return (int) ~folded & 0xffff;
    }
}

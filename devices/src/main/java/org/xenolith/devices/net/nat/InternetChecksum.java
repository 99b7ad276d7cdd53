package org.xenolith.devices.net.nat;

import io.netty.buffer.ByteBuf;

/** The one's complement sum of IP, ICMP, UDP and TCP. RFC 1071. */
final class InternetChecksum {
    private InternetChecksum() {}

    /**
     * Sum of the bytes as big-endian 16-bit words, an odd last byte padded with zero.
     *
     * @param start sum of what came before, an even number of bytes
     */
    static long sum(ByteBuf bytes, int offset, int length, long start) {
        long sum = start;
        int at = offset;
        int end = offset + length;
        for (; at + 4 <= end; at += 4) {
            sum += bytes.getUnsignedInt(at);
        }
        if (at + 2 <= end) {
            sum += bytes.getUnsignedShort(at);
            at += 2;
        }
        if (at < end) {
            sum += bytes.getUnsignedByte(at) << 8;
        }
        return sum;
    }

    /** The sum brought down to 16 bits, not complemented: what a pending checksum field holds. */
    static int fold(long sum) {
        long folded = (sum >>> 32) + (sum & 0xffffffffL);
        folded = (folded >>> 16) + (folded & 0xffff);
        folded = (folded >>> 16) + (folded & 0xffff);
        return (int) ((folded >>> 16) + (folded & 0xffff));
    }

    /** The checksum field's value; 0 over bytes that contain a right one. */
    static int of(ByteBuf bytes, int offset, int length, long start) {
        return ~fold(sum(bytes, offset, length, start)) & 0xffff;
    }

    /** Sum of the pseudo header of TCP and UDP over IPv4. RFC 9293, 3.1. */
    static long pseudoHeader(int source, int destination, int protocol, int lengthBytes) {
        return Integer.toUnsignedLong(source)
                + Integer.toUnsignedLong(destination)
                + protocol
                + lengthBytes;
    }
}

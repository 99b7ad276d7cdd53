package org.xenolith.devices.net;

import io.netty.buffer.ByteBuf;

/**
 * Where the headers of a TCP or UDP packet lie in an Ethernet frame. Every length in it was checked
 * against the frame, whatever its sender wrote.
 *
 * @param v6 whether the packet is IPv6
 * @param ip index of the IP header, relative to the frame
 * @param transport index of the TCP or UDP header
 * @param protocol {@link #TCP} or {@link #UDP}
 * @param payload index of the first byte behind the TCP or UDP header
 * @param end index behind the packet; bytes that follow are padding of the link
 */
public record Packet(boolean v6, int ip, int transport, int protocol, int payload, int end) {
    public static final int TCP = 6;
    public static final int UDP = 17;

    // Of the IPv4 header, RFC 791, 3.1.
    static final int IPV4_TOTAL_LENGTH = 2, IPV4_IDENTIFICATION = 4, IPV4_CHECKSUM = 10;
    private static final int IPV4_FRAGMENT = 6, IPV4_PROTOCOL = 9, IPV4_SOURCE = 12;
    private static final int IPV4_HEADER_BYTES = 20;
    private static final int IPV4_FRAGMENT_BITS = 0x3fff; // more fragments, offset

    // Of the IPv6 header, RFC 8200, 3.
    static final int IPV6_PAYLOAD_LENGTH = 4;
    static final int IPV6_HEADER_BYTES = 40;
    private static final int IPV6_NEXT_HEADER = 6, IPV6_SOURCE = 8;
    private static final int HOP_BY_HOP = 0, DESTINATION_OPTIONS = 60; // RFC 8200, 4

    // Of the TCP header, RFC 9293, 3.1, and the UDP header, RFC 768.
    static final int TCP_SEQUENCE = 4, TCP_DATA_OFFSET = 12, TCP_FLAGS = 13, TCP_CHECKSUM = 16;
    private static final int TCP_HEADER_BYTES = 20;
    static final int UDP_LENGTH = 4, UDP_CHECKSUM = 6;
    private static final int UDP_HEADER_BYTES = 8;

    private static final int ETHER_TYPE = 12;
    private static final int VLAN_TAG_BYTES = 4, MAX_VLAN_TAGS = 2;
    private static final int C_VLAN = 0x8100, S_VLAN = 0x88a8, IPV4 = 0x0800, IPV6 = 0x86dd;

    /**
     * @param frame its reader index is the frame's first byte
     * @return null if this is no complete, unfragmented TCP or UDP packet, or has headers that this
     *     class does not know how to pass (routing, security)
     */
    public static Packet in(ByteBuf frame) {
        int start = frame.readerIndex();
        int length = frame.readableBytes();
        int at = ETHER_TYPE;
        for (int tags = 0; at + Short.BYTES <= length; tags++, at += VLAN_TAG_BYTES) {
            int type = frame.getUnsignedShort(start + at);
            if (type == IPV4) {
                return ipv4(frame, start, at + Short.BYTES, length);
            }
            if (type == IPV6) {
                return ipv6(frame, start, at + Short.BYTES, length);
            }
            if (type != C_VLAN && type != S_VLAN || tags == MAX_VLAN_TAGS) {
                return null;
            }
        }
        return null;
    }

    private static Packet ipv4(ByteBuf frame, int start, int ip, int length) {
        if (ip + IPV4_HEADER_BYTES > length) {
            return null;
        }
        int first = frame.getUnsignedByte(start + ip);
        int headerBytes = (first & 0xf) * 4;
        int totalLength = frame.getUnsignedShort(start + ip + IPV4_TOTAL_LENGTH);
        int fragment = frame.getUnsignedShort(start + ip + IPV4_FRAGMENT) & IPV4_FRAGMENT_BITS;
        if (first >> 4 != 4
                || headerBytes < IPV4_HEADER_BYTES
                || totalLength < headerBytes
                || ip + totalLength > length
                || fragment != 0) {
            return null;
        }
        int protocol = frame.getUnsignedByte(start + ip + IPV4_PROTOCOL);
        return transport(frame, start, false, ip, ip + headerBytes, protocol, ip + totalLength);
    }

    private static Packet ipv6(ByteBuf frame, int start, int ip, int length) {
        if (ip + IPV6_HEADER_BYTES > length || frame.getUnsignedByte(start + ip) >> 4 != 6) {
            return null;
        }
        int end = ip + IPV6_HEADER_BYTES + frame.getUnsignedShort(start + ip + IPV6_PAYLOAD_LENGTH);
        if (end > length) {
            return null;
        }
        int next = frame.getUnsignedByte(start + ip + IPV6_NEXT_HEADER);
        int at = ip + IPV6_HEADER_BYTES;
        // Each turn passes 8 bytes or more of the packet.
        while (next == HOP_BY_HOP || next == DESTINATION_OPTIONS) {
            if (at + 2 > end) {
                return null;
            }
            next = frame.getUnsignedByte(start + at);
            at += (frame.getUnsignedByte(start + at + 1) + 1) * 8;
        }
        return transport(frame, start, true, ip, at, next, end);
    }

    private static Packet transport(
            ByteBuf frame, int start, boolean v6, int ip, int at, int protocol, int end) {
        if (protocol == TCP && at + TCP_HEADER_BYTES <= end) {
            int headerBytes = (frame.getUnsignedByte(start + at + TCP_DATA_OFFSET) >> 4) * 4;
            return headerBytes < TCP_HEADER_BYTES || at + headerBytes > end
                    ? null
                    : new Packet(v6, ip, at, TCP, at + headerBytes, end);
        }
        if (protocol == UDP && at + UDP_HEADER_BYTES <= end) {
            int udpLength = frame.getUnsignedShort(start + at + UDP_LENGTH);
            return udpLength < UDP_HEADER_BYTES || at + udpLength > end
                    ? null
                    : new Packet(v6, ip, at, UDP, at + UDP_HEADER_BYTES, at + udpLength);
        }
        return null;
    }

    /** Index of the TCP or UDP checksum, relative to the frame. */
    public int checksum() {
        return transport + (protocol == TCP ? TCP_CHECKSUM : UDP_CHECKSUM);
    }

    /** Computes the TCP or UDP checksum, whatever the field holds, and writes it. */
    void writeTransportChecksum(ByteBuf frame) {
        int start = frame.readerIndex();
        int length = end - transport;
        int field = start + checksum();
        frame.setShort(field, 0);
        int checksum =
                InternetChecksum.finish(
                        InternetChecksum.add(
                                pseudoHeader(frame), frame, start + transport, length));
        // RFC 768: a UDP checksum of zero would mean that there is none.
        frame.setShort(field, protocol == UDP && checksum == 0 ? 0xffff : checksum);
    }

    /** Whether the TCP or UDP checksum, and with IPv4 that of the header, are what they must be. */
    boolean checksumsAreRight(ByteBuf frame) {
        int start = frame.readerIndex();
        long sum =
                InternetChecksum.add(
                        pseudoHeader(frame), frame, start + transport, end - transport);
        return InternetChecksum.finish(sum) == 0
                && (v6
                        || InternetChecksum.finish(
                                        InternetChecksum.add(0, frame, start + ip, transport - ip))
                                == 0);
    }

    /** The same packet with a payload of another length. */
    Packet endingAt(int newEnd) {
        return new Packet(v6, ip, transport, protocol, payload, newEnd);
    }

    /**
     * Makes the headers say how long the packet is now, and leaves the TCP or UDP checksum to
     * others: the field gets what they start from.
     */
    void writeLengthsAndPendingChecksum(ByteBuf frame) {
        int start = frame.readerIndex();
        if (v6) {
            frame.setShort(start + ip + IPV6_PAYLOAD_LENGTH, end - ip - IPV6_HEADER_BYTES);
        } else {
            frame.setShort(start + ip + IPV4_TOTAL_LENGTH, end - ip);
            writeIpv4Checksum(frame);
        }
        int pending = ~InternetChecksum.finish(pseudoHeader(frame)) & 0xffff;
        frame.setShort(start + checksum(), pending);
    }

    /** Sum of both addresses, which stand side by side, protocol and length. */
    private long pseudoHeader(ByteBuf frame) {
        int addresses = frame.readerIndex() + ip + (v6 ? IPV6_SOURCE : IPV4_SOURCE);
        int length = end - transport;
        return InternetChecksum.add(protocol + length, frame, addresses, 2 * (v6 ? 16 : 4));
    }

    void writeIpv4Checksum(ByteBuf frame) {
        int header = frame.readerIndex() + ip;
        int headerBytes = (frame.getUnsignedByte(header) & 0xf) * 4;
        frame.setShort(header + IPV4_CHECKSUM, 0);
        frame.setShort(
                header + IPV4_CHECKSUM,
                InternetChecksum.finish(InternetChecksum.add(0, frame, header, headerBytes)));
    }
}

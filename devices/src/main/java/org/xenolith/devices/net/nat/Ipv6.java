package org.xenolith.devices.net.nat;

import io.netty.buffer.ByteBuf;

/**
 * The IPv6 header, and the guests' network: fd00::/64, with the NAT's own addresses in it. RFC
 * 8200, 3.
 */
final class Ipv6 {
    static final int ETHERTYPE = 0x86dd;
    static final int HEADER_BYTES = 40;
    static final int FRAGMENT = 44, ICMP = 58;

    // Offsets of struct ip6_hdr.
    static final int PAYLOAD_LENGTH = 4, NEXT_HEADER = 6, HOP_LIMIT = 7;
    static final int SOURCE = 8, DESTINATION = 24;

    /** The header of a fragment, and offsets of struct ip6_frag. RFC 8200, 4.5. */
    static final int FRAGMENT_HEADER_BYTES = 8, FRAGMENT_OFFSET = 2, FRAGMENT_ID = 4;

    static final int MORE_FRAGMENTS = 1;

    /** Below it, the offset stands in units of eight bytes. */
    static final int FRAGMENT_OFFSET_SHIFT = 3;

    /** Without the header; larger ones, RFC 2675, are not understood. */
    static final int MAX_PAYLOAD_BYTES = 0xffff;

    static final int DEFAULT_HOP_LIMIT = 64;

    /** Of neighbour discovery: a router on the way would have counted it down. RFC 4861, 6.1. */
    static final int LINK_HOP_LIMIT = 255;

    /** A local prefix, so that a guest prefers IPv4 for the world outside. RFC 6724, 2.1. */
    static final long PREFIX = 0xfd00_0000_0000_0000L;

    static final int PREFIX_BITS = 64;
    static final Ipv6Address GATEWAY = new Ipv6Address(PREFIX, 2);
    static final Ipv6Address DNS = new Ipv6Address(PREFIX, 3);
    static final Ipv6Address ROUTER = Ipv6Address.parse("fe80::2");

    private static final int VERSION_6 = 6 << 28; // no traffic class, no flow label

    private Ipv6() {}

    /** Whether the NAT itself answers at this address. */
    static boolean isOwn(Ipv6Address address) {
        return address.equals(GATEWAY) || address.equals(DNS) || address.equals(ROUTER);
    }

    static boolean isOnLink(Ipv6Address address) {
        return address.high() == PREFIX;
    }

    /** Whether a guest may have this address. */
    static boolean isGuest(Ipv6Address address) {
        return (isOnLink(address) || address.isLinkLocal())
                && address.low() != 0
                && !isOwn(address);
    }

    static void writeHeader(
            ByteBuf packet,
            int at,
            int payloadBytes,
            int nextHeader,
            int hopLimit,
            Ipv6Address source,
            Ipv6Address destination) {
        packet.setInt(at, VERSION_6);
        packet.setShort(at + PAYLOAD_LENGTH, payloadBytes);
        packet.setByte(at + NEXT_HEADER, nextHeader);
        packet.setByte(at + HOP_LIMIT, hopLimit);
        source.writeTo(packet, at + SOURCE);
        destination.writeTo(packet, at + DESTINATION);
    }

    /** Sum of the pseudo header of TCP, UDP and ICMP. RFC 8200, 8.1. */
    static long pseudoHeader(
            Ipv6Address source, Ipv6Address destination, int nextHeader, int lengthBytes) {
        return sum(source) + sum(destination) + nextHeader + lengthBytes;
    }

    private static long sum(Ipv6Address address) {
        return (address.high() >>> 32)
                + (address.high() & 0xffff_ffffL)
                + (address.low() >>> 32)
                + (address.low() & 0xffff_ffffL);
    }
}

package org.xenolith.devices.net.nat;

import io.netty.buffer.ByteBuf;

import org.xenolith.devices.net.EthernetFrame;

/**
 * Broadcasts that ask for what only the NAT has: an address, RFC 2131, and the Ethernet address of
 * the gateway or the name server, RFC 826.
 */
final class OwnQuestions {
    private OwnQuestions() {}

    /**
     * @param frame to all, of which nothing is known yet
     */
    static boolean isOne(ByteBuf frame, Subnet subnet) {
        int at = frame.readerIndex() + EthernetFrame.HEADER_BYTES;
        int bytes = frame.readableBytes() - EthernetFrame.HEADER_BYTES;
        return switch (frame.getUnsignedShort(frame.readerIndex() + Ethernet.ETHERTYPE)) {
            case ArpResponder.ETHERTYPE -> isForOwnAddress(frame, at, bytes, subnet);
            case Ipv4.ETHERTYPE -> isDhcp(frame, at, bytes);
            default -> false;
        };
    }

    private static boolean isForOwnAddress(ByteBuf frame, int at, int bytes, Subnet subnet) {
        return bytes >= ArpResponder.PACKET_BYTES
                && frame.getUnsignedShort(at + ArpResponder.PROTOCOL_TYPE) == Ipv4.ETHERTYPE
                && frame.getUnsignedShort(at + ArpResponder.OPERATION) == ArpResponder.REQUEST
                && subnet.isOwn(frame.getInt(at + ArpResponder.TARGET_IP));
    }

    /** A datagram in one piece, as clients send it: without options of IP. */
    private static boolean isDhcp(ByteBuf frame, int at, int bytes) {
        return bytes >= Ipv4.HEADER_BYTES + UdpFlows.HEADER_BYTES
                && frame.getUnsignedByte(at + Ipv4.VERSION_IHL) == Ipv4.VERSION_4_WITHOUT_OPTIONS
                && frame.getUnsignedByte(at + Ipv4.PROTOCOL) == Ipv4.UDP
                && (frame.getUnsignedShort(at + Ipv4.FRAGMENT) & Ipv4.FRAGMENT_OFFSET_MASK) == 0
                && frame.getInt(at + Ipv4.DESTINATION) == -1
                && frame.getUnsignedShort(at + Ipv4.HEADER_BYTES + UdpFlows.DESTINATION_PORT)
                        == DhcpMessage.SERVER_PORT;
    }
}

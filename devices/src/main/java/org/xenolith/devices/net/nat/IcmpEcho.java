package org.xenolith.devices.net.nat;

import io.netty.buffer.ByteBuf;

/**
 * Answers to ping. Only the NAT's own addresses answer: Java opens no ICMP socket, so an echo to
 * elsewhere is reported as not permitted instead of being lost. RFC 792.
 */
final class IcmpEcho {
    static final int ECHO_REPLY = 0, ECHO_REQUEST = 8;
    static final int HEADER_BYTES = 8;

    private final Ipv4Output output;
    private final Subnet subnet;
    private final IcmpErrors errors;

    IcmpEcho(Ipv4Output output, Subnet subnet, IcmpErrors errors) {
        this.output = output;
        this.subnet = subnet;
        this.errors = errors;
    }

    void receive(Ipv4Packet packet) {
        int at = packet.payloadOffset;
        int length = packet.payloadBytes;
        if (length < HEADER_BYTES
                || packet.bytes.getByte(at) != ECHO_REQUEST
                || InternetChecksum.of(packet.bytes, at, length, 0) != 0) {
            return;
        }
        if (!subnet.isOwn(packet.destination)) {
            errors.unreachable(IcmpErrors.PROHIBITED, packet);
            return;
        }
        ByteBuf reply = output.allocate(length).writeBytes(packet.bytes, at, length);
        int start = Ipv4Output.HEADER_ROOM;
        reply.setByte(start, ECHO_REPLY);
        reply.setShort(start + 2, 0);
        reply.setShort(start + 2, InternetChecksum.of(reply, start, length, 0));
        output.send(packet.destination, packet.source, Ipv4.ICMP, reply);
    }
}

package org.xenolith.devices.net.nat;

import io.netty.buffer.ByteBuf;

/** ICMP over IPv6: answers to ping, as {@link IcmpEcho}, and neighbour discovery. RFC 4443. */
final class Icmpv6 {
    static final int ECHO_REQUEST = 128, ECHO_REPLY = 129;

    // Offsets of struct icmp6_hdr.
    static final int TYPE = 0, CHECKSUM = 2, HEADER_BYTES = 8;

    private final NeighbourDiscovery discovery;
    private final IcmpErrors errors;

    Icmpv6(NeighbourDiscovery discovery, IcmpErrors errors) {
        this.discovery = discovery;
        this.errors = errors;
    }

    /** Takes a message, perhaps one to a group. */
    void receive(Ipv6Packet packet, long sourceMac) {
        if (packet.payloadBytes < HEADER_BYTES || !packet.payloadChecksumIsRight()) {
            return;
        }
        int type = packet.bytes.getUnsignedByte(packet.payloadOffset);
        if (NeighbourDiscovery.isItsType(type)) {
            if (!packet.wasFragment) { // RFC 6980, 5
                discovery.receive(packet, type, sourceMac);
            }
        } else if (type == ECHO_REQUEST && discovery.learn(packet.source, sourceMac)) {
            echo(packet);
        }
    }

    private void echo(Ipv6Packet packet) {
        if (Ipv6.isOwn(packet.destination)) {
            Path back = packet.path();
            ByteBuf reply =
                    back.allocate(packet.payloadBytes)
                            .writeBytes(packet.bytes, packet.payloadOffset, packet.payloadBytes);
            reply.setByte(Ipv6Output.HEADER_ROOM, ECHO_REPLY);
            writeChecksum(reply, packet.destination, packet.source);
            back.send(Ipv6.ICMP, reply);
        } else if (packet.destination.isUnicastOutside() && !Ipv6.isOnLink(packet.destination)) {
            errors.unreachable(IcmpErrors.PROHIBITED, packet);
        }
    }

    /** Of a message that begins behind the room for the headers. */
    static void writeChecksum(ByteBuf packet, Ipv6Address source, Ipv6Address destination) {
        int at = Ipv6Output.HEADER_ROOM;
        int length = packet.readableBytes() - at;
        packet.setShort(at + CHECKSUM, 0);
        long pseudo = Ipv6.pseudoHeader(source, destination, Ipv6.ICMP, length);
        packet.setShort(at + CHECKSUM, InternetChecksum.of(packet, at, length, pseudo));
    }
}

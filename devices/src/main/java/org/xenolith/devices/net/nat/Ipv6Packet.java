package org.xenolith.devices.net.nat;

import io.netty.buffer.ByteBuf;

/**
 * An IPv6 packet of a guest. Extension headers, and so fragments, are not understood: no guest
 * needs them to speak TCP, or UDP of a packet's size.
 */
final class Ipv6Packet extends IpPacket {
    private final Ipv6Output output;
    Ipv6Address source;
    Ipv6Address destination;
    int hopLimit;

    /**
     * @param output of answers
     */
    Ipv6Packet(Ipv6Output output) {
        this.output = output;
    }

    /**
     * Reads the packet that starts at {@code offset}; bytes behind its end are padding.
     *
     * @return false when it is no whole IPv6 packet
     */
    boolean read(ByteBuf bytes, int offset, boolean checksumPending) {
        int available = bytes.writerIndex() - offset - Ipv6.HEADER_BYTES;
        if (available < 0 || bytes.getUnsignedByte(offset) >> 4 != 6) {
            return false;
        }
        payloadBytes = bytes.getUnsignedShort(offset + Ipv6.PAYLOAD_LENGTH);
        if (payloadBytes > available) {
            return false;
        }
        this.bytes = bytes;
        this.checksumPending = checksumPending;
        headerOffset = offset;
        payloadOffset = offset + Ipv6.HEADER_BYTES;
        protocol = bytes.getUnsignedByte(offset + Ipv6.NEXT_HEADER);
        hopLimit = bytes.getUnsignedByte(offset + Ipv6.HOP_LIMIT);
        source = Ipv6Address.readFrom(bytes, offset + Ipv6.SOURCE);
        destination = Ipv6Address.readFrom(bytes, offset + Ipv6.DESTINATION);
        return true;
    }

    @Override
    Path path() {
        return new Ipv6Path(output, source, destination);
    }

    @Override
    long guestHigh() {
        return source.high();
    }

    @Override
    long guestLow() {
        return source.low();
    }

    @Override
    long remoteHigh() {
        return destination.high();
    }

    @Override
    long remoteLow() {
        return destination.low();
    }

    @Override
    long pseudoHeader() {
        return Ipv6.pseudoHeader(source, destination, protocol, payloadBytes);
    }
}

package org.xenolith.devices.net.nat;

import io.netty.buffer.ByteBuf;

/**
 * An IPv6 packet of a guest. Of the extension headers only that of a fragment is understood, in the
 * place where senders put it: no guest needs the others to speak TCP, UDP and ICMP.
 */
final class Ipv6Packet extends IpPacket {
    private final Ipv6Output output;
    Ipv6Address source;
    Ipv6Address destination;
    int hopLimit;

    /** Whether it is, or was before it was joined, a fragment, be it the only one. */
    boolean wasFragment;

    private int fragment; // offset and flag as they stand in the header
    private int id;

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
        fragment = 0;
        wasFragment = protocol == Ipv6.FRAGMENT && readFragmentHeader();
        return true;
    }

    private boolean readFragmentHeader() {
        if (payloadBytes < Ipv6.FRAGMENT_HEADER_BYTES) {
            return false;
        }
        protocol = bytes.getUnsignedByte(payloadOffset);
        fragment = bytes.getUnsignedShort(payloadOffset + Ipv6.FRAGMENT_OFFSET);
        id = bytes.getInt(payloadOffset + Ipv6.FRAGMENT_ID);
        payloadOffset += Ipv6.FRAGMENT_HEADER_BYTES;
        payloadBytes -= Ipv6.FRAGMENT_HEADER_BYTES;
        return true;
    }

    /** One that is all of its packet has nothing to do with others. RFC 6946. */
    @Override
    boolean isFragment() {
        return moreFragments() || fragmentUnit() != 0;
    }

    @Override
    int fragmentUnit() {
        return fragment >> Ipv6.FRAGMENT_OFFSET_SHIFT;
    }

    @Override
    boolean moreFragments() {
        return (fragment & Ipv6.MORE_FRAGMENTS) != 0;
    }

    /** RFC 8200, 4.5. */
    private record Datagram(Ipv6Address source, Ipv6Address destination, int id) {}

    @Override
    Object datagram() {
        return new Datagram(source, destination, id);
    }

    @Override
    int wholeHeaderBytes() {
        return Ipv6.HEADER_BYTES;
    }

    @Override
    int maxWholeBytes() {
        return Ipv6.MAX_PAYLOAD_BYTES;
    }

    @Override
    void becomeWhole(ByteBuf whole, int firstProtocol, int wholePayloadBytes) {
        Ipv6.writeHeader(whole, 0, wholePayloadBytes, firstProtocol, hopLimit, source, destination);
        read(whole, 0, false);
        fragment = 0; // one within another is none
        wasFragment = true;
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

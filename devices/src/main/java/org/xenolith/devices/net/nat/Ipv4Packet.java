package org.xenolith.devices.net.nat;

import io.netty.buffer.ByteBuf;

/** An IPv4 packet of a guest. */
final class Ipv4Packet extends IpPacket {
    private final Ipv4Output output;
    int source;
    int destination;
    int id;
    int fragment; // flags and offset as they stand in the header

    /**
     * @param output of answers
     */
    Ipv4Packet(Ipv4Output output) {
        this.output = output;
    }

    /**
     * Reads the packet that starts at {@code offset}; bytes behind its end are padding.
     *
     * @return false when it is no whole IPv4 packet with a right header checksum
     */
    boolean read(ByteBuf bytes, int offset, boolean checksumPending) {
        int available = bytes.writerIndex() - offset;
        if (available < Ipv4.HEADER_BYTES) {
            return false;
        }
        int versionIhl = bytes.getUnsignedByte(offset + Ipv4.VERSION_IHL);
        int headerBytes = (versionIhl & 0xf) * 4;
        int totalBytes = bytes.getUnsignedShort(offset + Ipv4.TOTAL_LENGTH);
        if (versionIhl >> 4 != 4
                || headerBytes < Ipv4.HEADER_BYTES
                || totalBytes < headerBytes
                || totalBytes > available
                || InternetChecksum.of(bytes, offset, headerBytes, 0) != 0) {
            return false;
        }
        this.bytes = bytes;
        this.checksumPending = checksumPending;
        headerOffset = offset;
        payloadOffset = offset + headerBytes;
        payloadBytes = totalBytes - headerBytes;
        source = bytes.getInt(offset + Ipv4.SOURCE);
        destination = bytes.getInt(offset + Ipv4.DESTINATION);
        protocol = bytes.getByte(offset + Ipv4.PROTOCOL) & 0xff;
        id = bytes.getUnsignedShort(offset + Ipv4.ID);
        fragment = bytes.getUnsignedShort(offset + Ipv4.FRAGMENT);
        return true;
    }

    @Override
    boolean isFragment() {
        return (fragment & (Ipv4.MORE_FRAGMENTS | Ipv4.FRAGMENT_OFFSET_MASK)) != 0;
    }

    @Override
    int fragmentUnit() {
        return fragment & Ipv4.FRAGMENT_OFFSET_MASK;
    }

    @Override
    boolean moreFragments() {
        return (fragment & Ipv4.MORE_FRAGMENTS) != 0;
    }

    /** RFC 791, 3.2. */
    private record Datagram(int source, int destination, int protocol, int id) {}

    @Override
    Object datagram() {
        return new Datagram(source, destination, protocol, id);
    }

    @Override
    int wholeHeaderBytes() {
        return Ipv4.HEADER_BYTES;
    }

    @Override
    int maxWholeBytes() {
        return Ipv4.MAX_PACKET_BYTES - Ipv4.HEADER_BYTES;
    }

    @Override
    void becomeWhole(ByteBuf whole, int firstProtocol, int wholePayloadBytes) {
        int totalBytes = Ipv4.HEADER_BYTES + wholePayloadBytes;
        Ipv4.writeHeader(whole, 0, totalBytes, id, 0, firstProtocol, source, destination);
        read(whole, 0, false);
    }

    @Override
    Path path() {
        return new Ipv4Path(output, source, destination);
    }

    @Override
    long guestHigh() {
        return 0;
    }

    @Override
    long guestLow() {
        return Ipv4Path.mapped(source);
    }

    @Override
    long remoteHigh() {
        return 0;
    }

    @Override
    long remoteLow() {
        return Ipv4Path.mapped(destination);
    }

    @Override
    long pseudoHeader() {
        return InternetChecksum.pseudoHeader(source, destination, protocol, payloadBytes);
    }
}

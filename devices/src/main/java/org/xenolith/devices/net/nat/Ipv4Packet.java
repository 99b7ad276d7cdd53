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

    boolean isFragment() {
        return (fragment & (Ipv4.MORE_FRAGMENTS | Ipv4.FRAGMENT_OFFSET_MASK)) != 0;
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

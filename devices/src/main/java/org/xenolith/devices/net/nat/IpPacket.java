package org.xenolith.devices.net.nat;

import io.netty.buffer.ByteBuf;

/** A packet of a guest, its header read once. One object of a kind serves all packets in turn. */
abstract sealed class IpPacket permits Ipv4Packet, Ipv6Packet {
    int protocol;
    boolean checksumPending;
    ByteBuf bytes; // what holds the packet, not necessarily from its first byte
    int headerOffset;
    int payloadOffset;
    int payloadBytes;

    /** The way back; a new object. */
    abstract Path path();

    /** See {@link FlowTable}. */
    abstract long guestHigh();

    abstract long guestLow();

    abstract long remoteHigh();

    abstract long remoteLow();

    /** Sum of the pseudo header over the payload. */
    abstract long pseudoHeader();

    /** Whether it is a part of a larger packet. */
    abstract boolean isFragment();

    /** Where in the larger packet's payload it belongs, in units of eight bytes. */
    abstract int fragmentUnit();

    /** Whether it is not the last part. */
    abstract boolean moreFragments();

    /** Equal for the parts of one packet. */
    abstract Object datagram();

    /** Of the header that a reassembled packet gets. */
    abstract int wholeHeaderBytes();

    /** Longest payload that a reassembled packet can say it has. */
    abstract int maxWholeBytes();

    /**
     * Turns the last part into the packet that it was a part of.
     *
     * @param whole room for a header, and the payload
     * @param firstProtocol what the part at 0 said
     */
    abstract void becomeWhole(ByteBuf whole, int firstProtocol, int wholePayloadBytes);

    /** Whether the TCP or UDP checksum is right, or still due and so not to be looked at. */
    final boolean payloadChecksumIsRight() {
        return checksumPending
                || InternetChecksum.of(bytes, payloadOffset, payloadBytes, pseudoHeader()) == 0;
    }
}

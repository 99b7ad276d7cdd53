package org.xenolith.devices.net.nat;

import io.netty.buffer.ByteBuf;

import org.xenolith.devices.net.EthernetFrame;

import java.net.InetAddress;

/**
 * The two addresses of a flow, a guest's and the one that it speaks with, and how packets get from
 * the latter to the former. What is above it, TCP and UDP, is the same for both versions of IP.
 */
abstract sealed class Path permits Ipv4Path, Ipv6Path {
    /** See {@link FlowTable}. */
    abstract long guestHigh();

    abstract long guestLow();

    abstract long remoteHigh();

    abstract long remoteLow();

    final boolean isOfSameGuest(Path other) {
        return guestHigh() == other.guestHigh() && guestLow() == other.guestLow();
    }

    abstract InetAddress guestAddress();

    abstract InetAddress remoteAddress();

    /** The guest's MAC address, or 0 when it is not known. */
    abstract long guestMac();

    /** Of the IP header, without options. */
    abstract int headerBytes();

    /** What fits behind the IP header into the MTU. */
    abstract int maxPayloadBytes();

    /** What fits behind the IP header of a packet that may be cut into fragments. */
    abstract int maxFragmentedBytes();

    /** Where the IP payload of a packet to the guest begins. */
    final int payloadOffset() {
        return EthernetFrame.HEADER_BYTES + headerBytes();
    }

    /** A buffer whose writer index stands where the IP payload begins. */
    abstract ByteBuf allocate(int payloadBytes);

    /** Sum of the pseudo header of a packet to the guest. */
    abstract long pseudoHeader(int protocol, int lengthBytes);

    /** Sends a complete packet; one larger than the MTU in fragments. */
    abstract void send(int protocol, ByteBuf packet);

    /**
     * Sends a packet whose checksum, and perhaps segmentation, is left to the receiver.
     *
     * @param header buffer that begins with room for the headers; part of the packet, or the packet
     * @param packet all of it; its reference passes
     * @param segmentBytes TCP payload of each segment, 0 when it is one
     */
    abstract void sendTcp(ByteBuf header, ByteBuf packet, int segmentBytes, boolean pending);

    /** The path of an error message: what the guest asked for may be no address that can speak. */
    abstract Path ofErrors();

    /** Appends the IP header of a packet of the guest. */
    abstract void quoteHeader(ByteBuf error, int protocol, int payloadBytes);
}

package org.xenolith.devices.net;

import io.netty.buffer.ByteBuf;

import org.xenolith.devices.net.EthernetFrame.Segmentation;

import java.util.List;

/**
 * A frame with a whole TCP packet in it, as {@link SegmentMerger} looks at it.
 *
 * @param packet where what is in the frame
 */
record TcpFrame(EthernetFrame frame, Packet packet) {
    // Of the IPv4 header, RFC 791, 3.1.
    private static final int IPV4_HEADER_BYTES = 20;
    private static final int IPV4_FRAGMENT = 6, IPV4_TTL = 8, IPV4_ADDRESSES = 12;
    private static final int DONT_FRAGMENT = 0x4000;

    // Of the IPv6 header, RFC 8200, 3.
    private static final int IPV6_NEXT_HEADER = 6, IPV6_ADDRESSES = 8;

    // Of the TCP header, RFC 9293, 3.1.
    private static final int TCP_HEADER_BYTES = 20;
    private static final int ACKNOWLEDGEMENT = 8, WINDOW = 14;
    private static final int PSH = 0x08, ACK = 0x10;

    // RFC 3168, 6.1.
    private static final int ECE = 0x40, CWR = 0x80;

    int payloadBytes() {
        return packet.end() - packet.payload();
    }

    int sequence() {
        return word(Packet.TCP_SEQUENCE);
    }

    boolean isPushed() {
        return (flags() & PSH) != 0;
    }

    /** Size of the IP packet when its payload is {@code more} and its own. */
    int packetBytesWith(int more) {
        return packet.end() - packet.ip() + more;
    }

    private int flags() {
        return bytes().getUnsignedByte(transport() + Packet.TCP_FLAGS);
    }

    private int word(int offsetInTcp) {
        return bytes().getInt(transport() + offsetInTcp);
    }

    private ByteBuf bytes() {
        return frame.content();
    }

    /** Indices in {@link #bytes}. */
    private int ip() {
        return bytes().readerIndex() + packet.ip();
    }

    private int transport() {
        return bytes().readerIndex() + packet.transport();
    }

    /** Whether both go from one port to the same other one. */
    boolean isOfFlowOf(TcpFrame other) {
        return packet.v6() == other.packet.v6()
                && word(0) == other.word(0)
                && (packet.v6()
                        ? same(other, ip() + IPV6_ADDRESSES, other.ip() + IPV6_ADDRESSES, 2 * 16)
                        : same(other, ip() + IPV4_ADDRESSES, other.ip() + IPV4_ADDRESSES, 2 * 4));
    }

    /**
     * Whether two frames of one flow agree in all that one frame says for both: link header, type
     * of service, time to live, acknowledgement, window and options of TCP.
     */
    boolean agreesWith(TcpFrame other) {
        int start = bytes().readerIndex();
        int otherStart = other.bytes().readerIndex();
        return packet.ip() == other.packet.ip()
                && packet.transport() == other.packet.transport()
                && packet.payload() == other.packet.payload()
                && same(other, start, otherStart, packet.ip())
                && agreesInIp(other)
                && word(ACKNOWLEDGEMENT) == other.word(ACKNOWLEDGEMENT)
                && same(other, transport() + WINDOW, other.transport() + WINDOW, Short.BYTES)
                && (flags() & ECE) == (other.flags() & ECE)
                && same(
                        other,
                        transport() + TCP_HEADER_BYTES,
                        other.transport() + TCP_HEADER_BYTES,
                        packet.payload() - packet.transport() - TCP_HEADER_BYTES);
    }

    private boolean agreesInIp(TcpFrame other) {
        int mine = ip();
        int its = other.ip();
        return packet.v6()
                ? same(other, mine, its, Integer.BYTES)
                        && same(other, mine + IPV6_NEXT_HEADER, its + IPV6_NEXT_HEADER, 2)
                : same(other, mine, its, 2) && same(other, mine + IPV4_TTL, its + IPV4_TTL, 2);
    }

    private boolean same(TcpFrame other, int index, int otherIndex, int length) {
        for (int i = 0; i < length; i++) {
            if (bytes().getByte(index + i) != other.bytes().getByte(otherIndex + i)) {
                return false;
            }
        }
        return true;
    }

    /** Whether others may be joined to this one. */
    boolean mayBegin() {
        return (flags() & ~(ACK | ECE | CWR)) == 0
                && payloadBytes() >= Offload.MIN_SEGMENT_BYTES
                && isPlain();
    }

    /** Whether this one may be joined to others; a reduced congestion is the first one's news. */
    boolean mayFollow() {
        return (flags() & ~(ACK | PSH | ECE)) == 0 && payloadBytes() > 0 && isPlain();
    }

    /** Nothing about it would be lost, and nothing wrong made right. */
    private boolean isPlain() {
        return (flags() & ACK) != 0
                && !frame.checksumPending()
                && frame.segmentation() == Segmentation.NONE
                && hasPlainIp()
                && packet.checksumsAreRight(bytes());
    }

    /**
     * No options. An IPv4 packet that may be fragmented must keep its identification, RFC 6864, 4,
     * which it would get anew.
     */
    private boolean hasPlainIp() {
        int headerBytes = packet.v6() ? Packet.IPV6_HEADER_BYTES : IPV4_HEADER_BYTES;
        return packet.transport() - packet.ip() == headerBytes
                && (packet.v6() || bytes().getUnsignedShort(ip() + IPV4_FRAGMENT) == DONT_FRAGMENT);
    }

    /**
     * One frame for this and all that follow it. Its TCP checksum is that of the pseudo header.
     *
     * @param run this frame and those that follow
     * @param payloadBytes of all
     */
    ByteBuf joined(List<TcpFrame> run, int payloadBytes) {
        int headerBytes = packet.payload();
        ByteBuf whole = bytes().alloc().buffer(headerBytes + payloadBytes);
        whole.writeBytes(bytes(), bytes().readerIndex(), headerBytes);
        for (TcpFrame part : run) {
            int payload = part.bytes().readerIndex() + part.packet.payload();
            whole.writeBytes(part.bytes(), payload, part.payloadBytes());
        }
        int pushed = run.getLast().flags() & PSH;
        whole.setByte(packet.transport() + Packet.TCP_FLAGS, flags() | pushed);
        packet.endingAt(headerBytes + payloadBytes).writeLengthsAndPendingChecksum(whole);
        return whole;
    }
}

package org.xenolith.devices.net.nat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.CompositeByteBuf;

/**
 * Builds segments to guests. Large ones stay large, with their checksum pending, where the switch
 * takes them so: the payload is then the buffer that came from the host's socket, not a copy.
 */
final class TcpOutput {
    /** Below this, copying costs less than a frame in parts. */
    private static final int COPY_BYTES = 1024;

    private final ByteBufAllocator allocator;
    private final Egress egress;
    private final boolean offload;

    TcpOutput(ByteBufAllocator allocator, Egress egress, boolean offload) {
        this.allocator = allocator;
        this.egress = egress;
        this.offload = offload;
    }

    boolean blocked() {
        return egress.blocked();
    }

    /** The MSS that we offer: what fits into the MTU. RFC 9293, 3.7.1. */
    static int ownMss(Path path) {
        return path.maxPayloadBytes() - TcpSegment.HEADER_BYTES;
    }

    /** The most that one frame may carry to a guest that takes {@code mss} per segment. */
    int maxSegmentBytes(Path path, int mss) {
        int room = Ipv4.MAX_PACKET_BYTES - path.headerBytes() - TcpSegment.HEADER_BYTES;
        return offload ? room / mss * mss : mss;
    }

    /** A SYN or SYN-ACK, with our options. */
    void synchronize(
            TcpConnection to, int flags, int sequence, int ack, int window, boolean scale) {
        int optionBytes = TcpSegment.MSS_OPTION_BYTES + (scale ? 4 : 0);
        ByteBuf packet = to.path().allocate(TcpSegment.HEADER_BYTES + optionBytes);
        header(packet, to.remotePort(), to.guestPort(), sequence, ack, flags, window, optionBytes);
        packet.writeByte(TcpSegment.OPTION_MSS)
                .writeByte(TcpSegment.MSS_OPTION_BYTES)
                .writeShort(ownMss(to.path()));
        if (scale) {
            packet.writeByte(TcpSegment.OPTION_NOP)
                    .writeByte(TcpSegment.OPTION_WINDOW_SCALE)
                    .writeByte(TcpSegment.WINDOW_SCALE_OPTION_BYTES)
                    .writeByte(TcpReceiver.WINDOW_SCALE);
        }
        finish(to.path(), packet, packet, 0);
    }

    /** A segment of a connection, with {@code length} bytes of its queue. */
    void segment(
            TcpConnection to,
            int flags,
            int sequence,
            int ack,
            int window,
            ByteQueue data,
            int offset,
            int length,
            int mss) {
        boolean copied = length <= COPY_BYTES || !offload;
        ByteBuf header = to.path().allocate(TcpSegment.HEADER_BYTES + (copied ? length : 0));
        header(header, to.remotePort(), to.guestPort(), sequence, ack, flags, window, 0);
        ByteBuf packet = header;
        if (!copied) {
            CompositeByteBuf parts = allocator.compositeBuffer(64).addComponent(true, header);
            data.addTo(parts, offset, length);
            packet = parts;
        } else if (length > 0) {
            data.copyTo(header, offset, length);
        }
        finish(to.path(), header, packet, length > mss ? mss : 0);
    }

    /** Answers a segment that belongs to no connection. RFC 9293, 3.10.7.1. */
    void refuse(IpPacket packet, TcpSegment segment) {
        boolean acked = segment.has(TcpSegment.ACK);
        reset(
                packet.path(),
                segment.destinationPort,
                segment.sourcePort,
                acked ? segment.acknowledgement : 0,
                acked ? 0 : segment.sequence + segment.sequenceBytes(),
                acked ? TcpSegment.RST : TcpSegment.RST | TcpSegment.ACK);
    }

    /** The guest acknowledges what we never sent. RFC 9293, 3.10.7.3. */
    void refuse(TcpConnection connection, TcpSegment segment) {
        reset(
                connection.path(),
                connection.remotePort(),
                connection.guestPort(),
                segment.acknowledgement,
                0,
                TcpSegment.RST);
    }

    void reset(Path path, int sourcePort, int guestPort, int sequence, int ack, int flags) {
        ByteBuf packet = path.allocate(TcpSegment.HEADER_BYTES);
        header(packet, sourcePort, guestPort, sequence, ack, flags, 0, 0);
        finish(path, packet, packet, 0);
    }

    private static void header(
            ByteBuf packet,
            int sourcePort,
            int guestPort,
            int sequence,
            int ack,
            int flags,
            int window,
            int optionBytes) {
        packet.writeShort(sourcePort)
                .writeShort(guestPort)
                .writeInt(sequence)
                .writeInt(ack)
                .writeByte((TcpSegment.HEADER_BYTES + optionBytes) / 4 << 4)
                .writeByte(flags)
                .writeShort(window)
                .writeShort(0) // checksum, filled by finish
                .writeShort(0); // urgent pointer
    }

    private void finish(Path path, ByteBuf header, ByteBuf packet, int segmentBytes) {
        int at = path.payloadOffset();
        int length = packet.readableBytes() - at;
        long pseudo = path.pseudoHeader(Ipv4.TCP, length);
        // Whoever completes a pending sum starts from that of the pseudo header. A whole one here
        // is the sum over a contiguous packet: without offload nothing is in parts.
        int checksum =
                offload
                        ? InternetChecksum.fold(pseudo)
                        : InternetChecksum.of(packet, at, length, pseudo);
        header.setShort(at + TcpSegment.CHECKSUM, checksum);
        path.sendTcp(header, packet, segmentBytes, offload);
    }
}

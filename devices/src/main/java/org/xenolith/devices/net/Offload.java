package org.xenolith.devices.net;

import io.netty.buffer.ByteBuf;
import io.netty.util.ReferenceCountUtil;

import java.util.function.Consumer;

/**
 * Does the work that a guest left to its network card: TCP and UDP checksums, and cutting a large
 * TCP payload into segments. Endpoints that lead out of the host, or to someone who cannot do it,
 * pass their frames through here.
 *
 * <p>A guest chose every byte. Where its headers make no sense, a frame is passed on as it is, or,
 * if it says that it has to be cut, dropped.
 */
public final class Offload {
    /**
     * Segments are no smaller, whatever the guest asks for: a frame of 64 KiB could become 65,000.
     * No TCP gets that low, since the smallest MTU that IPv4 allows leaves less room than this only
     * for hosts that no longer exist (Linux: net.ipv4.tcp_min_snd_mss).
     */
    static final int MIN_SEGMENT_BYTES = 48;

    // RFC 9293, 3.1, Control bits; CWR: RFC 3168, 6.1.2.
    private static final int FIN = 0x01, PSH = 0x08, CWR = 0x80;

    private Offload() {}

    /**
     * Turns a frame into what a cable would carry.
     *
     * @param frame its reference passes to this method
     * @param wire takes the frames, with a reference each: one, or several if the payload was cut,
     *     or none if it had to be and could not
     */
    public static void toWire(EthernetFrame frame, Consumer<EthernetFrame> wire) {
        if (frame.segmentation() == EthernetFrame.Segmentation.NONE) {
            wire.accept(completeChecksum(frame));
            return;
        }
        try {
            Packet packet = Packet.in(frame.content());
            if (packet != null && packet.protocol() == Packet.TCP) {
                cut(frame, packet, wire);
            }
        } finally {
            frame.release();
        }
    }

    /**
     * Computes a pending checksum and leaves the payload as large as it is.
     *
     * @param frame its reference passes to this method
     * @return the same, or a changed copy: others may be reading the original
     */
    public static EthernetFrame completeChecksum(EthernetFrame frame) {
        if (!frame.checksumPending()) {
            return frame;
        }
        try {
            ByteBuf copy = frame.content().copy();
            Packet packet = Packet.in(copy);
            if (packet != null) {
                packet.writeTransportChecksum(copy);
            }
            return new EthernetFrame(copy, false, frame.segmentation(), frame.segmentBytes());
        } finally {
            frame.release();
        }
    }

    private static void cut(EthernetFrame frame, Packet packet, Consumer<EthernetFrame> wire) {
        int segmentBytes = Math.max(MIN_SEGMENT_BYTES, frame.segmentBytes());
        int payloadBytes = packet.end() - packet.payload();
        int offset = 0;
        int number = 0;
        do {
            int bytes = Math.min(segmentBytes, payloadBytes - offset);
            boolean last = offset + bytes == payloadBytes;
            wire.accept(segment(frame.content(), packet, offset, bytes, last, number++));
            offset += bytes;
        } while (offset < payloadBytes);
    }

    private static EthernetFrame segment(
            ByteBuf whole, Packet packet, int offset, int payloadBytes, boolean last, int number) {
        int headerBytes = packet.payload();
        ByteBuf bytes = whole.alloc().buffer(headerBytes + payloadBytes);
        try {
            int start = whole.readerIndex();
            bytes.writeBytes(whole, start, headerBytes);
            bytes.writeBytes(whole, start + headerBytes + offset, payloadBytes);
            Packet segment =
                    new Packet(
                            packet.v6(),
                            packet.ip(),
                            packet.transport(),
                            packet.protocol(),
                            packet.payload(),
                            headerBytes + payloadBytes);
            renumber(bytes, segment, offset, last);
            writeIpHeader(bytes, segment, number);
            segment.writeTransportChecksum(bytes);
            return new EthernetFrame(bytes);
        } catch (RuntimeException e) {
            ReferenceCountUtil.safeRelease(bytes);
            throw e;
        }
    }

    private static void renumber(ByteBuf bytes, Packet segment, int offset, boolean last) {
        int tcp = segment.transport();
        bytes.setInt(tcp + Packet.TCP_SEQUENCE, bytes.getInt(tcp + Packet.TCP_SEQUENCE) + offset);
        int flags = bytes.getByte(tcp + Packet.TCP_FLAGS);
        if (!last) {
            flags &= ~(FIN | PSH);
        }
        if (offset > 0) {
            flags &= ~CWR;
        }
        bytes.setByte(tcp + Packet.TCP_FLAGS, flags);
    }

    private static void writeIpHeader(ByteBuf bytes, Packet segment, int number) {
        int ip = segment.ip();
        if (segment.v6()) {
            bytes.setShort(
                    ip + Packet.IPV6_PAYLOAD_LENGTH, segment.end() - ip - Packet.IPV6_HEADER_BYTES);
        } else {
            int identification = bytes.getUnsignedShort(ip + Packet.IPV4_IDENTIFICATION);
            bytes.setShort(ip + Packet.IPV4_IDENTIFICATION, identification + number);
            bytes.setShort(ip + Packet.IPV4_TOTAL_LENGTH, segment.end() - ip);
            segment.writeIpv4Checksum(bytes);
        }
    }
}

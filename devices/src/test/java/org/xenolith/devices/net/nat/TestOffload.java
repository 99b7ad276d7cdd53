package org.xenolith.devices.net.nat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;

import org.xenolith.devices.net.EthernetFrame;

import java.util.ArrayList;
import java.util.List;

/** What a network card does for its driver: completes sums, and cuts large TCP segments. */
final class TestOffload {
    private static final int IP = EthernetFrame.HEADER_BYTES;

    private TestOffload() {}

    static List<byte[]> complete(byte[] bytes, EthernetFrame frame) {
        if (!frame.checksumPending()) {
            return List.of(bytes);
        }
        int tcp = Packets.isIpv6(bytes) ? Packets6.PAYLOAD : Packets.PAYLOAD;
        checkPending(bytes, tcp);
        List<byte[]> segments = new ArrayList<>();
        int headers = tcp + (bytes[tcp + TcpSegment.DATA_OFFSET] >> 4 & 0xf) * 4;
        int payload = bytes.length - headers;
        int step = frame.segmentBytes() == 0 ? Math.max(payload, 1) : frame.segmentBytes();
        for (int at = 0; at == 0 || at < payload; at += step) {
            segments.add(segment(bytes, tcp, headers, at, Math.min(step, payload - at)));
        }
        return segments;
    }

    /** A pending field has to hold the sum of the pseudo header, or cards add it up wrongly. */
    private static void checkPending(byte[] bytes, int tcp) {
        ByteBuf frame = Unpooled.wrappedBuffer(bytes);
        int length = bytes.length - tcp;
        long pseudo = pseudo(frame, length);
        if (frame.getUnsignedShort(tcp + TcpSegment.CHECKSUM) != InternetChecksum.fold(pseudo)) {
            throw new AssertionError("the pending checksum is not that of the pseudo header");
        }
    }

    private static byte[] segment(byte[] bytes, int tcp, int headers, int at, int length) {
        byte[] cut = new byte[headers + length];
        System.arraycopy(bytes, 0, cut, 0, headers);
        System.arraycopy(bytes, headers + at, cut, headers, length);
        ByteBuf frame = Unpooled.wrappedBuffer(cut);
        frame.setInt(tcp + TcpSegment.SEQUENCE, frame.getInt(tcp + TcpSegment.SEQUENCE) + at);
        if (headers + at + length < bytes.length) {
            int flags = frame.getByte(tcp + TcpSegment.FLAGS) & ~(TcpSegment.FIN | TcpSegment.PSH);
            frame.setByte(tcp + TcpSegment.FLAGS, flags);
        }
        if (Packets.isIpv6(bytes)) {
            frame.setShort(IP + Ipv6.PAYLOAD_LENGTH, cut.length - tcp);
        } else {
            Ipv4.writeHeader(
                    frame,
                    IP,
                    cut.length - IP,
                    0,
                    Ipv4.DONT_FRAGMENT,
                    Ipv4.TCP,
                    frame.getInt(IP + Ipv4.SOURCE),
                    frame.getInt(IP + Ipv4.DESTINATION));
        }
        frame.setShort(tcp + TcpSegment.CHECKSUM, 0);
        int tcpBytes = cut.length - tcp;
        int sum = InternetChecksum.of(frame, tcp, tcpBytes, pseudo(frame, tcpBytes));
        frame.setShort(tcp + TcpSegment.CHECKSUM, sum);
        return cut;
    }

    private static long pseudo(ByteBuf frame, int length) {
        if (Packets.isIpv6(frame.array())) {
            return Ipv6.pseudoHeader(
                    Ipv6Address.readFrom(frame, IP + Ipv6.SOURCE),
                    Ipv6Address.readFrom(frame, IP + Ipv6.DESTINATION),
                    Ipv4.TCP,
                    length);
        }
        return InternetChecksum.pseudoHeader(
                frame.getInt(IP + Ipv4.SOURCE),
                frame.getInt(IP + Ipv4.DESTINATION),
                Ipv4.TCP,
                length);
    }
}

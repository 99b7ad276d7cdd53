package org.xenolith.devices.net.nat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;

import org.xenolith.devices.net.EthernetFrame;

import java.util.ArrayList;
import java.util.List;

/** What a network card does for its driver: completes sums, and cuts large TCP segments. */
final class TestOffload {
    private static final int IP = EthernetFrame.HEADER_BYTES;
    private static final int TCP = IP + Ipv4.HEADER_BYTES;

    private TestOffload() {}

    static List<byte[]> complete(byte[] bytes, EthernetFrame frame) {
        if (!frame.checksumPending()) {
            return List.of(bytes);
        }
        checkPending(bytes);
        List<byte[]> segments = new ArrayList<>();
        int headers = TCP + (bytes[TCP + TcpSegment.DATA_OFFSET] >> 4 & 0xf) * 4;
        int payload = bytes.length - headers;
        int step = frame.segmentBytes() == 0 ? Math.max(payload, 1) : frame.segmentBytes();
        for (int at = 0; at == 0 || at < payload; at += step) {
            segments.add(segment(bytes, headers, at, Math.min(step, payload - at)));
        }
        return segments;
    }

    /** A pending field has to hold the sum of the pseudo header, or cards add it up wrongly. */
    private static void checkPending(byte[] bytes) {
        ByteBuf frame = Unpooled.wrappedBuffer(bytes);
        int length = bytes.length - TCP;
        long pseudo = pseudo(frame, length);
        if (frame.getUnsignedShort(TCP + TcpSegment.CHECKSUM) != InternetChecksum.fold(pseudo)) {
            throw new AssertionError("the pending checksum is not that of the pseudo header");
        }
    }

    private static byte[] segment(byte[] bytes, int headers, int at, int length) {
        byte[] cut = new byte[headers + length];
        System.arraycopy(bytes, 0, cut, 0, headers);
        System.arraycopy(bytes, headers + at, cut, headers, length);
        ByteBuf frame = Unpooled.wrappedBuffer(cut);
        frame.setInt(TCP + TcpSegment.SEQUENCE, frame.getInt(TCP + TcpSegment.SEQUENCE) + at);
        if (headers + at + length < bytes.length) {
            int flags = frame.getByte(TCP + TcpSegment.FLAGS) & ~(TcpSegment.FIN | TcpSegment.PSH);
            frame.setByte(TCP + TcpSegment.FLAGS, flags);
        }
        Ipv4.writeHeader(
                frame,
                IP,
                cut.length - IP,
                0,
                Ipv4.DONT_FRAGMENT,
                Ipv4.TCP,
                frame.getInt(IP + Ipv4.SOURCE),
                frame.getInt(IP + Ipv4.DESTINATION));
        frame.setShort(TCP + TcpSegment.CHECKSUM, 0);
        int tcpBytes = cut.length - TCP;
        int sum = InternetChecksum.of(frame, TCP, tcpBytes, pseudo(frame, tcpBytes));
        frame.setShort(TCP + TcpSegment.CHECKSUM, sum);
        return cut;
    }

    private static long pseudo(ByteBuf frame, int length) {
        return InternetChecksum.pseudoHeader(
                frame.getInt(IP + Ipv4.SOURCE),
                frame.getInt(IP + Ipv4.DESTINATION),
                Ipv4.TCP,
                length);
    }
}

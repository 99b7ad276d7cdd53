package org.xenolith.devices.net.nat;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ConnectTimeoutException;

import java.net.ConnectException;
import java.net.NoRouteToHostException;
import java.net.PortUnreachableException;

/**
 * "Destination unreachable" to guests, a bounded number a second. RFC 792; RFC 1812, 5.2.7.1; RFC
 * 4443, 3.1.
 */
final class IcmpErrors {
    static final int DESTINATION_UNREACHABLE = 3, V6_DESTINATION_UNREACHABLE = 1;
    static final int HEADER_BYTES = 8;

    /** Codes of it, over IPv4. */
    static final int HOST = 1, PORT = 3, PROHIBITED = 13;

    /** The same over IPv6. */
    static final int V6_ADDRESS = 3, V6_PORT = 4, V6_PROHIBITED = 1;

    /** The cause is one for which TCP has an answer of its own. */
    static final int NONE = -1;

    /** Of the packet that could not be delivered, behind its header. */
    private static final int QUOTED_PAYLOAD_BYTES = 8;

    private static final int PER_SECOND = 100;

    private final RateLimit limit;

    IcmpErrors(NatClock clock) {
        this.limit = new RateLimit(clock, PER_SECOND);
    }

    /** What a guest should hear when the host could not connect. */
    static int codeOf(Throwable cause) {
        return switch (cause) {
            case ConnectTimeoutException timeout -> HOST;
            case NoRouteToHostException noRoute -> HOST;
            case PortUnreachableException refused -> NONE;
            case ConnectException refused -> saysUnreachable(refused) ? HOST : NONE;
            case null, default -> HOST;
        };
    }

    /** ENETUNREACH has no exception of its own in Java. */
    private static boolean saysUnreachable(ConnectException cause) {
        return cause.getMessage() != null && cause.getMessage().contains("unreachable");
    }

    /** Answers a packet that goes no further. */
    void unreachable(int code, IpPacket packet) {
        if (limit.take()) {
            Path path = packet.path();
            int headerBytes = packet.payloadOffset - packet.headerOffset;
            int quoted = headerBytes + Math.min(packet.payloadBytes, QUOTED_PAYLOAD_BYTES);
            ByteBuf error = start(path, code, quoted);
            error.writeBytes(packet.bytes, packet.headerOffset, quoted);
            finish(path, error);
        }
    }

    /** Answers the SYN with which a connection began. */
    void unreachable(int code, TcpConnection connection, int sequence) {
        if (limit.take()) {
            Path path = connection.path();
            ByteBuf error = start(path, code, path.headerBytes() + QUOTED_PAYLOAD_BYTES);
            path.quoteHeader(error, Ipv4.TCP, QUOTED_PAYLOAD_BYTES);
            error.writeShort(connection.guestPort())
                    .writeShort(connection.remotePort())
                    .writeInt(sequence);
            finish(path, error);
        }
    }

    /** Tells that nobody listens where a guest's datagrams went. */
    void portUnreachable(Path path, int guestPort, int remotePort) {
        if (limit.take()) {
            ByteBuf error = start(path, PORT, path.headerBytes() + QUOTED_PAYLOAD_BYTES);
            path.quoteHeader(error, Ipv4.UDP, QUOTED_PAYLOAD_BYTES);
            error.writeShort(guestPort)
                    .writeShort(remotePort)
                    .writeShort(UdpFlows.HEADER_BYTES)
                    .writeShort(0);
            finish(path, error);
        }
    }

    private static ByteBuf start(Path path, int code, int quotedBytes) {
        ByteBuf error = path.allocate(HEADER_BYTES + quotedBytes);
        switch (path) {
            case Ipv4Path _ -> error.writeByte(DESTINATION_UNREACHABLE).writeByte(code);
            case Ipv6Path _ -> error.writeByte(V6_DESTINATION_UNREACHABLE).writeByte(v6(code));
        }
        return error.writeShort(0) // checksum
                .writeInt(0); // unused
    }

    private static int v6(int code) {
        return switch (code) {
            case PORT -> V6_PORT;
            case PROHIBITED -> V6_PROHIBITED;
            default -> V6_ADDRESS;
        };
    }

    private static void finish(Path asked, ByteBuf error) {
        Path path = asked.ofErrors();
        int at = path.payloadOffset();
        int length = error.writerIndex() - at;
        switch (path) {
            case Ipv4Path _ -> {
                error.setShort(at + 2, InternetChecksum.of(error, at, length, 0));
                path.send(Ipv4.ICMP, error);
            }
            case Ipv6Path _ -> {
                long pseudo = path.pseudoHeader(Ipv6.ICMP, length);
                error.setShort(at + 2, InternetChecksum.of(error, at, length, pseudo));
                path.send(Ipv6.ICMP, error);
            }
        }
    }
}

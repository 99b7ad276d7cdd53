package org.xenolith.devices.net.nat;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ConnectTimeoutException;

import java.net.ConnectException;
import java.net.NoRouteToHostException;
import java.net.PortUnreachableException;

/** "Destination unreachable" to guests, a bounded number a second. RFC 792; RFC 1812, 5.2.7.1. */
final class IcmpErrors {
    static final int DESTINATION_UNREACHABLE = 3;
    static final int HEADER_BYTES = 8;

    /** Codes of it. */
    static final int HOST = 1, PORT = 3, PROHIBITED = 13;

    /** The cause is one for which TCP has an answer of its own. */
    static final int NONE = -1;

    /** Of the packet that could not be delivered, behind its header. */
    private static final int QUOTED_PAYLOAD_BYTES = 8;

    private static final int PER_SECOND = 100;

    private final Ipv4Output output;
    private final Subnet subnet;
    private final RateLimit limit;

    IcmpErrors(Ipv4Output output, Subnet subnet, NatClock clock) {
        this.output = output;
        this.subnet = subnet;
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
    void unreachable(int code, Ipv4Packet packet) {
        if (limit.take()) {
            int headerBytes = packet.payloadOffset - packet.headerOffset;
            int quoted = headerBytes + Math.min(packet.payloadBytes, QUOTED_PAYLOAD_BYTES);
            ByteBuf error = start(code, quoted);
            error.writeBytes(packet.bytes, packet.headerOffset, quoted);
            finish(error, packet.destination, packet.source);
        }
    }

    /** Answers the SYN with which a connection began. */
    void unreachable(int code, TcpConnection connection, int sequence) {
        if (limit.take()) {
            ByteBuf error = start(code, Ipv4.HEADER_BYTES + QUOTED_PAYLOAD_BYTES);
            quoteHeader(error, Ipv4.TCP, connection.guestAddress(), connection.remoteAddress());
            error.writeShort(connection.guestPort())
                    .writeShort(connection.remotePort())
                    .writeInt(sequence);
            finish(error, connection.remoteAddress(), connection.guestAddress());
        }
    }

    /** Tells that nobody listens where a guest's datagrams went. */
    void portUnreachable(int guest, int guestPort, int remote, int remotePort) {
        if (limit.take()) {
            ByteBuf error = start(PORT, Ipv4.HEADER_BYTES + QUOTED_PAYLOAD_BYTES);
            quoteHeader(error, Ipv4.UDP, guest, remote);
            error.writeShort(guestPort)
                    .writeShort(remotePort)
                    .writeShort(UdpFlows.HEADER_BYTES)
                    .writeShort(0);
            finish(error, remote, guest);
        }
    }

    private ByteBuf start(int code, int quotedBytes) {
        return output.allocate(HEADER_BYTES + quotedBytes)
                .writeByte(DESTINATION_UNREACHABLE)
                .writeByte(code)
                .writeShort(0) // checksum
                .writeInt(0); // unused
    }

    private static void quoteHeader(ByteBuf error, int protocol, int source, int destination) {
        int at = error.writerIndex();
        error.writerIndex(at + Ipv4.HEADER_BYTES);
        int totalBytes = Ipv4.HEADER_BYTES + QUOTED_PAYLOAD_BYTES;
        Ipv4.writeHeader(error, at, totalBytes, 0, 0, protocol, source, destination);
    }

    private void finish(ByteBuf error, int from, int guest) {
        int at = Ipv4Output.HEADER_ROOM;
        int length = error.writerIndex() - at;
        error.setShort(at + 2, InternetChecksum.of(error, at, length, 0));
        // An address of the guests' own network cannot be the sender: the gateway speaks for it.
        int source = subnet.isGuest(from) ? subnet.gateway() : from;
        output.send(source, guest, Ipv4.ICMP, error);
    }
}

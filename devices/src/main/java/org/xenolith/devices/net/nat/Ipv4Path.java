package org.xenolith.devices.net.nat;

import io.netty.buffer.ByteBuf;

import java.net.InetAddress;

/** A {@link Path} over IPv4. */
final class Ipv4Path extends Path {
    /** The prefix of an IPv4 address among those of IPv6: ::ffff:0:0/96. RFC 4291, 2.5.5.2. */
    private static final long MAPPED = 0xffff_0000_0000L;

    private final Ipv4Output output;
    private final int guest;
    private final int remote;

    Ipv4Path(Ipv4Output output, int guest, int remote) {
        this.output = output;
        this.guest = guest;
        this.remote = remote;
    }

    int guest() {
        return guest;
    }

    static long mapped(int address) {
        return MAPPED | Integer.toUnsignedLong(address);
    }

    @Override
    long guestHigh() {
        return 0;
    }

    @Override
    long guestLow() {
        return mapped(guest);
    }

    @Override
    long remoteHigh() {
        return 0;
    }

    @Override
    long remoteLow() {
        return mapped(remote);
    }

    @Override
    InetAddress guestAddress() {
        return Ipv4.toInetAddress(guest);
    }

    @Override
    InetAddress remoteAddress() {
        return Ipv4.toInetAddress(remote);
    }

    @Override
    long guestMac() {
        return output.mac(guest);
    }

    @Override
    int headerBytes() {
        return Ipv4.HEADER_BYTES;
    }

    @Override
    int maxPayloadBytes() {
        return output.mtu() - Ipv4.HEADER_BYTES;
    }

    @Override
    int maxFragmentedBytes() {
        return Ipv4.MAX_PACKET_BYTES - Ipv4.HEADER_BYTES;
    }

    @Override
    ByteBuf allocate(int payloadBytes) {
        return output.allocate(payloadBytes);
    }

    @Override
    long pseudoHeader(int protocol, int lengthBytes) {
        return InternetChecksum.pseudoHeader(remote, guest, protocol, lengthBytes);
    }

    @Override
    void send(int protocol, ByteBuf packet) {
        output.send(remote, guest, protocol, packet);
    }

    @Override
    void sendTcp(ByteBuf header, ByteBuf packet, int segmentBytes, boolean pending) {
        output.send(remote, guest, Ipv4.TCP, header, packet, segmentBytes, pending);
    }

    @Override
    Path ofErrors() {
        return output.isGuest(remote) ? new Ipv4Path(output, guest, output.gateway()) : this;
    }

    @Override
    void quoteHeader(ByteBuf error, int protocol, int payloadBytes) {
        int at = error.writerIndex();
        error.writerIndex(at + Ipv4.HEADER_BYTES);
        int totalBytes = Ipv4.HEADER_BYTES + payloadBytes;
        Ipv4.writeHeader(error, at, totalBytes, 0, 0, protocol, guest, remote);
    }
}

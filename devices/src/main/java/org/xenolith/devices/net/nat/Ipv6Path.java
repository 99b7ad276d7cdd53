package org.xenolith.devices.net.nat;

import io.netty.buffer.ByteBuf;

import java.net.InetAddress;

/** A {@link Path} over IPv6. */
final class Ipv6Path extends Path {
    private final Ipv6Output output;
    private final Ipv6Address guest;
    private final Ipv6Address remote;

    Ipv6Path(Ipv6Output output, Ipv6Address guest, Ipv6Address remote) {
        this.output = output;
        this.guest = guest;
        this.remote = remote;
    }

    @Override
    long guestHigh() {
        return guest.high();
    }

    @Override
    long guestLow() {
        return guest.low();
    }

    @Override
    long remoteHigh() {
        return remote.high();
    }

    @Override
    long remoteLow() {
        return remote.low();
    }

    @Override
    InetAddress guestAddress() {
        return guest.toInetAddress();
    }

    @Override
    InetAddress remoteAddress() {
        return remote.toInetAddress();
    }

    @Override
    long guestMac() {
        return output.mac(guest);
    }

    @Override
    int headerBytes() {
        return Ipv6.HEADER_BYTES;
    }

    @Override
    int maxPayloadBytes() {
        return output.mtu() - Ipv6.HEADER_BYTES;
    }

    @Override
    int maxFragmentedBytes() {
        return Ipv6.MAX_PAYLOAD_BYTES;
    }

    @Override
    ByteBuf allocate(int payloadBytes) {
        return output.allocate(payloadBytes);
    }

    @Override
    long pseudoHeader(int protocol, int lengthBytes) {
        return Ipv6.pseudoHeader(remote, guest, protocol, lengthBytes);
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
        boolean mayBeAGuest = Ipv6.isOnLink(remote) && !Ipv6.isOwn(remote);
        return mayBeAGuest ? new Ipv6Path(output, guest, Ipv6.GATEWAY) : this;
    }

    @Override
    void quoteHeader(ByteBuf error, int protocol, int payloadBytes) {
        int at = error.writerIndex();
        error.writerIndex(at + Ipv6.HEADER_BYTES);
        Ipv6.writeHeader(error, at, payloadBytes, protocol, Ipv6.DEFAULT_HOP_LIMIT, guest, remote);
    }
}

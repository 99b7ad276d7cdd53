package org.xenolith.devices.net.nat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** {@link Packets} over IPv6. */
final class Packets6 {
    static final int IP = Packets.IP;
    static final int PAYLOAD = IP + Ipv6.HEADER_BYTES;
    static final Ipv6Address GUEST =
            new Ipv6Address(Ipv6.PREFIX, Ipv6Address.interfaceOf(NatLab.MAC));
    static final Ipv6Address LINK_LOCAL =
            new Ipv6Address(Ipv6.ROUTER.high(), Ipv6Address.interfaceOf(NatLab.MAC));
    static final Ipv6Address OUTSIDE = Ipv6Address.parse("2001:db8::1");

    private static final int UDP_CHECKSUM = 6, ICMP_CHECKSUM = 2;

    private Packets6() {}

    /**
     * @param checksum where in the payload the sum over it and the pseudo header goes
     */
    static byte[] ip(
            long mac,
            Ipv6Address source,
            Ipv6Address destination,
            int protocol,
            int hopLimit,
            ByteBuf payload,
            int checksum) {
        int length = payload.readableBytes();
        byte[] bytes = new byte[PAYLOAD + length];
        ByteBuf frame = Unpooled.wrappedBuffer(bytes);
        boolean group = destination.high() >>> 56 == 0xff;
        long to = group ? destination.groupMac() : Ipv4Output.OWN_MAC;
        Ethernet.writeHeader(frame, to, mac, Ipv6.ETHERTYPE);
        Ipv6.writeHeader(frame, IP, length, protocol, hopLimit, source, destination);
        payload.getBytes(0, bytes, PAYLOAD, length);
        long pseudo = Ipv6.pseudoHeader(source, destination, protocol, length);
        int sum = InternetChecksum.of(frame, PAYLOAD, length, pseudo);
        frame.setShort(PAYLOAD + checksum, sum);
        return bytes;
    }

    static byte[] icmp(long mac, Ipv6Address source, Ipv6Address destination, ByteBuf message) {
        return ip(mac, source, destination, Ipv6.ICMP, 255, message, ICMP_CHECKSUM);
    }

    static byte[] routerSolicitation(Ipv6Address source) {
        ByteBuf message = Unpooled.buffer().writeByte(133).writeZero(7);
        return icmp(NatLab.MAC, source, Ipv6Address.parse("ff02::2"), message);
    }

    static byte[] neighbourSolicitation(long mac, Ipv6Address source, Ipv6Address target) {
        ByteBuf message = Unpooled.buffer().writeByte(135).writeZero(7);
        message.writeLong(target.high()).writeLong(target.low());
        return icmp(mac, source, target.solicitedNode(), message);
    }

    /** The answer to a solicitation of the NAT. */
    static byte[] neighbourAdvertisement(long mac, Ipv6Address own) {
        ByteBuf message = Unpooled.buffer().writeByte(136).writeZero(3).writeInt(0x6000_0000);
        message.writeLong(own.high()).writeLong(own.low());
        return icmp(mac, own, Ipv6.ROUTER, message);
    }

    static byte[] echo(Ipv6Address source, Ipv6Address destination, byte[] payload) {
        ByteBuf message = Unpooled.buffer().writeByte(128).writeByte(0).writeShort(0);
        message.writeInt(0x12340001).writeBytes(payload);
        return icmp(NatLab.MAC, source, destination, message);
    }

    static byte[] udp(
            long mac,
            Ipv6Address source,
            int sourcePort,
            Ipv6Address to,
            int port,
            byte[] payload) {
        int length = UdpFlows.HEADER_BYTES + payload.length;
        ByteBuf udp = Unpooled.buffer(length);
        udp.writeShort(sourcePort).writeShort(port).writeShort(length).writeShort(0);
        udp.writeBytes(payload);
        return ip(mac, source, to, Ipv4.UDP, 64, udp, UDP_CHECKSUM);
    }

    static byte[] tcp(Ipv6Address source, Ipv6Address destination, ByteBuf segment) {
        return ip(NatLab.MAC, source, destination, Ipv4.TCP, 64, segment, TcpSegment.CHECKSUM);
    }

    /** A part of a packet, which is a frame itself, under a fragment header of its own. */
    static byte[] fragment(byte[] packet, int id, int from, int length) {
        int whole = packet.length - PAYLOAD;
        boolean more = from + length < whole;
        byte[] bytes = new byte[PAYLOAD + Ipv6.FRAGMENT_HEADER_BYTES + length];
        System.arraycopy(packet, 0, bytes, 0, PAYLOAD);
        ByteBuf frame = Unpooled.wrappedBuffer(bytes);
        frame.setShort(IP + Ipv6.PAYLOAD_LENGTH, bytes.length - PAYLOAD);
        frame.setByte(IP + Ipv6.NEXT_HEADER, Ipv6.FRAGMENT);
        frame.setByte(PAYLOAD, packet[IP + Ipv6.NEXT_HEADER]);
        frame.setShort(PAYLOAD + Ipv6.FRAGMENT_OFFSET, from | (more ? Ipv6.MORE_FRAGMENTS : 0));
        frame.setInt(PAYLOAD + Ipv6.FRAGMENT_ID, id);
        frame.setBytes(PAYLOAD + Ipv6.FRAGMENT_HEADER_BYTES, packet, PAYLOAD + from, length);
        return bytes;
    }

    /** A packet cut as a sender would, all parts but the last of {@code step} bytes. */
    static List<byte[]> fragments(byte[] packet, int id, int step) {
        List<byte[]> fragments = new ArrayList<>();
        int whole = packet.length - PAYLOAD;
        for (int from = 0; from < whole; from += step) {
            fragments.add(fragment(packet, id, from, Math.min(step, whole - from)));
        }
        return fragments;
    }

    /** The packet that fragments of the NAT make, each checked for itself. */
    static byte[] joined(List<byte[]> fragments, int mtu) {
        byte[] last = fragments.getLast();
        int end = offset(last) + last.length - PAYLOAD - Ipv6.FRAGMENT_HEADER_BYTES;
        byte[] packet = Arrays.copyOf(last, PAYLOAD + end);
        int id = Packets.view(last).getInt(PAYLOAD + Ipv6.FRAGMENT_ID);
        for (byte[] each : fragments) {
            ByteBuf view = Packets.view(each);
            boolean more = (each[PAYLOAD + 3] & Ipv6.MORE_FRAGMENTS) != 0;
            if (view.getInt(PAYLOAD + Ipv6.FRAGMENT_ID) != id
                    || each.length > IP + mtu
                    || each.length != PAYLOAD + view.getUnsignedShort(IP + Ipv6.PAYLOAD_LENGTH)
                    || more == (each == last)) {
                throw new AssertionError("no fragment of one packet");
            }
            int from = PAYLOAD + Ipv6.FRAGMENT_HEADER_BYTES;
            view.getBytes(from, packet, PAYLOAD + offset(each), each.length - from);
        }
        Packets.view(packet)
                .setShort(IP + Ipv6.PAYLOAD_LENGTH, end)
                .setByte(IP + Ipv6.NEXT_HEADER, last[PAYLOAD]);
        return packet;
    }

    private static int offset(byte[] fragment) {
        return Packets.view(fragment).getUnsignedShort(PAYLOAD + Ipv6.FRAGMENT_OFFSET) & ~7;
    }

    /** Reads a packet of the NAT, whose ICMP checksum has to be right. */
    static Ipv6Packet read(byte[] frame) {
        ByteBuf view = Packets.view(frame);
        Ipv6Packet packet = new Ipv6Packet(null);
        if (view.getUnsignedShort(Ethernet.ETHERTYPE) != Ipv6.ETHERTYPE
                || !packet.read(view, IP, false)
                || frame.length != PAYLOAD + packet.payloadBytes) {
            throw new AssertionError("no IPv6 packet");
        }
        if (!packet.payloadChecksumIsRight()) {
            throw new AssertionError("a wrong checksum over IPv6");
        }
        return packet;
    }

    static int icmpType(byte[] frame) {
        Ipv6Packet packet = read(frame);
        return packet.protocol == Ipv6.ICMP ? packet.bytes.getUnsignedByte(PAYLOAD) : -1;
    }
}

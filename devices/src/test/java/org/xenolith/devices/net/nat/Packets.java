package org.xenolith.devices.net.nat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;

import org.xenolith.devices.net.EthernetFrame;

/** Frames as a guest would make them, and what stands in those that it gets. */
final class Packets {
    static final int IP = EthernetFrame.HEADER_BYTES;
    static final int PAYLOAD = IP + Ipv4.HEADER_BYTES;

    private Packets() {}

    static byte[] ip(long mac, int source, int destination, int protocol, byte[] payload) {
        return ip(mac, source, destination, protocol, payload, 1, 0);
    }

    static byte[] ip(
            long mac,
            int source,
            int destination,
            int protocol,
            byte[] payload,
            int id,
            int fragment) {
        byte[] bytes = new byte[PAYLOAD + payload.length];
        ByteBuf frame = Unpooled.wrappedBuffer(bytes);
        Ethernet.writeHeader(frame, Ipv4Output.OWN_MAC, mac, Ipv4.ETHERTYPE);
        System.arraycopy(payload, 0, bytes, PAYLOAD, payload.length);
        Ipv4.writeHeader(frame, IP, bytes.length - IP, id, fragment, protocol, source, destination);
        return bytes;
    }

    static byte[] udp(int source, int sourcePort, int destination, int port, byte[] payload) {
        return ip(
                NatLab.MAC,
                source,
                destination,
                Ipv4.UDP,
                udpDatagram(source, sourcePort, destination, port, payload));
    }

    static byte[] udpDatagram(
            int source, int sourcePort, int destination, int port, byte[] payload) {
        int length = UdpFlows.HEADER_BYTES + payload.length;
        ByteBuf udp = Unpooled.buffer(length);
        udp.writeShort(sourcePort).writeShort(port).writeShort(length).writeShort(0);
        udp.writeBytes(payload);
        long pseudo = InternetChecksum.pseudoHeader(source, destination, Ipv4.UDP, length);
        udp.setShort(UdpFlows.CHECKSUM, InternetChecksum.of(udp, 0, length, pseudo));
        return udp.array();
    }

    static byte[] icmpEcho(int source, int destination, byte[] payload) {
        ByteBuf icmp = Unpooled.buffer(IcmpEcho.HEADER_BYTES + payload.length);
        icmp.writeByte(IcmpEcho.ECHO_REQUEST).writeByte(0).writeShort(0).writeInt(0x12340001);
        icmp.writeBytes(payload);
        icmp.setShort(2, InternetChecksum.of(icmp, 0, icmp.writerIndex(), 0));
        return ip(NatLab.MAC, source, destination, Ipv4.ICMP, icmp.array());
    }

    static byte[] arp(int operation, long mac, int sender, int target) {
        byte[] bytes = new byte[IP + ArpResponder.PACKET_BYTES];
        ByteBuf frame = Unpooled.wrappedBuffer(bytes);
        Ethernet.writeHeader(frame, Mac.BROADCAST, mac, ArpResponder.ETHERTYPE);
        frame.setShort(IP + ArpResponder.HARDWARE_TYPE, 1);
        frame.setShort(IP + ArpResponder.PROTOCOL_TYPE, Ipv4.ETHERTYPE);
        frame.setByte(IP + ArpResponder.HARDWARE_SIZE, 6);
        frame.setByte(IP + ArpResponder.PROTOCOL_SIZE, 4);
        frame.setShort(IP + ArpResponder.OPERATION, operation);
        Ethernet.setMac(frame, IP + ArpResponder.SENDER_MAC, mac);
        frame.setInt(IP + ArpResponder.SENDER_IP, sender);
        frame.setInt(IP + ArpResponder.TARGET_IP, target);
        return bytes;
    }

    static ByteBuf view(byte[] frame) {
        return Unpooled.wrappedBuffer(frame);
    }

    static int protocol(byte[] frame) {
        return frame[IP + Ipv4.PROTOCOL];
    }

    static int source(byte[] frame) {
        return view(frame).getInt(IP + Ipv4.SOURCE);
    }

    static boolean isIpv6(byte[] frame) {
        return view(frame).getUnsignedShort(Ethernet.ETHERTYPE) == Ipv6.ETHERTYPE;
    }

    static TcpSegment tcp(byte[] frame) {
        Ipv4Packet v4 = new Ipv4Packet(null);
        IpPacket packet = isIpv6(frame) ? Packets6.read(frame) : v4;
        if (packet == v4 && !v4.read(view(frame), IP, false) || packet.protocol != Ipv4.TCP) {
            throw new AssertionError("no TCP packet");
        }
        if (!packet.payloadChecksumIsRight()) {
            throw new AssertionError("a wrong TCP checksum");
        }
        TcpSegment segment = new TcpSegment();
        if (!segment.read(packet.bytes, packet.payloadOffset, packet.payloadBytes)) {
            throw new AssertionError("a broken TCP header");
        }
        return segment;
    }

    /**
     * @param options a multiple of four bytes
     */
    static byte[] tcp(
            int source,
            int sourcePort,
            int destination,
            int port,
            int sequence,
            int ack,
            int flags,
            int window,
            byte[] options,
            byte[] payload) {
        ByteBuf tcp = segment(sourcePort, port, sequence, ack, flags, window, options, payload);
        int length = tcp.writerIndex();
        long pseudo = InternetChecksum.pseudoHeader(source, destination, Ipv4.TCP, length);
        tcp.setShort(TcpSegment.CHECKSUM, InternetChecksum.of(tcp, 0, length, pseudo));
        byte[] bytes = new byte[length];
        tcp.getBytes(0, bytes);
        return ip(NatLab.MAC, source, destination, Ipv4.TCP, bytes);
    }

    /** A segment whose checksum is zero. */
    static ByteBuf segment(
            int sourcePort,
            int port,
            int sequence,
            int ack,
            int flags,
            int window,
            byte[] options,
            byte[] payload) {
        int header = TcpSegment.HEADER_BYTES + options.length;
        ByteBuf tcp = Unpooled.buffer(header + payload.length);
        tcp.writeShort(sourcePort).writeShort(port).writeInt(sequence).writeInt(ack);
        tcp.writeByte(header / 4 << 4).writeByte(flags).writeShort(window).writeInt(0);
        return tcp.writeBytes(options).writeBytes(payload);
    }
}

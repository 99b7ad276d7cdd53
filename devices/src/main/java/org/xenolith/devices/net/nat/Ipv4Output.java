package org.xenolith.devices.net.nat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;

import org.xenolith.devices.net.EthernetFrame;
import org.xenolith.devices.net.EthernetFrame.Segmentation;

/** Puts IPv4 and Ethernet headers before what goes to a guest, and asks for its MAC address. */
final class Ipv4Output {
    /** Room that {@link #allocate} leaves before the payload. */
    static final int HEADER_ROOM = EthernetFrame.HEADER_BYTES + Ipv4.HEADER_BYTES;

    /** MAC address of the NAT: locally administered, the same prefix as slirp's. */
    static final long OWN_MAC = 0x52_55_0a_00_02_02L;

    private final ByteBufAllocator allocator;
    private final Subnet subnet;
    private final Egress egress;
    private final Neighbours neighbours;
    private final ArpResponder arp;
    private final int mtu;
    private int id;

    Ipv4Output(
            ByteBufAllocator allocator,
            Subnet subnet,
            Egress egress,
            Neighbours neighbours,
            ArpResponder arp,
            int mtu) {
        this.allocator = allocator;
        this.subnet = subnet;
        this.egress = egress;
        this.neighbours = neighbours;
        this.arp = arp;
        this.mtu = mtu;
    }

    int mtu() {
        return mtu;
    }

    int gateway() {
        return subnet.gateway();
    }

    boolean isGuest(int address) {
        return subnet.isGuest(address);
    }

    /** The guest's MAC address, or 0 when it is not known. */
    long mac(int guest) {
        return neighbours.mac(guest);
    }

    /** A buffer whose writer index stands where the IP payload begins. */
    ByteBuf allocate(int payloadBytes) {
        int size = HEADER_ROOM + payloadBytes;
        return allocator.buffer(size, size).writerIndex(HEADER_ROOM);
    }

    /** Sends a complete packet, cut into fragments where it is larger than the MTU. */
    void send(int source, int destination, int protocol, ByteBuf packet) {
        if (packet.readableBytes() - EthernetFrame.HEADER_BYTES > mtu) {
            sendFragments(source, destination, protocol, packet);
        } else {
            send(source, destination, protocol, packet, packet, 0, false);
        }
    }

    /**
     * Sends a packet whose checksum, and perhaps segmentation, is left to the receiver.
     *
     * @param header buffer that begins with {@link #HEADER_ROOM}; part of the packet, or the packet
     * @param packet all of it; its reference passes
     * @param segmentBytes TCP payload of each segment, 0 when it is one
     */
    void send(
            int source,
            int destination,
            int protocol,
            ByteBuf header,
            ByteBuf packet,
            int segmentBytes,
            boolean checksumPending) {
        long mac = neighbours.mac(destination);
        if (mac == 0) {
            packet.release();
            arp.ask(destination);
            return;
        }
        int totalBytes = packet.readableBytes() - EthernetFrame.HEADER_BYTES;
        Ethernet.writeHeader(header, mac, OWN_MAC, Ipv4.ETHERTYPE);
        Ipv4.writeHeader(
                header,
                EthernetFrame.HEADER_BYTES,
                totalBytes,
                id++ & 0xffff,
                Ipv4.DONT_FRAGMENT,
                protocol,
                source,
                destination);
        Segmentation cut = segmentBytes == 0 ? Segmentation.NONE : Segmentation.TCP_V4;
        egress.send(new EthernetFrame(packet, checksumPending, cut, segmentBytes));
    }

    private void sendFragments(int source, int destination, int protocol, ByteBuf packet) {
        long mac = neighbours.mac(destination);
        if (mac == 0) {
            arp.ask(destination);
        } else {
            int datagramId = id++ & 0xffff;
            int step = mtu - Ipv4.HEADER_BYTES & ~7;
            int length = packet.readableBytes() - HEADER_ROOM;
            for (int at = 0; at < length; at += step) {
                int part = Math.min(step, length - at);
                int more = at + part < length ? Ipv4.MORE_FRAGMENTS : 0;
                ByteBuf fragment = allocate(part).writeBytes(packet, HEADER_ROOM + at, part);
                Ethernet.writeHeader(fragment, mac, OWN_MAC, Ipv4.ETHERTYPE);
                Ipv4.writeHeader(
                        fragment,
                        EthernetFrame.HEADER_BYTES,
                        Ipv4.HEADER_BYTES + part,
                        datagramId,
                        more | at >> 3,
                        protocol,
                        source,
                        destination);
                egress.send(new EthernetFrame(fragment));
            }
        }
        packet.release();
    }
}

package org.xenolith.devices.net.nat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;

import org.xenolith.devices.net.EthernetFrame;
import org.xenolith.devices.net.EthernetFrame.Segmentation;

/** Sends IPv6 packets to guests: finds the MAC address, writes the headers. */
final class Ipv6Output {
    /** Where the IP payload of a packet begins. */
    static final int HEADER_ROOM = EthernetFrame.HEADER_BYTES + Ipv6.HEADER_BYTES;

    /** Asks all guests who has an address. */
    @FunctionalInterface
    interface Solicitor {
        void ask(Ipv6Address address);
    }

    private final ByteBufAllocator allocator;
    private final Egress egress;
    private final Ipv6Neighbours neighbours;
    private final int mtu;
    private int fragmentId;
    private Solicitor solicitor = address -> {};

    /**
     * @param fragmentId of the first packet that is sent in fragments: nobody can guess it
     */
    Ipv6Output(
            ByteBufAllocator allocator,
            Egress egress,
            Ipv6Neighbours neighbours,
            int mtu,
            int fragmentId) {
        this.allocator = allocator;
        this.egress = egress;
        this.neighbours = neighbours;
        this.mtu = mtu;
        this.fragmentId = fragmentId;
    }

    /** Who asks when a MAC address is not known; itself a user of this object. */
    void solicitor(Solicitor solicitor) {
        this.solicitor = solicitor;
    }

    int mtu() {
        return mtu;
    }

    long mac(Ipv6Address guest) {
        return neighbours.mac(guest);
    }

    /** A buffer whose writer index stands where the IP payload begins. */
    ByteBuf allocate(int payloadBytes) {
        int size = HEADER_ROOM + payloadBytes;
        return allocator.buffer(size, size).writerIndex(HEADER_ROOM);
    }

    /** As {@link Ipv4Output#send(int, int, int, ByteBuf)}. */
    void send(Ipv6Address source, Ipv6Address destination, int protocol, ByteBuf packet) {
        if (packet.readableBytes() - EthernetFrame.HEADER_BYTES > mtu) {
            sendFragments(source, destination, protocol, packet);
        } else {
            send(source, destination, protocol, packet, packet, 0, false);
        }
    }

    private void sendFragments(
            Ipv6Address source, Ipv6Address destination, int protocol, ByteBuf packet) {
        int id = fragmentId++;
        int step = mtu - Ipv6.HEADER_BYTES - Ipv6.FRAGMENT_HEADER_BYTES & ~7;
        int length = packet.readableBytes() - HEADER_ROOM;
        for (int at = 0; at < length; at += step) {
            int part = Math.min(step, length - at);
            int more = at + part < length ? Ipv6.MORE_FRAGMENTS : 0;
            ByteBuf fragment =
                    allocate(Ipv6.FRAGMENT_HEADER_BYTES + part)
                            .writeByte(protocol)
                            .writeByte(0) // reserved
                            .writeShort(at | more) // a multiple of eight, as the field wants it
                            .writeInt(id)
                            .writeBytes(packet, HEADER_ROOM + at, part);
            send(source, destination, Ipv6.FRAGMENT, fragment, fragment, 0, false);
        }
        packet.release();
    }

    /** As {@link Ipv4Output#send(int, int, int, ByteBuf, ByteBuf, int, boolean)}. */
    void send(
            Ipv6Address source,
            Ipv6Address destination,
            int protocol,
            ByteBuf header,
            ByteBuf packet,
            int segmentBytes,
            boolean checksumPending) {
        long mac = neighbours.mac(destination);
        if (mac == 0) {
            packet.release();
            solicitor.ask(destination);
            return;
        }
        Ethernet.writeHeader(header, mac, Ipv4Output.OWN_MAC, Ipv6.ETHERTYPE);
        Ipv6.writeHeader(
                header,
                EthernetFrame.HEADER_BYTES,
                packet.readableBytes() - HEADER_ROOM,
                protocol,
                Ipv6.DEFAULT_HOP_LIMIT,
                source,
                destination);
        Segmentation cut = segmentBytes == 0 ? Segmentation.NONE : Segmentation.TCP_V6;
        egress.send(new EthernetFrame(packet, checksumPending, cut, segmentBytes));
    }

    /**
     * Sends an ICMP message of the link, its checksum zero so far.
     *
     * @param mac receiver, whatever its address
     */
    void sendOnLink(long mac, Ipv6Address source, Ipv6Address destination, ByteBuf packet) {
        int length = packet.readableBytes() - HEADER_ROOM;
        Icmpv6.writeChecksum(packet, source, destination);
        Ethernet.writeHeader(packet, mac, Ipv4Output.OWN_MAC, Ipv6.ETHERTYPE);
        Ipv6.writeHeader(
                packet,
                EthernetFrame.HEADER_BYTES,
                length,
                Ipv6.ICMP,
                Ipv6.LINK_HOP_LIMIT,
                source,
                destination);
        egress.send(new EthernetFrame(packet));
    }
}

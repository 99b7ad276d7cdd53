package org.xenolith.devices.net.nat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;

import org.xenolith.devices.net.EthernetFrame;

/**
 * ARP for the gateway and the name server. Requests for other addresses are the guests' own
 * business: the switch carries them to whom they concern. RFC 826.
 */
final class ArpResponder {
    static final int ETHERTYPE = 0x0806;
    static final int PACKET_BYTES = 28;

    // Offsets of struct arphdr for IPv4 over Ethernet.
    static final int HARDWARE_TYPE = 0, PROTOCOL_TYPE = 2, HARDWARE_SIZE = 4, PROTOCOL_SIZE = 5;
    static final int OPERATION = 6, SENDER_MAC = 8, SENDER_IP = 14, TARGET_MAC = 18, TARGET_IP = 24;
    static final int REQUEST = 1, REPLY = 2;

    private static final int HARDWARE_ETHERNET = 1;

    private final ByteBufAllocator allocator;
    private final Subnet subnet;
    private final Egress egress;
    private final Neighbours neighbours;

    ArpResponder(ByteBufAllocator allocator, Subnet subnet, Egress egress, Neighbours neighbours) {
        this.allocator = allocator;
        this.subnet = subnet;
        this.egress = egress;
        this.neighbours = neighbours;
    }

    /**
     * Takes an ARP packet.
     *
     * @return guest address that is known now, or {@link Ipv4#ANY}
     */
    int receive(ByteBuf frame) {
        int at = EthernetFrame.HEADER_BYTES;
        if (frame.writerIndex() < at + PACKET_BYTES || !isIpv4OverEthernet(frame, at)) {
            return Ipv4.ANY;
        }
        long senderMac = Ethernet.getMac(frame, at + SENDER_MAC);
        int senderIp = frame.getInt(at + SENDER_IP);
        int targetIp = frame.getInt(at + TARGET_IP);
        if (senderMac != Ethernet.getMac(frame, Ethernet.SOURCE)) {
            return Ipv4.ANY;
        }
        boolean learned = neighbours.learn(senderIp, senderMac);
        boolean probe = senderIp == Ipv4.ANY; // RFC 5227: is the address free?
        if (frame.getShort(at + OPERATION) == REQUEST
                && subnet.isOwn(targetIp)
                && (learned || probe)) {
            send(REPLY, senderMac, targetIp, senderMac, senderIp);
        }
        return learned ? senderIp : Ipv4.ANY;
    }

    private static boolean isIpv4OverEthernet(ByteBuf frame, int at) {
        return frame.getShort(at + HARDWARE_TYPE) == HARDWARE_ETHERNET
                && frame.getShort(at + PROTOCOL_TYPE) == Ipv4.ETHERTYPE
                && frame.getByte(at + HARDWARE_SIZE) == Mac.BYTES
                && frame.getByte(at + PROTOCOL_SIZE) == Integer.BYTES;
    }

    /** Asks all guests who has the address. */
    void ask(int address) {
        if (subnet.isGuest(address)) {
            send(REQUEST, Mac.BROADCAST, subnet.gateway(), 0, address);
        }
    }

    private void send(int operation, long to, int senderIp, long targetMac, int targetIp) {
        int size = EthernetFrame.HEADER_BYTES + PACKET_BYTES;
        ByteBuf frame = allocator.buffer(size, size).writerIndex(size);
        int at = EthernetFrame.HEADER_BYTES;
        Ethernet.writeHeader(frame, to, Ipv4Output.OWN_MAC, ETHERTYPE);
        frame.setShort(at + HARDWARE_TYPE, HARDWARE_ETHERNET);
        frame.setShort(at + PROTOCOL_TYPE, Ipv4.ETHERTYPE);
        frame.setByte(at + HARDWARE_SIZE, Mac.BYTES);
        frame.setByte(at + PROTOCOL_SIZE, Integer.BYTES);
        frame.setShort(at + OPERATION, operation);
        Ethernet.setMac(frame, at + SENDER_MAC, Ipv4Output.OWN_MAC);
        frame.setInt(at + SENDER_IP, senderIp);
        Ethernet.setMac(frame, at + TARGET_MAC, targetMac);
        frame.setInt(at + TARGET_IP, targetIp);
        egress.send(new EthernetFrame(frame));
    }
}

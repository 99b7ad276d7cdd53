package org.xenolith.devices.net.nat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;

import org.xenolith.devices.net.EthernetFrame;

import java.nio.charset.StandardCharsets;
import java.util.concurrent.TimeUnit;

/** Gives guests their addresses. RFC 2131, 4.3. */
final class DhcpServer {
    /** What BOOTP clients expect at least. RFC 951. */
    private static final int MIN_MESSAGE_BYTES = 300;

    private static final int MAX_MESSAGE_BYTES = 548;
    private static final long DECLINED_NANOS = TimeUnit.MINUTES.toNanos(10);

    private final NatConfig config;
    private final Subnet subnet;
    private final Leases leases;
    private final Neighbours neighbours;
    private final Egress egress;
    private final ByteBufAllocator allocator;

    DhcpServer(
            NatConfig config,
            Leases leases,
            Neighbours neighbours,
            Egress egress,
            ByteBufAllocator allocator) {
        this.config = config;
        this.subnet = config.subnet();
        this.leases = leases;
        this.neighbours = neighbours;
        this.egress = egress;
        this.allocator = allocator;
    }

    /** Whether a packet is for this server; the sender has no address yet. */
    static boolean isRequest(Ipv4Packet packet) {
        return packet.protocol == Ipv4.UDP
                && packet.payloadBytes > UdpFlows.HEADER_BYTES
                && packet.bytes.getUnsignedShort(packet.payloadOffset + UdpFlows.DESTINATION_PORT)
                        == DhcpMessage.SERVER_PORT;
    }

    /**
     * @param frameSource MAC address that sent the frame: nobody speaks for someone else
     * @return guest address that is in use now, or {@link Ipv4#ANY}
     */
    int receive(Ipv4Packet packet, long frameSource) {
        int at = packet.payloadOffset + UdpFlows.HEADER_BYTES;
        int length = packet.payloadBytes - UdpFlows.HEADER_BYTES;
        DhcpMessage message = DhcpMessage.read(packet.bytes.slice(at, length));
        if (message == null || message.mac() != frameSource || !Mac.isUnicast(frameSource)) {
            return Ipv4.ANY;
        }
        switch (message.type()) {
            case DhcpMessage.DISCOVER -> discover(message);
            case DhcpMessage.REQUEST -> {
                return request(message);
            }
            case DhcpMessage.DECLINE ->
                    leases.decline(message.mac(), message.requested(), DECLINED_NANOS);
            case DhcpMessage.RELEASE -> leases.release(message.mac());
            case DhcpMessage.INFORM -> reply(message, DhcpMessage.ACK, Ipv4.ANY);
            default -> {} // what a guest writes is not a closed set
        }
        return Ipv4.ANY;
    }

    private void discover(DhcpMessage message) {
        int address = leases.offer(message.mac(), message.requested());
        if (address != Leases.NO_ADDRESS) {
            reply(message, DhcpMessage.OFFER, address);
        }
    }

    private int request(DhcpMessage message) {
        if (message.server() != 0 && message.server() != subnet.gateway()) {
            return Ipv4.ANY; // it chose another server
        }
        int address = message.requested() != 0 ? message.requested() : message.clientAddress();
        long nanos = TimeUnit.SECONDS.toNanos(config.leaseSeconds());
        if (!leases.lease(message.mac(), address, message.hostName(), nanos)) {
            reply(message, DhcpMessage.NAK, Ipv4.ANY);
            return Ipv4.ANY;
        }
        neighbours.learn(address, message.mac());
        reply(message, DhcpMessage.ACK, address);
        return address;
    }

    private void reply(DhcpMessage request, int type, int address) {
        ByteBuf frame =
                allocator.buffer(
                        Ipv4Output.HEADER_ROOM + UdpFlows.HEADER_BYTES + MAX_MESSAGE_BYTES);
        int start = Ipv4Output.HEADER_ROOM + UdpFlows.HEADER_BYTES;
        frame.writeZero(start + DhcpMessage.OPTIONS);
        frame.setByte(start + DhcpMessage.OP, DhcpMessage.BOOTREPLY);
        frame.setByte(start + DhcpMessage.HTYPE, 1);
        frame.setByte(start + DhcpMessage.HLEN, Mac.BYTES);
        frame.setInt(start + DhcpMessage.XID, request.transaction());
        frame.setShort(start + DhcpMessage.FLAGS, request.flags() & DhcpMessage.BROADCAST_FLAG);
        frame.setInt(
                start + DhcpMessage.CIADDR, type == DhcpMessage.ACK ? request.clientAddress() : 0);
        frame.setInt(start + DhcpMessage.YIADDR, address);
        frame.setInt(start + DhcpMessage.SIADDR, type == DhcpMessage.NAK ? 0 : subnet.gateway());
        Ethernet.setMac(frame, start + DhcpMessage.CHADDR, request.mac());
        frame.setInt(start + DhcpMessage.COOKIE, DhcpMessage.MAGIC_COOKIE);
        frame.writeByte(DhcpMessage.MESSAGE_TYPE).writeByte(1).writeByte(type);
        option(frame, DhcpMessage.SERVER_ID, subnet.gateway());
        if (type != DhcpMessage.NAK) {
            configuration(frame, address);
        }
        frame.writeByte(DhcpMessage.END);
        int padding = start + MIN_MESSAGE_BYTES - frame.writerIndex();
        frame.writeZero(Math.max(padding, 0));
        send(frame, request, type, address);
    }

    private void configuration(ByteBuf frame, int address) {
        option(frame, DhcpMessage.SUBNET_MASK, subnet.mask());
        option(frame, DhcpMessage.BROADCAST_ADDRESS, subnet.broadcast());
        option(frame, DhcpMessage.ROUTER, subnet.gateway());
        option(frame, DhcpMessage.DNS_SERVER, subnet.dns());
        frame.writeByte(DhcpMessage.INTERFACE_MTU).writeByte(2).writeShort(config.mtu());
        if (address == Ipv4.ANY) {
            return; // INFORM asks for no address, so for no lease either
        }
        option(frame, DhcpMessage.LEASE_TIME, config.leaseSeconds());
        option(frame, DhcpMessage.RENEWAL_TIME, config.leaseSeconds() / 2);
        option(frame, DhcpMessage.REBINDING_TIME, (int) (config.leaseSeconds() * 7L / 8));
        String name = leases.nameOf(address);
        if (name != null) {
            frame.writeByte(DhcpMessage.HOST_NAME).writeByte(name.length());
            frame.writeCharSequence(name, StandardCharsets.US_ASCII);
        }
    }

    private static void option(ByteBuf frame, int code, int value) {
        frame.writeByte(code).writeByte(Integer.BYTES).writeInt(value);
    }

    /** RFC 2131, 4.1: to the guest's address if it has one, else to all if it asks for that. */
    private void send(ByteBuf frame, DhcpMessage request, int type, int address) {
        boolean toAll =
                type == DhcpMessage.NAK
                        || request.clientAddress() == 0
                                && (request.flags() & DhcpMessage.BROADCAST_FLAG) != 0;
        int destination =
                toAll ? -1 : request.clientAddress() != 0 ? request.clientAddress() : address;
        int udpBytes = frame.readableBytes() - Ipv4Output.HEADER_ROOM;
        int at = Ipv4Output.HEADER_ROOM;
        frame.setShort(at + UdpFlows.SOURCE_PORT, DhcpMessage.SERVER_PORT);
        frame.setShort(at + UdpFlows.DESTINATION_PORT, DhcpMessage.CLIENT_PORT);
        frame.setShort(at + UdpFlows.LENGTH, udpBytes);
        long pseudo =
                InternetChecksum.pseudoHeader(subnet.gateway(), destination, Ipv4.UDP, udpBytes);
        frame.setShort(at + UdpFlows.CHECKSUM, InternetChecksum.of(frame, at, udpBytes, pseudo));
        Ethernet.writeHeader(
                frame, toAll ? Mac.BROADCAST : request.mac(), Ipv4Output.OWN_MAC, Ipv4.ETHERTYPE);
        Ipv4.writeHeader(
                frame,
                EthernetFrame.HEADER_BYTES,
                Ipv4.HEADER_BYTES + udpBytes,
                0,
                0,
                Ipv4.UDP,
                subnet.gateway(),
                destination);
        egress.send(new EthernetFrame(frame));
    }
}

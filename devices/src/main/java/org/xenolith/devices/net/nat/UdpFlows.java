package org.xenolith.devices.net.nat;

import io.netty.buffer.ByteBuf;

import java.net.InetSocketAddress;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * UDP of guests: a socket of the host for each pair of addresses and ports, closed when it was
 * idle. When there are too many, the one idle for longest makes room. RFC 768; RFC 4787, REQ-5.
 */
final class UdpFlows {
    static final int HEADER_BYTES = 8;
    static final long IDLE_NANOS = TimeUnit.SECONDS.toNanos(120);

    // Offsets of struct udphdr.
    static final int SOURCE_PORT = 0, DESTINATION_PORT = 2, LENGTH = 4, CHECKSUM = 6;

    /** Longest payload that an IPv4 packet carries. */
    static final int MAX_PAYLOAD_BYTES = Ipv4.MAX_PACKET_BYTES - Ipv4.HEADER_BYTES - HEADER_BYTES;

    private record Key(long addresses, int ports) {}

    private final NatClock clock;
    private final Timers timers;
    private final Ipv4Output output;
    private final Destinations destinations;
    private final HostNetwork host;
    private final DnsForwarder dns;
    private final IcmpErrors icmp;
    private final int maxFlows;
    private final Map<Key, Flow> flows = new LinkedHashMap<>(16, 0.75f, true); // by last use

    UdpFlows(
            NatClock clock,
            Timers timers,
            Ipv4Output output,
            Destinations destinations,
            HostNetwork host,
            DnsForwarder dns,
            IcmpErrors icmp,
            int maxFlows) {
        this.clock = clock;
        this.timers = timers;
        this.output = output;
        this.destinations = destinations;
        this.host = host;
        this.dns = dns;
        this.icmp = icmp;
        this.maxFlows = maxFlows;
    }

    /** Takes a datagram of a guest that may use its source address. */
    void receive(Ipv4Packet packet) {
        int at = packet.payloadOffset;
        if (packet.payloadBytes < HEADER_BYTES) {
            return;
        }
        int length = packet.bytes.getUnsignedShort(at + LENGTH);
        if (length < HEADER_BYTES || length > packet.payloadBytes || !checksumIsRight(packet)) {
            return;
        }
        int from = packet.bytes.getUnsignedShort(at + SOURCE_PORT);
        int to = packet.bytes.getUnsignedShort(at + DESTINATION_PORT);
        ByteBuf payload = packet.bytes.slice(at + HEADER_BYTES, length - HEADER_BYTES);
        if (destinations.isDns(packet.destination, to)) {
            int guest = packet.source;
            int name = packet.destination;
            dns.query(payload, answer -> send(name, DnsMessage.PORT, guest, from, answer));
        } else {
            forward(packet, from, to, payload);
        }
    }

    /** A zero checksum says that the sender made none. */
    private static boolean checksumIsRight(Ipv4Packet packet) {
        return packet.bytes.getShort(packet.payloadOffset + CHECKSUM) == 0
                || packet.payloadChecksumIsRight();
    }

    private void forward(Ipv4Packet packet, int from, int to, ByteBuf payload) {
        Key key =
                new Key(
                        FlowTable.addresses(packet.source, packet.destination),
                        FlowTable.ports(from, to));
        Flow flow = flows.get(key);
        if (flow == null) {
            flow = open(key, packet, from, to);
        }
        if (flow != null) {
            flow.used();
            flow.sendToHost(payload.retainedSlice());
        }
    }

    private Flow open(Key key, Ipv4Packet packet, int from, int to) {
        if (destinations.prohibited(packet.destination)) {
            icmp.unreachable(IcmpErrors.PROHIBITED, packet);
            return null;
        }
        InetSocketAddress address = destinations.toHost(packet.destination, to);
        if (address == null) {
            icmp.unreachable(IcmpErrors.PORT, packet);
            return null;
        }
        Flow flow = new Flow(key, packet.source, from, packet.destination, to);
        flow.socket = host.openDatagrams(address, flow);
        add(key, flow);
        return flow;
    }

    private void add(Key key, Flow flow) {
        if (flows.size() >= maxFlows) {
            longestIdle(flow.guest).close();
        }
        flows.put(key, flow);
        flow.used();
    }

    /** A guest with many flows makes room itself; only one that has none takes it from others. */
    private Flow longestIdle(int guest) {
        for (Flow flow : flows.values()) {
            if (flow.guest == guest) {
                return flow;
            }
        }
        return flows.values().iterator().next();
    }

    /**
     * A flow that begins outside: datagrams from a port of the gateway to a guest.
     *
     * @param socket where the guest's answers go
     * @return null when the guest already has such a flow
     */
    Flow openToGuest(int guest, int guestPort, int gatewayPort, HostDatagrams socket) {
        Key key =
                new Key(
                        FlowTable.addresses(guest, destinations.gateway()),
                        FlowTable.ports(guestPort, gatewayPort));
        if (flows.containsKey(key)) {
            return null;
        }
        Flow flow = new Flow(key, guest, guestPort, destinations.gateway(), gatewayPort);
        flow.socket = socket;
        add(key, flow);
        return flow;
    }

    int size() {
        return flows.size();
    }

    void close() {
        while (!flows.isEmpty()) {
            flows.values().iterator().next().close();
        }
    }

    /** Sends a datagram to a guest; the reference of the payload passes. */
    void send(int source, int sourcePort, int guest, int guestPort, ByteBuf payload) {
        int length = HEADER_BYTES + payload.readableBytes();
        if (payload.readableBytes() > MAX_PAYLOAD_BYTES || output.blocked()) {
            payload.release();
            return;
        }
        ByteBuf packet = output.allocate(length);
        int at = packet.writerIndex();
        packet.writeShort(sourcePort)
                .writeShort(guestPort)
                .writeShort(length)
                .writeShort(0) // checksum
                .writeBytes(payload);
        payload.release();
        long pseudo = InternetChecksum.pseudoHeader(source, guest, Ipv4.UDP, length);
        int checksum = InternetChecksum.of(packet, at, length, pseudo);
        packet.setShort(at + CHECKSUM, checksum == 0 ? 0xffff : checksum);
        output.send(source, guest, Ipv4.UDP, packet);
    }

    /** One flow: the guest's side is packets, the host's a socket. */
    final class Flow extends Timers.Timer implements HostDatagrams.Events {
        private final Key key;
        private final int guest;
        private final int guestPort;
        private final int remote;
        private final int remotePort;
        private HostDatagrams socket;

        private Flow(Key key, int guest, int guestPort, int remote, int remotePort) {
            this.key = key;
            this.guest = guest;
            this.guestPort = guestPort;
            this.remote = remote;
            this.remotePort = remotePort;
        }

        private void used() {
            timers.arm(this, clock.now() + IDLE_NANOS);
        }

        private void sendToHost(ByteBuf payload) {
            socket.send(payload);
        }

        boolean open() {
            return flows.get(key) == this;
        }

        @Override
        public void received(ByteBuf payload) {
            if (open()) {
                used();
                send(remote, remotePort, guest, guestPort, payload);
            } else {
                payload.release();
            }
        }

        @Override
        public void refused() {
            if (open()) {
                icmp.portUnreachable(guest, guestPort, remote, remotePort);
            }
        }

        @Override
        void expired(long now) {
            close();
        }

        void close() {
            timers.remove(this);
            flows.remove(key);
            socket.close();
        }
    }
}

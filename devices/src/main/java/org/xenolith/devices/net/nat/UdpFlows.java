package org.xenolith.devices.net.nat;

import io.netty.buffer.ByteBuf;

import java.net.InetSocketAddress;
import java.util.LinkedHashMap;
import java.util.List;
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

    private record Key(long guestHigh, long guestLow, long remoteHigh, long remoteLow, int ports) {
        static Key of(Path path, int guestPort, int remotePort) {
            return new Key(
                    path.guestHigh(),
                    path.guestLow(),
                    path.remoteHigh(),
                    path.remoteLow(),
                    FlowTable.ports(guestPort, remotePort));
        }

        static Key of(IpPacket packet, int guestPort, int remotePort) {
            return new Key(
                    packet.guestHigh(),
                    packet.guestLow(),
                    packet.remoteHigh(),
                    packet.remoteLow(),
                    FlowTable.ports(guestPort, remotePort));
        }
    }

    private final NatClock clock;
    private final Timers timers;
    private final Egress egress;
    private final Ipv4Output ipv4; // the way to guests that the host speaks to first
    private final Destinations destinations;
    private final HostNetwork host;
    private final DnsForwarder dns;
    private final IcmpErrors icmp;
    private final int maxFlows;
    private final Map<Key, Flow> flows = new LinkedHashMap<>(16, 0.75f, true); // by last use

    UdpFlows(
            NatClock clock,
            Timers timers,
            Egress egress,
            Ipv4Output ipv4,
            Destinations destinations,
            HostNetwork host,
            DnsForwarder dns,
            IcmpErrors icmp,
            int maxFlows) {
        this.clock = clock;
        this.timers = timers;
        this.egress = egress;
        this.ipv4 = ipv4;
        this.destinations = destinations;
        this.host = host;
        this.dns = dns;
        this.icmp = icmp;
        this.maxFlows = maxFlows;
    }

    /** Takes a datagram of a guest that may use its source address. */
    void receive(IpPacket packet) {
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
        if (destinations.isDns(packet, to)) {
            Path path = packet.path();
            dns.query(
                    path.guestMac(), payload, answer -> send(path, DnsMessage.PORT, from, answer));
        } else {
            forward(packet, from, to, payload);
        }
    }

    /** A zero checksum says that the sender made none, which IPv4 allows. */
    private static boolean checksumIsRight(IpPacket packet) {
        return switch (packet) {
                    case Ipv4Packet v4 -> v4.bytes.getShort(v4.payloadOffset + CHECKSUM) == 0;
                    case Ipv6Packet _ -> false;
                }
                || packet.payloadChecksumIsRight();
    }

    private void forward(IpPacket packet, int from, int to, ByteBuf payload) {
        Key key = Key.of(packet, from, to);
        Flow flow = flows.get(key);
        if (flow == null) {
            flow = open(key, packet, from, to);
        }
        if (flow != null) {
            flow.used();
            flow.sendToHost(payload.retainedSlice());
        }
    }

    private Flow open(Key key, IpPacket packet, int from, int to) {
        if (destinations.prohibited(packet)) {
            icmp.unreachable(IcmpErrors.PROHIBITED, packet);
            return null;
        }
        InetSocketAddress address = destinations.toHost(packet, to);
        if (address == null) {
            icmp.unreachable(IcmpErrors.PORT, packet);
            return null;
        }
        Flow flow = new Flow(key, packet.path(), from, to);
        flow.socket = host.openDatagrams(address, flow);
        add(key, flow);
        return flow;
    }

    private void add(Key key, Flow flow) {
        if (flows.size() >= maxFlows) {
            longestIdle(flow.path).close();
        }
        flows.put(key, flow);
        flow.used();
    }

    /** A guest with many flows makes room itself; only one that has none takes it from others. */
    private Flow longestIdle(Path path) {
        for (Flow flow : flows.values()) {
            if (flow.path.isOfSameGuest(path)) {
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
        Path path = new Ipv4Path(ipv4, guest, destinations.gateway());
        Key key = Key.of(path, guestPort, gatewayPort);
        if (flows.containsKey(key)) {
            return null;
        }
        Flow flow = new Flow(key, path, guestPort, gatewayPort);
        flow.socket = socket;
        add(key, flow);
        return flow;
    }

    /** Ends all flows of a guest that is gone. */
    void forget(long mac) {
        for (Flow flow : List.copyOf(flows.values())) {
            if (flow.path.guestMac() == mac) {
                flow.close();
            }
        }
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
    private void send(Path path, int sourcePort, int guestPort, ByteBuf payload) {
        int length = HEADER_BYTES + payload.readableBytes();
        if (length > path.maxFragmentedBytes() || egress.crowded()) {
            payload.release();
            return;
        }
        ByteBuf packet = path.allocate(length);
        int at = packet.writerIndex();
        packet.writeShort(sourcePort)
                .writeShort(guestPort)
                .writeShort(length)
                .writeShort(0) // checksum
                .writeBytes(payload);
        payload.release();
        long pseudo = path.pseudoHeader(Ipv4.UDP, length);
        int checksum = InternetChecksum.of(packet, at, length, pseudo);
        packet.setShort(at + CHECKSUM, checksum == 0 ? 0xffff : checksum);
        path.send(Ipv4.UDP, packet);
    }

    /** One flow: the guest's side is packets, the host's a socket. */
    final class Flow extends Timers.Timer implements HostDatagrams.Events {
        private final Key key;
        private final Path path;
        private final int guestPort;
        private final int remotePort;
        private HostDatagrams socket;

        private Flow(Key key, Path path, int guestPort, int remotePort) {
            this.key = key;
            this.path = path;
            this.guestPort = guestPort;
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
                send(path, remotePort, guestPort, payload);
            } else {
                payload.release();
            }
        }

        @Override
        public void refused() {
            if (open()) {
                icmp.portUnreachable(path, guestPort, remotePort);
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

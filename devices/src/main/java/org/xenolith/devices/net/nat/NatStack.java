package org.xenolith.devices.net.nat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.util.NetUtil;

import org.xenolith.devices.net.EthernetFrame;
import org.xenolith.devices.net.SwitchPort;

import java.net.InetSocketAddress;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Supplier;
import java.util.random.RandomGenerator;

/**
 * The NAT without threads and sockets: frames, events of the host's side and the passing of time go
 * in, frames and calls of {@link HostNetwork} come out. All on one thread. What a guest sends never
 * makes it throw, and never makes it keep more than the limits of its parts.
 */
final class NatStack {
    /** Most that waits in one direction of one connection. */
    private static final int MAX_STREAM_BYTES = 1 << 20;

    private final Subnet subnet;
    private final NatClock clock;
    private final Timers timers;
    private final Egress egress = new Egress();
    private final Leases leases;
    private final Neighbours neighbours;
    private final ArpResponder arp;
    private final Ipv4Output output;
    private final DhcpServer dhcp;
    private final DnsForwarder dns;
    private final IcmpErrors errors;
    private final IcmpEcho echo;
    private final boolean ipv6; // whether guests may speak it with us
    private final Ipv6Neighbours ipv6Neighbours = new Ipv6Neighbours();
    private final Ipv6Output output6;
    private final NeighbourDiscovery discovery;
    private final Icmpv6 icmpv6;
    private final Reassembly reassembly;
    private final BufferBudget budget;
    private final TcpStack tcp;
    private final UdpFlows udp;
    private final Set<GuestOpener> openers = new HashSet<>(); // wait for a guest's address
    private final Ipv4Packet packet;
    private final Ipv6Packet packet6;

    /**
     * @param resolvers the host's name servers, asked for at each query
     * @param earlier told when {@link #nextDeadline} has moved to an earlier time
     */
    NatStack(
            NatConfig config,
            NatClock clock,
            HostNetwork host,
            ByteBufAllocator allocator,
            RandomGenerator random,
            Supplier<List<InetSocketAddress>> resolvers,
            Runnable earlier) {
        timers = new Timers(earlier);
        this.subnet = config.subnet();
        this.clock = clock;
        leases = new Leases(config, clock);
        neighbours = new Neighbours(subnet, leases);
        arp = new ArpResponder(allocator, subnet, egress, neighbours);
        dhcp = new DhcpServer(config, leases, neighbours, egress, allocator);
        reassembly = new Reassembly(allocator, clock);
        budget = new BufferBudget(config.bufferBytes(), MAX_STREAM_BYTES);
        output = new Ipv4Output(allocator, subnet, egress, neighbours, arp, config.mtu());
        packet = new Ipv4Packet(output);
        errors = new IcmpErrors(clock);
        ipv6 = config.ipv6();
        output6 = new Ipv6Output(allocator, egress, ipv6Neighbours, config.mtu(), random.nextInt());
        packet6 = new Ipv6Packet(output6);
        discovery = new NeighbourDiscovery(output6, ipv6Neighbours, timers, clock);
        icmpv6 = new Icmpv6(discovery, errors);
        echo = new IcmpEcho(output, subnet, errors);
        dns = new DnsForwarder(config, clock, timers, leases, host, allocator, random, resolvers);
        Destinations destinations = new Destinations(config, host, dns);
        tcp =
                new TcpStack(
                        clock,
                        timers,
                        new TcpOutput(allocator, egress, config.offload()),
                        allocator,
                        budget,
                        destinations,
                        errors,
                        random,
                        config.maxTcpConnections());
        udp =
                new UdpFlows(
                        clock,
                        timers,
                        egress,
                        output,
                        destinations,
                        host,
                        dns,
                        errors,
                        config.maxUdpFlows());
    }

    void plugInto(SwitchPort port) {
        egress.plugInto(port);
    }

    /** Takes a frame, with its reference. {@link #endOfBatch} is due afterwards. */
    void receive(EthernetFrame frame) {
        try {
            ByteBuf bytes = frame.content();
            dispatch(bytes.readerIndex() == 0 ? bytes : bytes.slice(), frame.checksumPending());
        } finally {
            frame.release();
        }
    }

    private void dispatch(ByteBuf frame, boolean checksumPending) {
        if (frame.writerIndex() < EthernetFrame.HEADER_BYTES) {
            return;
        }
        int etherType = frame.getUnsignedShort(Ethernet.ETHERTYPE);
        long destination = Ethernet.getMac(frame, Ethernet.DESTINATION);
        if (etherType == Ipv6.ETHERTYPE) {
            if (ipv6
                    && (destination == Ipv4Output.OWN_MAC || Mac.isIpv6Group(destination))
                    && packet6.read(frame, EthernetFrame.HEADER_BYTES, checksumPending)) {
                receivePacket6(Ethernet.getMac(frame, Ethernet.SOURCE));
            }
            return;
        }
        if (destination != Ipv4Output.OWN_MAC && destination != Mac.BROADCAST) {
            return; // flooded: the switch does not know yet where its receiver is
        }
        if (etherType == ArpResponder.ETHERTYPE) {
            appeared(arp.receive(frame));
        } else if (etherType == Ipv4.ETHERTYPE
                && packet.read(frame, EthernetFrame.HEADER_BYTES, checksumPending)) {
            receivePacket(Ethernet.getMac(frame, Ethernet.SOURCE));
        }
    }

    private void receivePacket(long sourceMac) {
        if (DhcpServer.isRequest(packet) && !packet.isFragment()) {
            appeared(dhcp.receive(packet, sourceMac));
            return;
        }
        boolean forUs = subnet.isOwn(packet.destination) || !subnet.contains(packet.destination);
        if (!forUs || !neighbours.learn(packet.source, sourceMac)) {
            return;
        }
        if (!packet.isFragment()) {
            receiveWhole();
        } else if (reassembly.complete(packet, sourceMac)) {
            receiveWhole();
            reassembly.release();
        }
    }

    private void receivePacket6(long sourceMac) {
        if (!packet6.isFragment()) {
            receiveWhole6(sourceMac);
        } else if (isForUs(packet6, sourceMac) && reassembly.complete(packet6, sourceMac)) {
            receiveWhole6(sourceMac);
            reassembly.release();
        }
    }

    private boolean isForUs(Ipv6Packet packet, long sourceMac) {
        boolean forUs = Ipv6.isOwn(packet.destination) || !Ipv6.isOnLink(packet.destination);
        return forUs && ipv6Neighbours.learn(packet.source, sourceMac);
    }

    private void receiveWhole6(long sourceMac) {
        if (packet6.protocol == Ipv6.ICMP) {
            icmpv6.receive(packet6, sourceMac);
            return;
        }
        if (!isForUs(packet6, sourceMac)) {
            return;
        }
        if (packet6.source.isLinkLocal() && !Ipv6.isOwn(packet6.destination)) {
            errors.unreachable(IcmpErrors.PROHIBITED, packet6); // it leads no further
            return;
        }
        switch (packet6.protocol) {
            case Ipv4.TCP -> tcp.receive(packet6);
            case Ipv4.UDP -> udp.receive(packet6);
            default -> {} // what a guest writes is not a closed set
        }
    }

    private void receiveWhole() {
        switch (packet.protocol) {
            case Ipv4.TCP -> tcp.receive(packet);
            case Ipv4.UDP -> udp.receive(packet);
            case Ipv4.ICMP -> echo.receive(packet);
            default -> {} // what a guest writes is not a closed set
        }
    }

    private void appeared(int guest) {
        if (guest != Ipv4.ANY) {
            tcp.guestAppeared(guest);
        }
    }

    void endOfBatch() {
        tcp.endOfBatch();
    }

    /** The switch takes frames again. */
    void portWritable() {
        egress.flush();
        if (!egress.blocked()) {
            tcp.portWritable();
        }
    }

    /** Time has passed. */
    void tick() {
        timers.run(clock.now());
    }

    /** When {@link #tick} is due, on the NAT's clock, or {@link Timers#NEVER}. */
    long nextDeadline() {
        return timers.next();
    }

    /** Ends what belongs to a guest that is gone, and forgets where it was. */
    void forget(long mac) {
        tcp.forget(mac, leases.addressOf(mac));
        udp.forget(mac); // while its address is known
        leases.leave(mac);
        neighbours.forget(mac);
        discovery.forget(mac);
    }

    void close() {
        List.copyOf(openers).forEach(GuestOpener::giveUp);
        tcp.close();
        udp.close();
        dns.close();
        reassembly.close();
        egress.close();
    }

    /**
     * @param guest name, or address in the NAT's network
     * @return {@link Leases#NO_ADDRESS} when no guest is known by it
     */
    int addressOfGuest(String guest) {
        byte[] literal = NetUtil.createByteArrayFromIpAddressString(guest);
        if (literal == null) {
            return leases.addressOf(guest);
        }
        int address = literal.length == Integer.BYTES ? Ipv4.fromBytes(literal) : Ipv4.ANY;
        return subnet.isGuest(address) ? address : Leases.NO_ADDRESS;
    }

    /** From the gateway to a guest. */
    Path pathTo(int guest) {
        return new Ipv4Path(output, guest, subnet.gateway());
    }

    /** From the gateway to a guest. */
    Path pathTo(Ipv6Address guest) {
        return new Ipv6Path(output6, guest, Ipv6.GATEWAY);
    }

    /**
     * Where the guest of an IPv4 address may be found over IPv6.
     *
     * @return null when it was not heard to have such an address
     */
    Ipv6Address ipv6AddressOf(int guest) {
        long owner = leases.owner(guest);
        return ipv6Neighbours.addressOf(owner == Leases.NOBODY ? neighbours.mac(guest) : owner);
    }

    NeighbourDiscovery discovery() {
        return discovery;
    }

    Leases leases() {
        return leases;
    }

    Set<GuestOpener> openers() {
        return openers;
    }

    Timers timers() {
        return timers;
    }

    long now() {
        return clock.now();
    }

    /** A guest shall have no IPv6 until it is forgotten. */
    void withoutIpv6(long mac) {
        discovery.forget(mac);
        ipv6Neighbours.exclude(mac);
    }

    Ipv6Neighbours ipv6Neighbours() {
        return ipv6Neighbours;
    }

    TcpStack tcp() {
        return tcp;
    }

    UdpFlows udp() {
        return udp;
    }

    DnsForwarder dns() {
        return dns;
    }

    Reassembly reassembly() {
        return reassembly;
    }

    BufferBudget budget() {
        return budget;
    }
}

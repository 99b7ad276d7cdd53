package org.xenolith.devices.net.nat;

import io.netty.buffer.ByteBuf;

import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.TimeUnit;

/**
 * The router and name server on the guests' link: tells guests the prefix from which they make
 * their addresses, the MTU and the name server, and who has the NAT's addresses. RFC 4861; RFC
 * 4862, 5.4.3; RFC 8106, 5.1. What it tells, it tells to one MAC address, groups too (RFC 6085): a
 * guest that shall have no IPv6 hears nothing of it.
 */
final class NeighbourDiscovery extends Timers.Timer {
    static final int ROUTER_SOLICITATION = 133, ROUTER_ADVERTISEMENT = 134;
    static final int NEIGHBOUR_SOLICITATION = 135, NEIGHBOUR_ADVERTISEMENT = 136;

    /** Router lifetimes are three of them. RFC 4861, 6.2.1. */
    static final long ADVERTISEMENT_NANOS = TimeUnit.SECONDS.toNanos(600);

    static final int SOLICITATION_BYTES = 24, ADVERTISEMENT_BYTES = 16;

    // Offsets in both kinds of neighbour messages.
    static final int FLAGS = 4, TARGET = 8;
    static final int ROUTER = 0x8000_0000, SOLICITED = 0x4000_0000, OVERRIDE = 0x2000_0000;

    // Options: type, length in units of eight bytes, value.
    static final int OPTION_SOURCE_MAC = 1, OPTION_TARGET_MAC = 2, OPTION_PREFIX = 3;
    static final int OPTION_MTU = 5, OPTION_DNS = 25;
    private static final int MAC_OPTION_BYTES = 8, PREFIX_OPTION_BYTES = 32;
    private static final int MTU_OPTION_BYTES = 8, DNS_OPTION_BYTES = 24;
    private static final int ON_LINK = 0x80, AUTONOMOUS = 0x40;
    private static final int ROUTER_SECONDS = 1800;
    private static final int VALID_SECONDS = 30 * 86_400, PREFERRED_SECONDS = 7 * 86_400;

    /** Guests that are told again before what they were told expires. */
    private static final int MAX_TOLD = 1024;

    private final Ipv6Output output;
    private final Ipv6Neighbours neighbours;
    private final Timers timers;
    private final NatClock clock;
    private final Set<Long> told = new HashSet<>(); // MAC addresses

    NeighbourDiscovery(
            Ipv6Output output, Ipv6Neighbours neighbours, Timers timers, NatClock clock) {
        this.output = output;
        this.neighbours = neighbours;
        this.timers = timers;
        this.clock = clock;
        output.solicitor(this::ask);
    }

    static boolean isItsType(int type) {
        return type >= ROUTER_SOLICITATION && type <= NEIGHBOUR_ADVERTISEMENT;
    }

    boolean learn(Ipv6Address address, long mac) {
        return neighbours.learn(address, mac);
    }

    /** Takes a message whose checksum is right. */
    void receive(Ipv6Packet packet, int type, long sourceMac) {
        if (packet.hopLimit != Ipv6.LINK_HOP_LIMIT || !neighbours.mayUse(sourceMac)) {
            return;
        }
        boolean nameless = packet.source.equals(Ipv6Address.ANY);
        if (!nameless && !neighbours.learn(packet.source, sourceMac)) {
            return;
        }
        keepTold(sourceMac);
        if (type == ROUTER_SOLICITATION) {
            advertiseRouter(sourceMac);
        } else if (type == NEIGHBOUR_SOLICITATION && packet.payloadBytes >= SOLICITATION_BYTES) {
            Ipv6Address target = Ipv6Address.readFrom(packet.bytes, packet.payloadOffset + TARGET);
            if (Ipv6.isOwn(target)) {
                advertise(target, nameless ? Ipv6Address.ALL_NODES : packet.source, sourceMac);
            } else if (nameless) {
                neighbours.announce(target, sourceMac);
            }
        }
        // An answer to our own question: its sender was learned above.
    }

    /** Whoever speaks of neighbours has a router, which it may have heard of from another NAT. */
    private void keepTold(long mac) {
        if (told.size() < MAX_TOLD) {
            told.add(mac);
        }
        if (!armed()) {
            timers.arm(this, clock.now() + ADVERTISEMENT_NANOS);
        }
    }

    /** Guests are told again. */
    @Override
    void expired(long now) {
        told.forEach(this::advertiseRouter);
        if (!told.isEmpty()) {
            timers.arm(this, now + ADVERTISEMENT_NANOS);
        }
    }

    void forget(long mac) {
        told.remove(mac);
        neighbours.forget(mac);
    }

    private void advertiseRouter(long mac) {
        int options = MAC_OPTION_BYTES + MTU_OPTION_BYTES + PREFIX_OPTION_BYTES + DNS_OPTION_BYTES;
        ByteBuf packet =
                output.allocate(ADVERTISEMENT_BYTES + options)
                        .writeByte(ROUTER_ADVERTISEMENT)
                        .writeByte(0)
                        .writeShort(0) // checksum
                        .writeByte(Ipv6.DEFAULT_HOP_LIMIT)
                        .writeByte(0) // no DHCP
                        .writeShort(ROUTER_SECONDS)
                        .writeLong(0); // no times of reachability
        writeMac(packet, OPTION_SOURCE_MAC);
        packet.writeByte(OPTION_MTU).writeByte(1).writeShort(0).writeInt(output.mtu());
        packet.writeByte(OPTION_PREFIX)
                .writeByte(PREFIX_OPTION_BYTES / 8)
                .writeByte(Ipv6.PREFIX_BITS)
                .writeByte(ON_LINK | AUTONOMOUS)
                .writeInt(VALID_SECONDS)
                .writeInt(PREFERRED_SECONDS)
                .writeInt(0) // reserved
                .writeLong(Ipv6.PREFIX)
                .writeLong(0);
        packet.writeByte(OPTION_DNS)
                .writeByte(DNS_OPTION_BYTES / 8)
                .writeShort(0) // reserved
                .writeInt(ROUTER_SECONDS)
                .writeLong(Ipv6.DNS.high())
                .writeLong(Ipv6.DNS.low());
        output.sendOnLink(mac, Ipv6.ROUTER, Ipv6Address.ALL_NODES, packet);
    }

    private void advertise(Ipv6Address own, Ipv6Address to, long mac) {
        boolean asked = !to.equals(Ipv6Address.ALL_NODES);
        ByteBuf packet =
                output.allocate(SOLICITATION_BYTES + MAC_OPTION_BYTES)
                        .writeByte(NEIGHBOUR_ADVERTISEMENT)
                        .writeByte(0)
                        .writeShort(0) // checksum
                        .writeInt(ROUTER | OVERRIDE | (asked ? SOLICITED : 0))
                        .writeLong(own.high())
                        .writeLong(own.low());
        writeMac(packet, OPTION_TARGET_MAC);
        output.sendOnLink(mac, own, to, packet);
    }

    /** Asks who has an address of guests; the answer is learned. */
    void ask(Ipv6Address guest) {
        if (!Ipv6.isGuest(guest)) {
            return;
        }
        ByteBuf packet =
                output.allocate(SOLICITATION_BYTES + MAC_OPTION_BYTES)
                        .writeByte(NEIGHBOUR_SOLICITATION)
                        .writeByte(0)
                        .writeInt(0) // checksum, reserved
                        .writeShort(0)
                        .writeLong(guest.high())
                        .writeLong(guest.low());
        writeMac(packet, OPTION_SOURCE_MAC);
        Ipv6Address group = guest.solicitedNode();
        output.sendOnLink(group.groupMac(), Ipv6.ROUTER, group, packet);
    }

    private static void writeMac(ByteBuf packet, int option) {
        packet.writeByte(option).writeByte(1);
        packet.writerIndex(packet.writerIndex() + Mac.BYTES);
        Ethernet.setMac(packet, packet.writerIndex() - Mac.BYTES, Ipv4Output.OWN_MAC);
    }
}

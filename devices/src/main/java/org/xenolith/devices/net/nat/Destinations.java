package org.xenolith.devices.net.nat;

import java.net.InetAddress;
import java.net.InetSocketAddress;

/** Where on the host a guest's packet goes, and where it may not go. */
final class Destinations {
    private final NatConfig config;
    private final Subnet subnet;
    private final HostNetwork host;
    private final DnsForwarder dns;

    Destinations(NatConfig config, HostNetwork host, DnsForwarder dns) {
        this.config = config;
        this.subnet = config.subnet();
        this.host = host;
        this.dns = dns;
    }

    int gateway() {
        return subnet.gateway();
    }

    boolean isDns(IpPacket packet, int port) {
        return port == DnsMessage.PORT
                && switch (packet) {
                    case Ipv4Packet to -> to.destination == subnet.dns();
                    case Ipv6Packet to -> to.destination.equals(Ipv6.DNS);
                };
    }

    /** Whether the guests are locked in and this would lead out. */
    boolean prohibited(IpPacket packet) {
        return config.restrict()
                && !switch (packet) {
                    case Ipv4Packet to -> subnet.contains(to.destination);
                    case Ipv6Packet to -> Ipv6.isOnLink(to.destination);
                };
    }

    /** The address to connect to, or null when nothing is there for guests. */
    InetSocketAddress toHost(IpPacket packet, int port) {
        InetAddress host =
                switch (packet) {
                    case Ipv4Packet to -> hostOf(to.destination);
                    case Ipv6Packet to -> hostOf(to.destination);
                };
        return host == null || port == 0 || config.restrict()
                ? null
                : new InetSocketAddress(host, port);
    }

    private InetAddress hostOf(int destination) {
        if (destination == subnet.gateway()) {
            return config.hostLoopback() ? Ipv4.toInetAddress(Ipv4.LOOPBACK) : null;
        }
        boolean outside = !subnet.contains(destination) && Ipv4.isUnicastOutside(destination);
        return outside ? Ipv4.toInetAddress(destination) : null;
    }

    private InetAddress hostOf(Ipv6Address destination) {
        if (destination.equals(Ipv6.GATEWAY)) {
            return config.hostLoopback() ? Ipv6Address.LOOPBACK.toInetAddress() : null;
        }
        boolean outside = !Ipv6.isOnLink(destination) && destination.isUnicastOutside();
        return outside ? destination.toInetAddress() : null;
    }

    /**
     * @param to a host address, or null for the name server in here
     */
    HostStream connect(InetSocketAddress to, HostStream.Events events) {
        return to == null ? dns.openStream(events) : host.connect(to, events);
    }
}

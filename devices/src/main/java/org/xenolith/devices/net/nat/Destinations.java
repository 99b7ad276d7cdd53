package org.xenolith.devices.net.nat;

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

    boolean isDns(int destination, int port) {
        return destination == subnet.dns() && port == DnsMessage.PORT;
    }

    /** Whether the guests are locked in and this would lead out. */
    boolean prohibited(int destination) {
        return config.restrict() && !subnet.contains(destination);
    }

    /** The address to connect to, or null when nothing is there for guests. */
    InetSocketAddress toHost(int destination, int port) {
        if (port == 0) {
            return null;
        }
        if (destination == subnet.gateway()) {
            boolean open = config.hostLoopback() && !config.restrict();
            return open ? new InetSocketAddress(Ipv4.toInetAddress(Ipv4.LOOPBACK), port) : null;
        }
        boolean outside = !subnet.contains(destination) && Ipv4.isUnicastOutside(destination);
        return outside && !config.restrict()
                ? new InetSocketAddress(Ipv4.toInetAddress(destination), port)
                : null;
    }

    /**
     * @param to a host address, or null for the name server in here
     */
    HostStream connect(InetSocketAddress to, HostStream.Events events) {
        return to == null ? dns.openStream(events) : host.connect(to, events);
    }
}

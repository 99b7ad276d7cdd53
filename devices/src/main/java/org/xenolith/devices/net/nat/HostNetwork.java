package org.xenolith.devices.net.nat;

import java.net.InetSocketAddress;

/** Opens sockets of the host. Tests put a network of their own in its place. */
interface HostNetwork {
    /** Starts to connect; the outcome is an event, which never comes before this returns. */
    HostStream connect(InetSocketAddress to, HostStream.Events events);

    /** A socket that sends to one address and hears from that one only. */
    HostDatagrams openDatagrams(InetSocketAddress to, HostDatagrams.Events events);
}

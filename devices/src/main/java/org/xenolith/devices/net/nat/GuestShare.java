package org.xenolith.devices.net.nat;

/** What one guest has of the connections that all share; half of each limit at most. */
final class GuestShare {
    final long mac; // 0 for guests that were not known yet
    int connections;
    int halfOpen; // opened by the guest and not complete

    GuestShare(long mac) {
        this.mac = mac;
    }
}

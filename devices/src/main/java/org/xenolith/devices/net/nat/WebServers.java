package org.xenolith.devices.net.nat;

import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandler;

import org.xenolith.devices.net.proxy.GuestDirectory;

import java.util.List;
import java.util.Optional;

/** The NAT's guests for the reverse proxy: connections to them without a socket in between. */
final class WebServers implements GuestDirectory {
    private final UserModeNat nat;
    private final Leases leases;
    private final int port;

    WebServers(UserModeNat nat, Leases leases, int port) {
        this.nat = nat;
        this.leases = leases;
        this.port = port;
    }

    @Override
    public List<String> names() {
        return leases.names();
    }

    @Override
    public Optional<ChannelFuture> connect(String name, ChannelHandler handler) {
        return leases.addressOf(name) == Leases.NO_ADDRESS
                ? Optional.empty()
                : Optional.of(nat.connectToGuest(name, port, handler));
    }
}

package org.xenolith.devices.net.proxy;

import io.netty.bootstrap.Bootstrap;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelOption;
import io.netty.channel.socket.nio.NioSocketChannel;

import org.xenolith.devices.net.NetworkLoop;

import java.net.InetSocketAddress;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;

/** Guests that are reached at addresses of the host, as forwarded ports are. */
public final class SocketDirectory implements GuestDirectory {
    private final NetworkLoop network;
    private final Supplier<Map<String, InetSocketAddress>> addresses;

    /**
     * @param addresses by name, in the order to show; asked anew each time
     */
    public SocketDirectory(
            NetworkLoop network, Supplier<Map<String, InetSocketAddress>> addresses) {
        this.network = network;
        this.addresses = addresses;
    }

    @Override
    public List<String> names() {
        return List.copyOf(addresses.get().keySet());
    }

    @Override
    public Optional<ChannelFuture> connect(String name, ChannelHandler handler) {
        return Optional.ofNullable(addresses.get().get(name))
                .map(
                        address ->
                                new Bootstrap()
                                        .group(network.eventLoop())
                                        .channel(NioSocketChannel.class)
                                        .option(ChannelOption.TCP_NODELAY, true)
                                        .handler(handler)
                                        .connect(address));
    }
}

package org.xenolith.devices.net.proxy;

import io.netty.bootstrap.Bootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelOption;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.netty.util.concurrent.Future;
import io.netty.util.concurrent.Promise;

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
    public Optional<Future<Channel>> connect(String name) {
        return Optional.ofNullable(addresses.get().get(name)).map(this::connect);
    }

    private Future<Channel> connect(InetSocketAddress address) {
        Promise<Channel> connected = network.eventLoop().newPromise();
        ChannelFuture attempt =
                new Bootstrap()
                        .group(network.eventLoop())
                        .channel(NioSocketChannel.class)
                        .option(ChannelOption.TCP_NODELAY, true)
                        .option(ChannelOption.AUTO_READ, false)
                        .handler(new ChannelInboundHandlerAdapter())
                        .connect(address);
        attempt.addListener(
                done -> {
                    if (done.isSuccess()) {
                        connected.setSuccess(attempt.channel());
                    } else {
                        connected.setFailure(done.cause());
                    }
                });
        return connected;
    }
}

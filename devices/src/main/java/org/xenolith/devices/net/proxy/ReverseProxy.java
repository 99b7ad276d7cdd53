package org.xenolith.devices.net.proxy;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.handler.codec.http.HttpDecoderConfig;
import io.netty.handler.codec.http.HttpServerCodec;
import io.netty.handler.flow.FlowControlHandler;
import io.netty.handler.timeout.IdleStateHandler;

import org.xenolith.devices.net.NetworkLoop;

import java.io.IOException;
import java.net.InetSocketAddress;

/**
 * Makes each guest's web server reachable by name on one port of the host: what stands before
 * {@code .localhost} in a request's Host selects the guest, or else its first label. Browsers
 * resolve {@code *.localhost} to this machine.
 *
 * <p>Connections are kept alive, bodies are streamed, WebSockets and other upgrades pass. A client
 * that only ends its sending gets the answers to all that it has sent, and a tunnel passes the end
 * of a direction on. A client that resets its connection takes the one to the guest with it; one
 * that has gone in order looks as if it waited, until it is sent something or nothing has moved for
 * five minutes. A guest may take as long until its answer begins. A request that could be read in
 * two ways (two lengths, a length and chunks, bare line feeds) is refused, because proxy and guest
 * might read it differently.
 */
public final class ReverseProxy implements AutoCloseable {
    private static final int MAX_INITIAL_LINE_BYTES = 8 << 10;
    private static final int MAX_HEADER_BYTES = 32 << 10;
    static final int IDLE_SECONDS = 75;

    private final Channel listener;

    private ReverseProxy(Channel listener) {
        this.listener = listener;
    }

    /**
     * @param local where to listen; the loopback address keeps other machines out
     * @throws IOException with a sentence if the address cannot be had
     */
    public static ReverseProxy open(
            NetworkLoop network, InetSocketAddress local, GuestDirectory guests)
            throws IOException {
        ChannelFuture future =
                new ServerBootstrap()
                        .group(network.eventLoop())
                        .channel(NioServerSocketChannel.class)
                        .option(ChannelOption.SO_REUSEADDR, true)
                        .childOption(ChannelOption.TCP_NODELAY, true)
                        .childOption(ChannelOption.AUTO_READ, false)
                        .childOption(ChannelOption.ALLOW_HALF_CLOSURE, true)
                        .childHandler(new Initializer(guests))
                        .bind(local)
                        .awaitUninterruptibly();
        if (!future.isSuccess()) {
            throw new IOException(
                    "Cannot listen on "
                            + local.getHostString()
                            + ":"
                            + local.getPort()
                            + " for the guests' web servers: "
                            + future.cause().getMessage(),
                    future.cause());
        }
        return new ReverseProxy(future.channel());
    }

    public InetSocketAddress localAddress() {
        return (InetSocketAddress) listener.localAddress();
    }

    /** Connections that are open live on until they end, or their loop does. */
    @Override
    public void close() {
        listener.close();
    }

    private static final class Initializer extends ChannelInitializer<Channel> {
        private final GuestDirectory guests;

        Initializer(GuestDirectory guests) {
            this.guests = guests;
        }

        @Override
        protected void initChannel(Channel channel) {
            HttpDecoderConfig limits =
                    new HttpDecoderConfig()
                            .setMaxInitialLineLength(MAX_INITIAL_LINE_BYTES)
                            .setMaxHeaderSize(MAX_HEADER_BYTES);
            int port = ((InetSocketAddress) channel.localAddress()).getPort();
            channel.pipeline()
                    .addLast(
                            new IdleStateHandler(0, 0, IDLE_SECONDS),
                            new HttpServerCodec(limits),
                            new ReadAhead(),
                            new FlowControlHandler(), // one part of a request for each read
                            new Frontend(guests, limits, port));
        }
    }
}

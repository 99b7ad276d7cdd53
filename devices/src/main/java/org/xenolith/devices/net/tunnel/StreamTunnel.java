package org.xenolith.devices.net.tunnel;

import io.netty.bootstrap.Bootstrap;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.channel.AdaptiveRecvByteBufAllocator;
import io.netty.channel.Channel;
import io.netty.channel.ChannelConfig;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoop;
import io.netty.channel.RecvByteBufAllocator;
import io.netty.channel.socket.nio.NioChannelOption;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.netty.handler.codec.LengthFieldBasedFrameDecoder;
import io.netty.handler.codec.LengthFieldPrepender;
import io.netty.util.internal.logging.InternalLogger;
import io.netty.util.internal.logging.InternalLoggerFactory;

import jdk.net.ExtendedSocketOptions;

import org.xenolith.devices.net.NetworkLoop;
import org.xenolith.devices.net.PortSettings;
import org.xenolith.devices.net.SwitchPort;
import org.xenolith.devices.net.VirtualSwitch;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.concurrent.TimeUnit;

/**
 * A port whose frames travel over a TCP connection, each behind its length in four bytes, highest
 * first: {@code -netdev stream} and {@code -netdev socket} of QEMU. One peer at a time. When the
 * connection ends, for whatever reason, the side that connected tries again and the side that
 * listens waits for it.
 *
 * <p>A peer whose machine has died says nothing: silence is asked into after a while, and one that
 * takes nothing for long makes way for the next. It may have been stopped only, so that nothing
 * else ends its connection.
 */
public final class StreamTunnel implements AutoCloseable {
    /** As QEMU has it: 64 KiB and room for headers. */
    static final int MAX_FRAME_BYTES = (64 << 10) + 4096;

    /** So much is read at once when it comes: some of the largest frames, hundreds of segments. */
    private static final int MAX_READ_BYTES = 256 << 10, FIRST_READ_BYTES = 16 << 10;

    private static final int LEAST_READ_BYTES = 2 << 10;

    static final long RECONNECT_MILLIS = 1_000;

    /** After so much silence the peer's machine is asked, so often, before it counts as gone. */
    private static final int SILENT_SECONDS = 15, ASK_SECONDS = 5, ASKED = 3;

    /** A peer that takes nothing for so long has stalled. */
    private static final long STALL_MILLIS = 30_000;

    private static final int LENGTH_BYTES = 4;
    private static final InternalLogger LOG = InternalLoggerFactory.getInstance(StreamTunnel.class);

    private final String name;
    private final SocketEndpoint endpoint;
    private final SwitchPort port;
    private final EventLoop loop;
    private Channel listener; // null on the side that connects
    private Channel connection; // of the loop's thread, as what follows
    private WriteStall stall; // of the connection
    private boolean closed;

    private StreamTunnel(
            NetworkLoop network, VirtualSwitch ports, String name, PortSettings settings) {
        this.name = name;
        loop = network.eventLoop();
        endpoint = new SocketEndpoint(loop, SocketEndpoint.Frames.LARGE);
        port = ports.connect(name, endpoint, settings);
        endpoint.plugInto(port);
    }

    /**
     * Waits for a peer.
     *
     * @throws IOException with a sentence if the address cannot be had
     */
    public static StreamTunnel listen(
            NetworkLoop network,
            VirtualSwitch ports,
            String name,
            InetSocketAddress local,
            PortSettings settings)
            throws IOException {
        return listen(network, ports, name, local, settings, STALL_MILLIS);
    }

    /**
     * As {@link #listen(NetworkLoop, VirtualSwitch, String, InetSocketAddress, PortSettings)}.
     *
     * @param stallMillis for how long a peer may take nothing and keep others out
     */
    static StreamTunnel listen(
            NetworkLoop network,
            VirtualSwitch ports,
            String name,
            InetSocketAddress local,
            PortSettings settings,
            long stallMillis)
            throws IOException {
        StreamTunnel tunnel = new StreamTunnel(network, ports, name, settings);
        try {
            tunnel.listener =
                    Sockets.await(
                            new ServerBootstrap()
                                    .group(tunnel.loop)
                                    .channel(NioServerSocketChannel.class)
                                    .option(ChannelOption.SO_REUSEADDR, true)
                                    .childOption(ChannelOption.TCP_NODELAY, true)
                                    .childOption(ChannelOption.RECVBUF_ALLOCATOR, largeReads())
                                    .childHandler(tunnel.new Initializer(stallMillis, false))
                                    .bind(local),
                            "Cannot listen for a network peer on " + Sockets.text(local));
            return tunnel;
        } catch (IOException e) {
            tunnel.port.close();
            throw e;
        }
    }

    /** Connects to a peer, now or as soon as there is one: returns at once. */
    public static StreamTunnel connect(
            NetworkLoop network,
            VirtualSwitch ports,
            String name,
            InetSocketAddress remote,
            PortSettings settings) {
        StreamTunnel tunnel = new StreamTunnel(network, ports, name, settings);
        Bootstrap bootstrap =
                new Bootstrap()
                        .group(tunnel.loop)
                        .channel(NioSocketChannel.class)
                        .option(ChannelOption.TCP_NODELAY, true)
                        .option(ChannelOption.RECVBUF_ALLOCATOR, largeReads())
                        .handler(tunnel.new Initializer(STALL_MILLIS, true))
                        .remoteAddress(remote);
        tunnel.loop.execute(() -> tunnel.connect(bootstrap));
        return tunnel;
    }

    private static RecvByteBufAllocator largeReads() {
        return new AdaptiveRecvByteBufAllocator(LEAST_READ_BYTES, FIRST_READ_BYTES, MAX_READ_BYTES);
    }

    /** The host's own settings let two hours of silence pass. */
    private static void noticeSilence(ChannelConfig config) {
        config.setOption(ChannelOption.SO_KEEPALIVE, true);
        config.setOption(NioChannelOption.of(ExtendedSocketOptions.TCP_KEEPIDLE), SILENT_SECONDS);
        config.setOption(NioChannelOption.of(ExtendedSocketOptions.TCP_KEEPINTERVAL), ASK_SECONDS);
        config.setOption(NioChannelOption.of(ExtendedSocketOptions.TCP_KEEPCOUNT), ASKED);
    }

    private void connect(Bootstrap bootstrap) {
        if (closed) {
            return;
        }
        ChannelFuture attempt = bootstrap.connect();
        connection = attempt.channel();
        connection
                .closeFuture()
                .addListener(
                        ended ->
                                loop.schedule(
                                        () -> connect(bootstrap),
                                        RECONNECT_MILLIS,
                                        TimeUnit.MILLISECONDS));
    }

    /** Where the listening side listens; null on the side that connects. */
    public InetSocketAddress localAddress() {
        return listener == null ? null : (InetSocketAddress) listener.localAddress();
    }

    @Override
    public void close() {
        port.close();
        if (listener != null) {
            listener.close();
        }
        loop.execute(
                () -> {
                    closed = true;
                    if (connection != null) {
                        connection.close();
                    }
                });
    }

    private final class Initializer extends ChannelInitializer<Channel> {
        private final long stallMillis;
        private final boolean connects;

        /**
         * @param connects whether a connection can be made anew from here
         */
        Initializer(long stallMillis, boolean connects) {
            this.stallMillis = stallMillis;
            this.connects = connects;
        }

        @Override
        protected void initChannel(Channel channel) {
            if (closed || endpoint.hasPeer() && !stall.isStalled()) {
                channel.close(); // the peer that was there first stays
                return;
            }
            if (endpoint.hasPeer()) {
                connection.close();
            }
            noticeSilence(channel.config());
            connection = channel;
            stall = new WriteStall(stallMillis, connects ? channel::close : () -> {});
            channel.pipeline()
                    .addLast(
                            stall,
                            new FrameDecoder(),
                            new LengthFieldPrepender(LENGTH_BYTES),
                            endpoint.new Handler(),
                            new Failures());
        }
    }

    private static final class FrameDecoder extends LengthFieldBasedFrameDecoder {
        FrameDecoder() {
            // Fails fast: the length of a frame that is too large is not waited for.
            super(MAX_FRAME_BYTES + LENGTH_BYTES, 0, LENGTH_BYTES, 0, LENGTH_BYTES);
        }

        @Override
        protected ByteBuf extractFrame(
                ChannelHandlerContext context, ByteBuf buffer, int index, int length) {
            // No slice: a small frame would keep everything that was read together with it.
            return context.alloc().buffer(length).writeBytes(buffer, index, length);
        }
    }

    /** A length that cannot be, or a connection that breaks, ends the connection and no more. */
    private final class Failures extends ChannelInboundHandlerAdapter {
        @Override
        public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
            LOG.debug("Network peer of {} is disconnected: {}", name, cause.getMessage());
            context.close();
        }
    }
}

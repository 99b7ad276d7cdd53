package org.xenolith.devices.net.tunnel;

import io.netty.bootstrap.Bootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.FixedRecvByteBufAllocator;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.channel.socket.DatagramPacket;
import io.netty.channel.socket.nio.NioDatagramChannel;

import org.xenolith.devices.net.NetworkLoop;
import org.xenolith.devices.net.PortSettings;
import org.xenolith.devices.net.SwitchPort;
import org.xenolith.devices.net.VirtualSwitch;

import java.io.IOException;
import java.net.BindException;
import java.net.InetSocketAddress;

/**
 * A port whose frames travel as UDP datagrams, one each, without any header of ours: {@code -netdev
 * dgram} and {@code -netdev socket,udp=} of QEMU. UDP loses frames when a side is slow.
 */
public final class UdpTunnel implements AutoCloseable {
    private static final int MAX_DATAGRAM_BYTES = 65_507;

    /** So many are read before others have their turn; segments among them may be joined. */
    private static final int DATAGRAMS_PER_READ = 64;

    private final SwitchPort port;
    private final Channel socket;

    private UdpTunnel(SwitchPort port, Channel socket) {
        this.port = port;
        this.socket = socket;
    }

    /**
     * @param local where this side receives
     * @param remote where the other side does; datagrams from elsewhere are ignored
     * @throws IOException with a sentence if the socket cannot be had
     */
    public static UdpTunnel open(
            NetworkLoop network,
            VirtualSwitch ports,
            String name,
            InetSocketAddress local,
            InetSocketAddress remote,
            PortSettings settings)
            throws IOException {
        SocketEndpoint endpoint =
                new SocketEndpoint(network.eventLoop(), SocketEndpoint.Frames.SMALL);
        SwitchPort port = ports.connect(name, endpoint, settings);
        endpoint.plugInto(port);
        try {
            return new UdpTunnel(port, bind(network, endpoint, local, remote));
        } catch (IOException e) {
            port.close();
            throw e;
        }
    }

    private static Channel bind(
            NetworkLoop network,
            SocketEndpoint endpoint,
            InetSocketAddress local,
            InetSocketAddress remote)
            throws IOException {
        Bootstrap bootstrap =
                new Bootstrap()
                        .group(network.eventLoop())
                        .channel(NioDatagramChannel.class)
                        .option(
                                ChannelOption.RECVBUF_ALLOCATOR,
                                new FixedRecvByteBufAllocator(MAX_DATAGRAM_BYTES)
                                        .maxMessagesPerRead(DATAGRAMS_PER_READ))
                        .handler(
                                new ChannelInitializer<>() {
                                    @Override
                                    protected void initChannel(Channel channel) {
                                        channel.pipeline()
                                                .addLast(new Unpack(), endpoint.new Handler());
                                    }
                                });
        // Connected, so that the kernel ignores strangers and says when nobody listens.
        ChannelFuture opened = bootstrap.connect(remote, local).awaitUninterruptibly();
        if (isOfBind(opened.cause())) {
            throw new IOException(
                    "Cannot open a UDP tunnel to %s, for its local address %s cannot be had: %s"
                            .formatted(
                                    Sockets.text(remote),
                                    Sockets.text(local),
                                    opened.cause().getCause().getMessage()),
                    opened.cause());
        }
        return Sockets.await(
                opened,
                "Cannot open a UDP tunnel from "
                        + Sockets.text(local)
                        + " to "
                        + Sockets.text(remote));
    }

    /** Netty adds the remote address to all that fails at a connect, and keeps the error below. */
    private static boolean isOfBind(Throwable failure) {
        return failure != null && failure.getCause() instanceof BindException;
    }

    /** Where this side receives. */
    public InetSocketAddress localAddress() {
        return (InetSocketAddress) socket.localAddress();
    }

    @Override
    public void close() {
        port.close();
        socket.close();
    }

    private static final class Unpack extends SimpleChannelInboundHandler<DatagramPacket> {
        @Override
        protected void channelRead0(ChannelHandlerContext context, DatagramPacket packet) {
            // A copy of the right size: the buffer had to be made for the largest datagram.
            ByteBuf bytes = packet.content();
            context.fireChannelRead(
                    context.alloc().buffer(bytes.readableBytes()).writeBytes(bytes));
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
            // Nobody listens on the other side yet, or no longer: the next datagram may reach it.
        }
    }
}

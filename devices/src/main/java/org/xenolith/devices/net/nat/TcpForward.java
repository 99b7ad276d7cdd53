package org.xenolith.devices.net.nat;

import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.EventLoop;
import io.netty.channel.socket.DuplexChannel;
import io.netty.channel.socket.nio.NioServerSocketChannel;

import java.net.ConnectException;
import java.net.Inet6Address;
import java.net.InetSocketAddress;
import java.net.SocketAddress;

/**
 * A listening TCP socket of the host; each connection to it becomes one to the guest, over IPv6
 * where it came over IPv6 and the guest takes it.
 */
final class TcpForward extends ChannelInboundHandlerAdapter {
    private final NatStack stack;
    private final String guest;
    private final int guestPort;
    private final EventLoop loop;

    private TcpForward(NatStack stack, String guest, int guestPort, EventLoop loop) {
        this.stack = stack;
        this.guest = guest;
        this.guestPort = guestPort;
        this.loop = loop;
    }

    static ChannelFuture listen(
            NatStack stack, String guest, int guestPort, EventLoop loop, SocketAddress address) {
        NioServerSocketChannel server = new NioServerSocketChannel();
        server.pipeline().addLast(new TcpForward(stack, guest, guestPort, loop));
        loop.register(server);
        return server.bind(address).addListener(ChannelFutureListener.CLOSE_ON_FAILURE);
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object accepted) {
        DuplexChannel channel = (DuplexChannel) accepted;
        NettyStream.configure(channel);
        Opening opening = new Opening(channel);
        channel.pipeline().addLast(opening.stream);
        loop.register(channel).addListener(registered -> opening.start(registered.isSuccess()));
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
        // The host has no descriptor left for this one; the next may be luckier.
    }

    private final class Opening implements GuestOpener.End, TcpHandshake.Opener {
        private final Channel channel;
        private final NettyStream stream;
        private GuestOpener opener;

        Opening(DuplexChannel channel) {
            this.channel = channel;
            this.stream = new NettyStream(channel, new NotYet(this));
        }

        void start(boolean registered) {
            if (registered) {
                opener =
                        isOverIpv6()
                                ? GuestOpener.openOverIpv6(stack, guest, guestPort, this, this)
                                : GuestOpener.open(stack, guest, guestPort, this, this);
            }
        }

        /** A socket of {@code ::} may take connections over IPv4 too. */
        private boolean isOverIpv6() {
            return channel.remoteAddress() instanceof InetSocketAddress peer
                    && peer.getAddress() instanceof Inet6Address;
        }

        @Override
        public HostStream stream() {
            return stream;
        }

        @Override
        public void opening(TcpConnection connection) {
            stream.events(connection.host());
        }

        @Override
        public void opened() {
            // The connection reads from the socket now.
        }

        @Override
        public void failed(ConnectException cause) {
            stream.reset(); // as a port that nobody listens on
        }
    }

    /** The socket broke before there was a connection to the guest; nothing else can come. */
    private record NotYet(Opening opening) implements HostStream.Events {
        @Override
        public void connected() {
            throw new IllegalStateException("an accepted socket connected");
        }

        @Override
        public void failed(Throwable cause) {
            throw new IllegalStateException("an accepted socket connected", cause);
        }

        @Override
        public void received(ByteBuf bytes) {
            bytes.release();
        }

        @Override
        public void receivedAll() {
            // there is no connection to send on
        }

        @Override
        public void ended() {
            // seen again when the connection reads
        }

        @Override
        public void broken() {
            opening.opener.cancel();
        }

        @Override
        public void written() {
            // nothing was
        }
    }
}

package org.xenolith.devices.net.nat;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelException;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoop;
import io.netty.channel.FixedRecvByteBufAllocator;
import io.netty.channel.socket.nio.NioDatagramChannel;
import io.netty.channel.socket.nio.NioSocketChannel;

import java.net.InetSocketAddress;

/** The host's sockets, on the NAT's event loop. */
final class NettyHost implements HostNetwork {
    private static final int CONNECT_TIMEOUT_MILLIS = 20_000;

    private final EventLoop loop;

    NettyHost(EventLoop loop) {
        this.loop = loop;
    }

    @Override
    public HostStream connect(InetSocketAddress to, HostStream.Events events) {
        NioSocketChannel channel;
        try {
            channel = new NioSocketChannel();
        } catch (ChannelException noDescriptorLeft) {
            loop.execute(() -> events.failed(noDescriptorLeft));
            return new NoStream();
        }
        NettyStream stream = new NettyStream(channel, events);
        NettyStream.configure(channel);
        channel.config().setConnectTimeoutMillis(CONNECT_TIMEOUT_MILLIS);
        channel.pipeline().addLast(stream);
        loop.register(channel);
        stream.connect(to);
        return stream;
    }

    @Override
    public HostDatagrams openDatagrams(InetSocketAddress to, HostDatagrams.Events events) {
        NioDatagramChannel channel;
        try {
            channel = new NioDatagramChannel();
        } catch (ChannelException noDescriptorLeft) {
            return new NoDatagrams();
        }
        NettyDatagrams datagrams = new NettyDatagrams(channel, events);
        channel.config()
                .setOption(
                        ChannelOption.RECVBUF_ALLOCATOR,
                        new FixedRecvByteBufAllocator(Ipv4.MAX_PACKET_BYTES));
        channel.pipeline().addLast(datagrams);
        loop.register(channel);
        channel.connect(to); // at once: a datagram socket only notes the address
        return datagrams;
    }

    /** In place of a socket that could not be opened. */
    private static final class NoDatagrams implements HostDatagrams {
        @Override
        public void send(ByteBuf payload) {
            payload.release();
        }

        @Override
        public void close() {
            // there is nothing
        }
    }

    /** In place of a socket that could not be opened; its failure is on the way. */
    private static final class NoStream implements HostStream {
        @Override
        public void write(ByteBuf bytes) {
            bytes.release();
        }

        @Override
        public void flush() {
            // nothing is ever written
        }

        @Override
        public void read(boolean wanted) {
            // nothing ever comes
        }

        @Override
        public void shutdownOutput() {
            // there is no output
        }

        @Override
        public void close(Runnable gone) {
            gone.run();
        }

        @Override
        public void reset() {
            // there is nothing
        }
    }
}

package org.xenolith.devices.net.nat;

import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoop;
import io.netty.channel.FixedRecvByteBufAllocator;
import io.netty.channel.socket.DatagramPacket;
import io.netty.channel.socket.nio.NioDatagramChannel;

import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * A UDP socket of the host whose datagrams go to a guest. Each peer outside has a port of the
 * gateway towards the guest, so that answers find their way back.
 */
final class UdpForward extends ChannelInboundHandlerAdapter {
    private static final int FIRST_PORT = 32768, LAST_PORT = 49151;

    private final NatStack stack;
    private final String guest;
    private final int guestPort;
    private final Map<InetSocketAddress, UdpFlows.Flow> flows = new HashMap<>(); // by peer
    private Channel channel;
    private int nextPort = FIRST_PORT;

    private UdpForward(NatStack stack, String guest, int guestPort) {
        this.stack = stack;
        this.guest = guest;
        this.guestPort = guestPort;
    }

    static ChannelFuture listen(
            NatStack stack, String guest, int guestPort, EventLoop loop, SocketAddress address) {
        NioDatagramChannel socket = new NioDatagramChannel();
        UdpForward forward = new UdpForward(stack, guest, guestPort);
        forward.channel = socket;
        socket.config()
                .setOption(
                        ChannelOption.RECVBUF_ALLOCATOR,
                        new FixedRecvByteBufAllocator(Ipv4.MAX_PACKET_BYTES));
        socket.pipeline().addLast(forward);
        loop.register(socket);
        return socket.bind(address).addListener(ChannelFutureListener.CLOSE_ON_FAILURE);
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
        DatagramPacket datagram = (DatagramPacket) message;
        UdpFlows.Flow flow = flowOf(datagram.sender());
        if (flow == null) {
            datagram.release();
        } else {
            flow.received(datagram.content());
        }
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
        // A peer refused an answer; it is not the guest's business which of them did.
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) {
        List.copyOf(flows.values()).forEach(UdpFlows.Flow::close);
    }

    private UdpFlows.Flow flowOf(InetSocketAddress peer) {
        UdpFlows.Flow known = flows.get(peer);
        if (known != null && known.open()) {
            return known;
        }
        int address = stack.addressOfGuest(guest);
        if (address == Leases.NO_ADDRESS) {
            return null; // not there yet: a datagram may get lost
        }
        UdpFlows.Flow flow = null;
        for (int attempt = FIRST_PORT; attempt <= LAST_PORT && flow == null; attempt++) {
            flow = stack.udp().openToGuest(address, guestPort, takePort(), new Answers(peer));
        }
        if (flow != null) {
            flows.put(peer, flow);
        }
        return flow;
    }

    private int takePort() {
        int port = nextPort;
        nextPort = port == LAST_PORT ? FIRST_PORT : port + 1;
        return port;
    }

    /** The guest's answers to one peer. */
    private final class Answers implements HostDatagrams {
        private final InetSocketAddress peer;

        Answers(InetSocketAddress peer) {
            this.peer = peer;
        }

        @Override
        public void send(ByteBuf payload) {
            if (channel.isWritable()) {
                channel.writeAndFlush(new DatagramPacket(payload, peer), channel.voidPromise());
            } else {
                payload.release();
            }
        }

        @Override
        public void close() {
            flows.remove(peer);
        }
    }
}

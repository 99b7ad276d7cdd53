package org.xenolith.devices.net.nat;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.socket.DatagramPacket;
import io.netty.channel.socket.nio.NioDatagramChannel;

import java.net.PortUnreachableException;

/** A connected UDP socket of the host. */
final class NettyDatagrams extends ChannelInboundHandlerAdapter implements HostDatagrams {
    private final NioDatagramChannel channel;
    private final HostDatagrams.Events events;

    NettyDatagrams(NioDatagramChannel channel, HostDatagrams.Events events) {
        this.channel = channel;
        this.events = events;
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
        events.received(((DatagramPacket) message).content());
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
        if (cause instanceof PortUnreachableException) {
            events.refused();
        }
        // Any other error is a datagram that got lost, as datagrams do.
    }

    @Override
    public void send(ByteBuf payload) {
        if (channel.isConnected() && channel.isWritable()) {
            channel.writeAndFlush(payload, channel.voidPromise());
        } else {
            payload.release();
        }
    }

    @Override
    public void close() {
        channel.close();
    }
}

package org.xenolith.devices.net.tunnel;

import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.EventLoop;

import org.xenolith.devices.net.EthernetFrame;
import org.xenolith.devices.net.NetworkEndpoint;
import org.xenolith.devices.net.Offload;
import org.xenolith.devices.net.SwitchPort;

import java.util.ArrayDeque;
import java.util.Queue;

/**
 * Joins a port of the switch and a socket on the same event loop, with back-pressure both ways: a
 * socket that does not take more makes the port wait, a port that is full stops reading from the
 * socket. While there is no peer, frames for it are lost, as with a cable that is not plugged in.
 */
final class SocketEndpoint implements NetworkEndpoint {
    private final EventLoop loop;

    /** Received while the port was full. Reading stops with the first, so it stays short. */
    private final Queue<EthernetFrame> held = new ArrayDeque<>();

    private volatile SwitchPort port;
    private Channel peer; // null while there is none
    private boolean flushScheduled;

    SocketEndpoint(EventLoop loop) {
        this.loop = loop;
    }

    /** Before any frame comes from the socket. */
    void plugInto(SwitchPort plugged) {
        port = plugged;
    }

    @Override
    public boolean deliver(EthernetFrame frame) {
        Channel socket = peer;
        if (socket == null) {
            frame.release();
            return true;
        }
        if (!socket.isWritable()) {
            return false;
        }
        // A frame that does not fit into a datagram fails its own write, and is lost.
        Offload.toWire(frame, wire -> socket.write(wire.content()));
        if (!flushScheduled) {
            flushScheduled = true;
            loop.execute(this::flush);
        }
        return true;
    }

    private void flush() {
        flushScheduled = false;
        if (peer != null) {
            peer.flush();
        }
    }

    @Override
    public void writable() {
        loop.execute(this::sendHeld);
    }

    private void sendHeld() {
        for (EthernetFrame frame = held.peek(); frame != null; frame = held.peek()) {
            if (!port.send(frame)) {
                return;
            }
            held.remove();
        }
        if (peer != null) {
            peer.config().setAutoRead(true);
        }
    }

    private void received(EthernetFrame frame) {
        if (!held.isEmpty() || !port.send(frame)) {
            held.add(frame);
            peer.config().setAutoRead(false);
        }
    }

    boolean hasPeer() {
        return peer != null;
    }

    /** The last handler of the socket's pipeline; buffers that reach it are frames. */
    final class Handler extends ChannelInboundHandlerAdapter {
        @Override
        public void channelActive(ChannelHandlerContext context) {
            peer = context.channel();
            port.resume();
        }

        @Override
        public void channelRead(ChannelHandlerContext context, Object message) {
            received(new EthernetFrame((ByteBuf) message));
        }

        @Override
        public void channelWritabilityChanged(ChannelHandlerContext context) {
            port.resume();
        }

        @Override
        public void channelInactive(ChannelHandlerContext context) {
            peer = null;
            held.forEach(EthernetFrame::release);
            held.clear();
            port.resume(); // what waited for this peer is lost with it
        }
    }
}

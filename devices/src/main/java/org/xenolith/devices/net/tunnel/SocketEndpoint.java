package org.xenolith.devices.net.tunnel;

import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.EventLoop;

import org.xenolith.devices.net.EthernetFrame;
import org.xenolith.devices.net.EthernetFrame.Segmentation;
import org.xenolith.devices.net.NetworkEndpoint;
import org.xenolith.devices.net.Offload;
import org.xenolith.devices.net.SegmentMerger;
import org.xenolith.devices.net.SwitchPort;

import java.util.ArrayDeque;
import java.util.Queue;

/**
 * Joins a port of the switch and a socket on the same event loop, with back-pressure both ways: a
 * socket that does not take more makes the port wait, a port that is full stops reading from the
 * socket. While there is no peer, frames for it are lost, as with a cable that is not plugged in.
 *
 * <p>What a guest left to its card is done here before a frame leaves, and TCP segments that come
 * in together are joined; unless the peer is one of ours and both agree not to: {@link
 * TunnelProtocol}.
 */
final class SocketEndpoint implements NetworkEndpoint {
    /** Whether a frame may be as large as a TCP payload that is still to be cut. */
    enum Frames {
        SMALL,
        LARGE
    }

    private final EventLoop loop;
    private final Frames frames;
    private final SegmentMerger merger = new SegmentMerger(this::received);

    /** Received while the port was full. Reading stops with the first, so it stays short. */
    private final Queue<EthernetFrame> held = new ArrayDeque<>();

    private volatile SwitchPort port;
    private Channel peer; // null while there is none
    private boolean flushScheduled;

    /** Of the present peer: it was asked to take unfinished frames; was told that we do; does. */
    private boolean asked, answered, takesUnfinished;

    /**
     * @param frames what the tunnel can carry
     */
    SocketEndpoint(EventLoop loop, Frames frames) {
        this.loop = loop;
        this.frames = frames;
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
        write(socket, frame);
        if (!flushScheduled) {
            flushScheduled = true;
            loop.execute(this::flush);
        }
        return true;
    }

    private void write(Channel socket, EthernetFrame frame) {
        boolean finished = !frame.checksumPending() && frame.segmentation() == Segmentation.NONE;
        if (takesUnfinished && !finished) {
            ByteBuf pass = TunnelProtocol.pass(socket.alloc(), frame);
            if (pass != null) {
                socket.write(pass);
            }
            frame.release();
            return;
        }
        if (!finished && frames == Frames.LARGE && !asked) {
            asked = true;
            socket.write(TunnelProtocol.word(socket.alloc(), TunnelProtocol.ASK));
        }
        // A frame that does not fit into a datagram fails its own write, and is lost.
        Offload.toWire(frame, wire -> socket.write(wire.content()));
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

    /** Takes a buffer that is a frame, or a word of the peer to this end. */
    private void receive(ByteBuf bytes) {
        byte kind = frames == Frames.LARGE ? TunnelProtocol.kindOf(bytes) : 0;
        if (kind == 0) {
            merger.add(new EthernetFrame(bytes));
            return;
        }
        try {
            hear(kind, bytes);
        } finally {
            bytes.release();
        }
    }

    private void hear(byte kind, ByteBuf bytes) {
        if (kind == TunnelProtocol.PASS) {
            EthernetFrame frame = TunnelProtocol.passed(bytes);
            if (frame != null) {
                merger.add(frame);
            }
            return;
        }
        // Once: the answers to a peer that asks on and does not read would pile up here.
        if (kind == TunnelProtocol.ASK && !answered) {
            answered = true;
            peer.writeAndFlush(TunnelProtocol.word(peer.alloc(), TunnelProtocol.ACCEPT));
        }
        // Kinds that are not known yet are those of a peer newer than we are.
        takesUnfinished |= kind == TunnelProtocol.ASK || kind == TunnelProtocol.ACCEPT;
    }

    boolean hasPeer() {
        return peer != null;
    }

    /** The last handler of the socket's pipeline; buffers that reach it are frames. */
    final class Handler extends ChannelInboundHandlerAdapter {
        @Override
        public void channelActive(ChannelHandlerContext context) {
            forgetPeer(); // one that stalled makes way before its end has come here
            peer = context.channel();
            port.resume();
        }

        @Override
        public void channelRead(ChannelHandlerContext context, Object message) {
            receive((ByteBuf) message);
        }

        @Override
        public void channelReadComplete(ChannelHandlerContext context) {
            merger.flush();
        }

        @Override
        public void channelWritabilityChanged(ChannelHandlerContext context) {
            port.resume();
        }

        @Override
        public void channelInactive(ChannelHandlerContext context) {
            if (peer == context.channel()) {
                forgetPeer();
                port.resume(); // what waited for this peer is lost with it
            }
        }

        private void forgetPeer() {
            peer = null;
            asked = false;
            answered = false;
            takesUnfinished = false;
            merger.clear();
            held.forEach(EthernetFrame::release);
            held.clear();
        }
    }
}

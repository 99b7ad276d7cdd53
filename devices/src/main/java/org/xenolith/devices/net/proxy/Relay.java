package org.xenolith.devices.net.proxy;

import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.socket.ChannelInputShutdownEvent;
import io.netty.channel.socket.DuplexChannel;
import io.netty.handler.timeout.IdleStateEvent;

import java.util.concurrent.TimeUnit;

/**
 * One end of a connection that speaks HTTP no longer: bytes go to the other end, no faster than
 * that takes them. The end of a direction is passed on as well, and the other direction lives on.
 */
final class Relay extends ChannelInboundHandlerAdapter {
    /** How long an end may take to read what was said before the other end left. */
    private static final long LINGER_SECONDS = 60;

    private final Channel other;
    private Relay opposite;
    private boolean ended; // no bytes come from this end any more
    private int idle; // times in a row since one direction ended

    Relay(Channel other) {
        this.other = other;
    }

    /** Makes the two relays one connection. */
    void isOppositeOf(Relay relay) {
        opposite = relay;
        relay.opposite = this;
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
        other.write(message);
    }

    @Override
    public void channelReadComplete(ChannelHandlerContext context) {
        other.flush();
        if (other.isWritable()) {
            context.read();
        }
    }

    @Override
    public void channelWritabilityChanged(ChannelHandlerContext context) {
        if (context.channel().isWritable()) {
            other.read();
        }
    }

    @Override
    public void userEventTriggered(ChannelHandlerContext context, Object event) {
        if (event == ChannelInputShutdownEvent.INSTANCE) {
            end();
        } else if (event instanceof IdleStateEvent now && (ended || opposite.ended)) {
            idle = now.isFirst() ? 1 : idle + 1;
            if (idle >= Frontend.IDLE_TIMES) {
                context.close(); // an end that has gone looks like one that only sends no more
            }
        }
    }

    /** Nothing comes from this end any more, and it may still read. */
    void end() {
        ended = true;
        // Shut down before it is written, what waits would be lost.
        other.writeAndFlush(Unpooled.EMPTY_BUFFER).addListener(written -> passEnd());
    }

    private void passEnd() {
        if (!opposite.ended && other instanceof DuplexChannel socket) {
            socket.shutdownOutput();
        } else {
            other.close(); // which closes this end
        }
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) {
        ChannelFuture written = other.writeAndFlush(Unpooled.EMPTY_BUFFER);
        written.addListener(ChannelFutureListener.CLOSE);
        if (!written.isDone()) {
            other.eventLoop().schedule(() -> other.close(), LINGER_SECONDS, TimeUnit.SECONDS);
        }
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
        context.close(); // reset by the other side: both ends go
    }
}

package org.xenolith.devices.net.proxy;

import io.netty.channel.ChannelDuplexHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.socket.ChannelInputShutdownEvent;
import io.netty.handler.codec.http.HttpRequest;

/**
 * Below a {@code FlowControlHandler}: reads on from a client while nobody asks, up to a bound, for
 * only who reads hears that the client has gone, or sends no more.
 */
final class ReadAhead extends ChannelDuplexHandler {
    /** Parts of requests; each is a few KiB at most. */
    private static final int MOST_HELD = 16;

    /** The event that tells in place of a part that none follows. */
    static final Object END = new Object();

    private int held;
    private boolean wanted; // the handler above holds nothing and has asked
    private boolean ended;
    private boolean upgrading;

    /** The handler above asks when it holds nothing. */
    @Override
    public void read(ChannelHandlerContext context) {
        held = 0;
        if (ended) {
            context.fireUserEventTriggered(END);
        } else {
            wanted = true;
            context.read();
        }
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
        held++;
        wanted = false;
        if (message instanceof HttpRequest request) {
            upgrading = Headers.upgrade(request) != null;
        }
        context.fireChannelRead(message);
    }

    @Override
    public void channelReadComplete(ChannelHandlerContext context) {
        context.fireChannelReadComplete();
        // What follows a request to speak something else may be no HTTP any more.
        if (held < MOST_HELD && !upgrading && !ended) {
            context.read();
        }
    }

    @Override
    public void userEventTriggered(ChannelHandlerContext context, Object event) {
        context.fireUserEventTriggered(event);
        if (event == ChannelInputShutdownEvent.INSTANCE) {
            ended = true;
            if (wanted) {
                context.fireUserEventTriggered(END);
            }
        }
    }
}

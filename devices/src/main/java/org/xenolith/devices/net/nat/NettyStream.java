package org.xenolith.devices.net.nat;

import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelOption;
import io.netty.channel.socket.ChannelInputShutdownEvent;
import io.netty.channel.socket.DuplexChannel;

import java.net.SocketAddress;
import java.util.concurrent.TimeUnit;

/** A TCP socket of the host as the host's end of a guest's connection. */
final class NettyStream extends ChannelInboundHandlerAdapter implements HostStream {
    /** How long a closed socket may take to get rid of what was written. */
    private static final long LINGER_SECONDS = 60;

    private final DuplexChannel channel;
    private HostStream.Events events;
    private ByteBuf held; // written last, sent by flush
    private ChannelFuture sent; // of what was flushed last, null before
    private boolean silent; // no events any more
    private boolean ended;

    /**
     * @param channel its only user is this object
     */
    NettyStream(DuplexChannel channel, HostStream.Events events) {
        this.channel = channel;
        this.events = events;
    }

    /** The settings that a socket needs before it is registered. */
    static void configure(Channel channel) {
        channel.config().setOption(ChannelOption.AUTO_READ, false);
        channel.config().setOption(ChannelOption.ALLOW_HALF_CLOSURE, true);
        channel.config().setOption(ChannelOption.TCP_NODELAY, true);
    }

    /** For an accepted socket: who hears of it from now on. */
    void events(HostStream.Events events) {
        this.events = events;
    }

    void connect(SocketAddress to) {
        channel.connect(to)
                .addListener(
                        outcome -> channel.eventLoop().execute(() -> connected(outcome.cause())));
    }

    private void connected(Throwable cause) {
        if (silent) {
            channel.close();
        } else if (cause == null) {
            events.connected();
        } else {
            silent = true;
            events.failed(cause);
        }
    }

    // ---- events of the socket

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
        if (silent) {
            ((ByteBuf) message).release();
        } else {
            events.received((ByteBuf) message);
        }
    }

    @Override
    public void channelReadComplete(ChannelHandlerContext context) {
        if (!silent) {
            events.receivedAll();
        }
    }

    @Override
    public void userEventTriggered(ChannelHandlerContext context, Object event) {
        if (event == ChannelInputShutdownEvent.INSTANCE && !silent && !ended) {
            ended = true;
            events.ended();
        }
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
        breakOff(); // a reset by the host's peer; there is nobody else to tell
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) {
        breakOff();
    }

    private void breakOff() {
        if (!silent) {
            reset();
            events.broken();
        }
    }

    // ---- what the guest's connection asks

    @Override
    public void write(ByteBuf bytes) {
        ByteBuf before = held;
        held = bytes;
        if (before != null) {
            channel.write(before, channel.voidPromise());
        }
    }

    @Override
    public void flush() {
        send();
        if (sent != null) {
            sent.addListener(outcome -> written(outcome.isSuccess()));
        }
    }

    private void send() {
        if (held != null) {
            ByteBuf last = held;
            held = null; // a write that fails resets the stream before it returns
            sent = channel.writeAndFlush(last);
        }
    }

    private void written(boolean success) {
        if (!success) {
            breakOff();
        } else if (!silent) {
            events.written();
        }
    }

    @Override
    public void read(boolean wanted) {
        channel.config().setAutoRead(wanted);
    }

    @Override
    public void shutdownOutput() {
        channel.shutdownOutput();
    }

    @Override
    public void close(Runnable gone) {
        channel.closeFuture().addListener(closed -> gone.run());
        silent = true;
        send();
        if (sent == null || sent.isDone()) {
            channel.close();
        } else {
            sent.addListener(outcome -> channel.close());
            channel.eventLoop().schedule(() -> channel.close(), LINGER_SECONDS, TimeUnit.SECONDS);
        }
    }

    @Override
    public void reset() {
        silent = true;
        if (held != null) {
            held.release();
            held = null;
        }
        if (channel.isActive()) {
            channel.config().setOption(ChannelOption.SO_LINGER, 0); // close sends a reset
        }
        channel.close();
    }
}

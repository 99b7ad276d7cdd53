package org.xenolith.devices.net;

import io.netty.channel.ChannelDuplexHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelPromise;

import java.util.concurrent.TimeUnit;

/** Records what passes a port in both directions, as the endpoint in it sends and receives it. */
final class CaptureHandler extends ChannelDuplexHandler {
    /** How far a reader of the file may lag; without traffic nothing wakes up. */
    static final long FLUSH_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

    private final PcapFile file;
    private final Runnable flushTask = this::flush;
    private boolean flushScheduled;

    CaptureHandler(PcapFile file) {
        this.file = file;
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
        record(context, (EthernetFrame) message);
        context.fireChannelRead(message);
    }

    @Override
    public void write(ChannelHandlerContext context, Object message, ChannelPromise promise) {
        record(context, (EthernetFrame) message);
        context.write(message, promise);
    }

    private void record(ChannelHandlerContext context, EthernetFrame frame) {
        file.record(frame);
        if (!flushScheduled) {
            flushScheduled = true;
            context.executor().schedule(flushTask, FLUSH_NANOS, TimeUnit.NANOSECONDS);
        }
    }

    private void flush() {
        flushScheduled = false;
        file.flush();
    }

    @Override
    public void handlerRemoved(ChannelHandlerContext context) {
        file.flush();
    }
}

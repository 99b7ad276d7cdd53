package org.xenolith.devices.net.tunnel;

import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.util.concurrent.Future;

import java.util.concurrent.TimeUnit;

/**
 * Notices a peer that has left no room for a while. Its machine may be gone: then TCP's own
 * patience lasts a quarter of an hour, and keepalive is silent while something waits to be sent.
 */
final class WriteStall extends ChannelInboundHandlerAdapter {
    private final long patienceMillis;
    private final Runnable onStall;
    private Future<?> timer; // null while there is room
    private boolean stalled;

    /**
     * @param patienceMillis longer than ports make others wait
     * @param onStall runs on the channel's loop, once in each stall
     */
    WriteStall(long patienceMillis, Runnable onStall) {
        this.patienceMillis = patienceMillis;
        this.onStall = onStall;
    }

    /** Whether it lasts. */
    boolean isStalled() {
        return stalled;
    }

    @Override
    public void channelWritabilityChanged(ChannelHandlerContext context) {
        end();
        if (!context.channel().isWritable()) {
            timer = context.executor().schedule(this::begin, patienceMillis, TimeUnit.MILLISECONDS);
        }
        context.fireChannelWritabilityChanged();
    }

    private void begin() {
        stalled = true;
        onStall.run();
    }

    private void end() {
        stalled = false;
        if (timer != null) {
            timer.cancel(false);
            timer = null;
        }
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) {
        end();
        context.fireChannelInactive();
    }
}

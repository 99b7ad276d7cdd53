package org.xenolith.devices.net;

import io.netty.channel.ChannelConfig;
import io.netty.channel.MessageSizeEstimator;
import io.netty.channel.WriteBufferWaterMark;

/**
 * How much waits in each direction of a port. One number bounds frames and bytes: a frame counts as
 * {@link #MINIMUM_CHARGE} bytes at least, which is what it may occupy with its objects and the
 * buffer it is a slice of.
 */
final class QueueLimits {
    /** Full; 16 of the largest frames or some 500 small ones. */
    static final int HIGH_BYTES = 1 << 20;

    /** There is room again only when this is left, so that nobody is woken for each frame. */
    static final int LOW_BYTES = HIGH_BYTES / 2;

    static final int MINIMUM_CHARGE = 2048;

    private static final MessageSizeEstimator.Handle CHARGE =
            message -> message instanceof EthernetFrame frame ? charge(frame) : 0;

    private QueueLimits() {}

    static int charge(EthernetFrame frame) {
        return Math.max(MINIMUM_CHARGE, frame.content().readableBytes());
    }

    /** Makes Netty's queue of a channel obey. */
    static void applyTo(ChannelConfig config) {
        config.setWriteBufferWaterMark(new WriteBufferWaterMark(LOW_BYTES, HIGH_BYTES));
        config.setMessageSizeEstimator(() -> CHARGE);
    }
}

package org.xenolith.devices.net;

import io.netty.channel.ChannelDuplexHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelPromise;

import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/** Makes a port an impaired line, by the clock of its event loop. */
final class ImpairmentHandler extends ChannelDuplexHandler {
    private final Direction fromEndpoint;
    private final Direction toEndpoint;
    private ChannelHandlerContext context;

    /** One way through the port: a line, and the timer for what arrives next on it. */
    private final class Direction {
        final Line line;
        final Consumer<EthernetFrame> onward;
        final Runnable afterwards;
        private boolean scheduled;

        Direction(Line line, Consumer<EthernetFrame> onward, Runnable afterwards) {
            this.line = line;
            this.onward = onward;
            this.afterwards = afterwards;
        }

        void put(EthernetFrame frame) {
            line.put(frame, now(), onward);
            arrive();
        }

        private void arrive() {
            boolean any = false;
            for (EthernetFrame frame = line.take(now()); frame != null; frame = line.take(now())) {
                onward.accept(frame);
                any = true;
            }
            if (any) {
                afterwards.run();
            }
            if (!line.isEmpty() && !scheduled) {
                scheduled = true;
                context.executor()
                        .schedule(
                                this::timerFired,
                                line.nextArrivalNanos() - now(),
                                TimeUnit.NANOSECONDS);
            }
        }

        private void timerFired() {
            scheduled = false;
            arrive();
        }
    }

    ImpairmentHandler(Impairment impairment, PortCounters counters) {
        SplittableRandom chance = new SplittableRandom(impairment.seed());
        fromEndpoint =
                new Direction(
                        new Line(impairment, chance.split(), counters.sentDropped::increment),
                        frame -> context.fireChannelRead(frame),
                        () -> context.fireChannelReadComplete());
        toEndpoint =
                new Direction(
                        new Line(impairment, chance.split(), counters.receivedDropped::increment),
                        frame -> arriveAtEndpoint(frame, counters),
                        () -> context.flush());
    }

    private void arriveAtEndpoint(EthernetFrame frame, PortCounters counters) {
        if (context.channel().isWritable()) {
            context.write(frame, context.voidPromise());
        } else {
            counters.receivedDropped.increment();
            frame.release();
        }
    }

    private long now() {
        return context.executor().ticker().nanoTime();
    }

    @Override
    public void handlerAdded(ChannelHandlerContext added) {
        context = added;
    }

    @Override
    public void channelRead(ChannelHandlerContext ignored, Object message) {
        fromEndpoint.put((EthernetFrame) message);
    }

    @Override
    public void write(ChannelHandlerContext ignored, Object message, ChannelPromise promise) {
        toEndpoint.put((EthernetFrame) message);
    }

    @Override
    public void handlerRemoved(ChannelHandlerContext ignored) {
        fromEndpoint.line.cut();
        toEndpoint.line.cut();
    }
}

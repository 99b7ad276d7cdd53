package org.xenolith.devices.net;

import java.util.ArrayDeque;
import java.util.Queue;
import java.util.SplittableRandom;
import java.util.function.Consumer;

/**
 * One direction of an impaired line: frames go in with a time, and come out later, or not at all.
 * It has no clock of its own.
 */
final class Line {
    /** What may be on the line: 100 ms at 320 Mbit/s. A guest must not fill the heap. */
    static final int MAX_BYTES = 4 << 20;

    private static final long NANOS_PER_SECOND = 1_000_000_000L;

    private final Impairment impairment;
    private final SplittableRandom chance;
    private final Runnable lost;
    private final Queue<Travelling> onTheWay = new ArrayDeque<>();
    private int bytes;
    private long lastArrivalNanos = Long.MIN_VALUE;

    /** When the line will have sent all it was given, at its rate; may lie in the past. */
    private long sentNanos = Long.MIN_VALUE;

    private record Travelling(EthernetFrame frame, long arrivalNanos) {}

    /**
     * @param lost is told of each frame that does not arrive
     */
    Line(Impairment impairment, SplittableRandom chance, Runnable lost) {
        this.impairment = impairment;
        this.chance = chance;
        this.lost = lost;
    }

    /**
     * Puts a frame on the line.
     *
     * @param overtaking takes it if it arrives at once, before others that are on the way
     */
    void put(EthernetFrame frame, long nowNanos, Consumer<EthernetFrame> overtaking) {
        if (happens(impairment.loss())) {
            lose(frame);
            return;
        }
        if (happens(impairment.duplicate())) {
            travel(frame.replace(frame.content().retainedDuplicate()), nowNanos, overtaking);
        }
        travel(frame, nowNanos, overtaking);
    }

    private void travel(EthernetFrame frame, long nowNanos, Consumer<EthernetFrame> overtaking) {
        int charge = QueueLimits.charge(frame);
        long departure = departure(frame, nowNanos);
        if (departure < 0 || bytes + charge > MAX_BYTES) {
            lose(frame);
            return;
        }
        if (happens(impairment.reorder())) {
            overtaking.accept(frame);
            return;
        }
        long arrival = Math.max(nowNanos + departure + delay(), lastArrivalNanos);
        lastArrivalNanos = arrival;
        bytes += charge;
        onTheWay.add(new Travelling(frame, arrival));
    }

    /** Nanoseconds from now until the line has sent the frame, -1 if it would wait too long. */
    private long departure(EthernetFrame frame, long nowNanos) {
        if (impairment.bitsPerSecond() == 0) {
            return 0;
        }
        long cost =
                frame.content().readableBytes()
                        * 8L
                        * NANOS_PER_SECOND
                        / impairment.bitsPerSecond();
        // A token bucket that is full of BURST_NANOS: an idle line is as if it were ahead by that
        // much.
        long start = Math.max(sentNanos, nowNanos - Impairment.BURST_NANOS);
        if (start - nowNanos > Impairment.MAX_WAIT_NANOS) {
            return -1;
        }
        sentNanos = start + cost;
        return Math.max(0, sentNanos - nowNanos);
    }

    private long delay() {
        long jitter = impairment.jitterNanos();
        long variation = jitter == 0 ? 0 : chance.nextLong(-jitter, jitter + 1);
        return Math.max(0, impairment.delayNanos() + variation);
    }

    private boolean happens(double share) {
        return share > 0 && chance.nextDouble() < share;
    }

    private void lose(EthernetFrame frame) {
        lost.run();
        frame.release();
    }

    boolean isEmpty() {
        return onTheWay.isEmpty();
    }

    /** When the next frame arrives; there must be one. */
    long nextArrivalNanos() {
        return onTheWay.element().arrivalNanos();
    }

    /** The next frame that has arrived, or null. */
    EthernetFrame take(long nowNanos) {
        if (onTheWay.isEmpty() || nextArrivalNanos() > nowNanos) {
            return null;
        }
        EthernetFrame frame = onTheWay.remove().frame();
        bytes -= QueueLimits.charge(frame);
        return frame;
    }

    /** Loses what is on the way. */
    void cut() {
        onTheWay.forEach(travelling -> travelling.frame().release());
        onTheWay.clear();
        bytes = 0;
    }
}

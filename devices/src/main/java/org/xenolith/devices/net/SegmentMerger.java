package org.xenolith.devices.net;

import io.netty.buffer.ByteBuf;

import org.xenolith.devices.net.EthernetFrame.Segmentation;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/**
 * Joins TCP segments that a cable brought one after the other into one frame, the reverse of {@link
 * Offload}: what a guest does for a frame, it then does once instead of forty times. Linux calls it
 * GRO.
 *
 * <p>Only what {@link Offload#toWire} would cut into the same segments again is joined: in order,
 * without a gap, equal in all headers but sequence number, identification, lengths and checksums,
 * and with checksums that are right, since nobody looks at them later. Frames of one flow stay in
 * order; those of different flows may pass each other.
 *
 * <p>Not thread-safe. Nothing is kept for longer than its user lets it: {@link #flush} ends a
 * batch.
 */
public final class SegmentMerger {
    /** Flows that are joined side by side; one more ends the oldest. */
    private static final int MAX_RUNS = 8;

    private static final int MAX_PACKET_BYTES = 65_535;

    private final Consumer<EthernetFrame> out;
    private final List<Run> runs = new ArrayList<>(MAX_RUNS);

    /**
     * @param out takes the frames, with a reference each
     */
    public SegmentMerger(Consumer<EthernetFrame> out) {
        this.out = out;
    }

    /** Takes a frame, with its reference. */
    public void add(EthernetFrame frame) {
        Packet packet = Packet.in(frame.content());
        if (packet == null || packet.protocol() != Packet.TCP) {
            out.accept(frame);
            return;
        }
        TcpFrame segment = new TcpFrame(frame, packet);
        Run run = runOf(segment);
        if (run != null && run.continuesWith(segment)) {
            run.add(segment);
            if (run.isComplete()) {
                end(run);
            }
            return;
        }
        if (run != null) {
            end(run);
        }
        if (segment.mayBegin()) {
            begin(segment);
        } else {
            out.accept(frame);
        }
    }

    private Run runOf(TcpFrame segment) {
        for (Run run : runs) {
            if (run.first.isOfFlowOf(segment)) {
                return run;
            }
        }
        return null;
    }

    private void begin(TcpFrame segment) {
        if (runs.size() == MAX_RUNS) {
            end(runs.getFirst());
        }
        runs.add(new Run(segment));
    }

    private void end(Run run) {
        runs.remove(run);
        out.accept(run.joined());
    }

    /** Gives away all that was kept to be joined. */
    public void flush() {
        while (!runs.isEmpty()) {
            end(runs.getFirst());
        }
    }

    /** Drops what was kept. */
    public void clear() {
        runs.forEach(Run::release);
        runs.clear();
    }

    /** Segments of one flow that follow each other. */
    private static final class Run {
        final TcpFrame first;
        private final List<TcpFrame> segments = new ArrayList<>();
        private int payloadBytes;

        Run(TcpFrame first) {
            this.first = first;
            segments.add(first);
            payloadBytes = first.payloadBytes();
        }

        boolean continuesWith(TcpFrame next) {
            return next.sequence() == first.sequence() + payloadBytes
                    && next.payloadBytes() <= first.payloadBytes()
                    && next.packetBytesWith(payloadBytes) <= MAX_PACKET_BYTES
                    && first.agreesWith(next)
                    && next.mayFollow();
        }

        /** A smaller segment can only be the last; so does the sender mean one that is pushed. */
        boolean isComplete() {
            TcpFrame last = segments.getLast();
            return last.payloadBytes() < first.payloadBytes() || last.isPushed();
        }

        void add(TcpFrame segment) {
            segments.add(segment);
            payloadBytes += segment.payloadBytes();
        }

        EthernetFrame joined() {
            if (segments.size() == 1) {
                return first.frame();
            }
            ByteBuf bytes = first.joined(segments, payloadBytes);
            EthernetFrame joined =
                    new EthernetFrame(
                            bytes,
                            true,
                            first.packet().v6() ? Segmentation.TCP_V6 : Segmentation.TCP_V4,
                            first.payloadBytes());
            release();
            return joined;
        }

        void release() {
            segments.forEach(segment -> segment.frame().release());
        }
    }
}

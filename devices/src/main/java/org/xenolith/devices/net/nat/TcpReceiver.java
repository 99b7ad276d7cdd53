package org.xenolith.devices.net.nat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;

/**
 * What the guest sends on one connection: the window it may fill, segments out of order, and the
 * bytes in order until the host takes them. RFC 9293, 3.10.7.4 and 3.8.6.
 */
final class TcpReceiver {
    /** Our window scale: windows up to 2 MiB in steps of 32 bytes. */
    static final int WINDOW_SCALE = 5;

    private static final int MAX_WINDOW_FIELD = 0xffff;

    private final BufferBudget budget;
    private final ByteQueue toHost;
    private OutOfOrder outOfOrder; // null until the first gap
    private int next; // RCV.NXT
    private int edge; // right edge of the window the guest was told; it never moves back
    private int scale; // 0 when the guest knows no window scaling
    private int atHost; // bytes given to the host and not taken by it yet
    private int finAt;
    private boolean finKnown;
    private boolean finTaken;

    TcpReceiver(ByteBufAllocator allocator, BufferBudget budget) {
        this.budget = budget;
        this.toHost = new ByteQueue(allocator, budget);
    }

    /** The guest's SYN is here. */
    void start(int initialSequence, boolean scaling) {
        next = initialSequence + 1;
        edge = next;
        scale = scaling ? WINDOW_SCALE : 0;
    }

    int next() {
        return next;
    }

    /** Whether the guest's FIN, and all before it, has arrived. */
    boolean finished() {
        return finTaken;
    }

    ByteQueue toHost() {
        return toHost;
    }

    /** Whether any part of the segment, or its bare acknowledgement, lies within the window. */
    boolean acceptable(TcpSegment segment) {
        int end = segment.sequence + segment.sequenceBytes();
        return !TcpSegment.before(end, next) && !TcpSegment.before(edge, segment.sequence);
    }

    /**
     * Takes what is new and within the window.
     *
     * @return whether the guest has to hear what is expected next
     */
    boolean accept(TcpSegment segment) {
        int end = segment.sequence + segment.payloadBytes;
        if (segment.has(TcpSegment.FIN) && !finKnown && !TcpSegment.before(edge, end)) {
            finKnown = true;
            finAt = end;
        }
        int limit = finKnown && TcpSegment.before(finAt, edge) ? finAt : edge;
        int skip = Math.max(0, next - segment.sequence);
        int from = segment.sequence + skip;
        int length = Math.min(segment.payloadBytes - skip, limit - from);
        if (length > 0) {
            take(from, segment.packet, segment.payloadOffset + skip, length);
        }
        if (finKnown && !finTaken && next == finAt) {
            finTaken = true;
            next++;
        }
        return segment.sequenceBytes() > 0 || segment.sequence != next;
    }

    private void take(int sequence, ByteBuf packet, int offset, int length) {
        if (sequence == next) {
            toHost.append(packet.retainedSlice(offset, length), packet.capacity());
            next += length;
            if (outOfOrder != null) {
                next = outOfOrder.takeFrom(next, toHost);
                dropIfEmpty();
            }
            return;
        }
        if (outOfOrder == null) {
            outOfOrder = new OutOfOrder(budget);
        }
        outOfOrder.add(sequence, packet, offset, length, edge - next);
    }

    private void dropIfEmpty() {
        if (outOfOrder.isEmpty()) {
            outOfOrder = null;
        }
    }

    /** Whether the host can be given the bytes in order: one batch at a time. */
    boolean hostIsReady() {
        return atHost == 0 && toHost.bytes() > 0;
    }

    /** The bytes in order go to the host. */
    void handOver(HostStream host) {
        atHost += toHost.bytes();
        budget.take(toHost.bytes());
        toHost.drainTo(host::write);
    }

    void hostHasTaken() {
        budget.giveBack(atHost);
        atHost = 0;
    }

    /**
     * What the host has not taken is not this connection's any more.
     *
     * @return how many bytes, to be given back to the budget by somebody else
     */
    int leaveAtHost() {
        int left = atHost;
        atHost = 0;
        return left;
    }

    /** Whether nothing of the guest is on its way to the host any more. */
    boolean drained() {
        return atHost == 0 && toHost.bytes() == 0;
    }

    /** Whether the window has opened so far that the guest should be told unasked. */
    boolean windowUpdateDue() {
        return !finTaken && room() - (edge - next) >= budget.share() / 4;
    }

    /** The window for the next segment to the guest, as the header wants it. */
    int advertise() {
        int room = Math.min(room(), MAX_WINDOW_FIELD << scale);
        int newEdge = next + (room & -1 << scale);
        if (TcpSegment.before(edge, newEdge)) {
            edge = newEdge;
        }
        return Math.min(edge - next >> scale, MAX_WINDOW_FIELD);
    }

    /** The window of a SYN, which is never scaled. */
    int advertiseInSyn() {
        edge = next + Math.min(room(), MAX_WINDOW_FIELD);
        return edge - next;
    }

    private int room() {
        return Math.max(0, budget.share() - toHost.bytes() - atHost);
    }

    void release() {
        toHost.release();
        hostHasTaken();
        if (outOfOrder != null) {
            outOfOrder.release();
            outOfOrder = null;
        }
    }
}

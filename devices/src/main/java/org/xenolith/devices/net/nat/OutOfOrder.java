package org.xenolith.devices.net.nat;

import io.netty.buffer.ByteBuf;

import java.util.ArrayList;
import java.util.List;

/**
 * Segments that came before one that is missing, by sequence number. They may overlap; what is
 * there twice is cut when it is taken out. Both their number and their bytes are bounded, where a
 * small one counts as what it occupies: beyond that a segment is dropped, and its sender will send
 * it again.
 */
final class OutOfOrder {
    static final int MAX_SEGMENTS = 512;

    /** What one occupies at least, with its objects. */
    private static final int MINIMUM_CHARGE = 512;

    private record Piece(int sequence, ByteBuf bytes) {
        static int charge(int length) {
            return Math.max(length, MINIMUM_CHARGE);
        }

        int end() {
            return sequence + bytes.readableBytes();
        }
    }

    private final BufferBudget budget;
    private final List<Piece> pieces = new ArrayList<>();
    private int chargedBytes;

    OutOfOrder(BufferBudget budget) {
        this.budget = budget;
    }

    boolean isEmpty() {
        return pieces.isEmpty();
    }

    /**
     * Copies the bytes: whoever waits here may wait for long, and a frame may be larger than they.
     *
     * @param limitBytes most that may wait, each counted with its charge
     */
    void add(int sequence, ByteBuf packet, int offset, int length, int limitBytes) {
        int place = pieces.size();
        while (place > 0 && TcpSegment.before(sequence, pieces.get(place - 1).sequence)) {
            place--;
        }
        boolean known =
                place > 0 && !TcpSegment.before(pieces.get(place - 1).end(), sequence + length);
        int charge = Piece.charge(length);
        if (known || pieces.size() == MAX_SEGMENTS || chargedBytes + charge > limitBytes) {
            return;
        }
        ByteBuf copy = packet.alloc().buffer(length, length).writeBytes(packet, offset, length);
        pieces.add(place, new Piece(sequence, copy));
        chargedBytes += charge;
        budget.take(charge);
    }

    /**
     * Moves what has become contiguous to the queue.
     *
     * @param next sequence number that the queue waits for
     * @return the one for which it waits afterwards
     */
    int takeFrom(int next, ByteQueue queue) {
        int reached = next;
        int taken = 0;
        while (taken < pieces.size() && !TcpSegment.before(reached, pieces.get(taken).sequence)) {
            Piece piece = pieces.get(taken++);
            int charge = Piece.charge(piece.bytes.readableBytes());
            chargedBytes -= charge;
            budget.giveBack(charge);
            if (TcpSegment.before(reached, piece.end())) {
                piece.bytes.skipBytes(reached - piece.sequence);
                reached += piece.bytes.readableBytes();
                queue.append(piece.bytes);
            } else {
                piece.bytes.release();
            }
        }
        pieces.subList(0, taken).clear();
        return reached;
    }

    void release() {
        for (Piece piece : pieces) {
            piece.bytes.release();
        }
        pieces.clear();
        budget.giveBack(chargedBytes);
        chargedBytes = 0;
    }
}

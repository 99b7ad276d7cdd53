package org.xenolith.pv.netback;

import org.xenolith.pv.ring.Wire;

import java.lang.foreign.MemorySegment;

/**
 * A piece of a packet to send: {@code struct netif_tx_request}, public/io/netif.h.
 *
 * @param offset in the granted frame, 0 to 65535 as written
 * @param size of the piece; in the first one of a packet, that of the whole packet
 */
record NetifTxRequest(int gref, int offset, int flags, int id, int size) {
    static final int SIZE = 12;
    private static final int GREF = 0, OFFSET = 4, FLAGS = 6, ID = 8, SIZE_FIELD = 10;

    static NetifTxRequest readFrom(MemorySegment slot) {
        return new NetifTxRequest(
                slot.get(Wire.INT, GREF),
                Short.toUnsignedInt(slot.get(Wire.SHORT, OFFSET)),
                Short.toUnsignedInt(slot.get(Wire.SHORT, FLAGS)),
                Short.toUnsignedInt(slot.get(Wire.SHORT, ID)),
                Short.toUnsignedInt(slot.get(Wire.SHORT, SIZE_FIELD)));
    }

    void writeTo(MemorySegment slot) {
        slot.set(Wire.INT, GREF, gref);
        slot.set(Wire.SHORT, OFFSET, (short) offset);
        slot.set(Wire.SHORT, FLAGS, (short) flags);
        slot.set(Wire.SHORT, ID, (short) id);
        slot.set(Wire.SHORT, SIZE_FIELD, (short) size);
    }

    boolean has(int flag) {
        return (flags & flag) != 0;
    }

    /** The same piece, when it is the first: without the bytes of the others. */
    NetifTxRequest withSize(int bytes) {
        return new NetifTxRequest(gref, offset, flags, id, bytes);
    }
}

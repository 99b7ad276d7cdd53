package org.xenolith.pv.netback;

import org.xenolith.pv.ring.Wire;

import java.lang.foreign.MemorySegment;

/**
 * {@code struct netif_rx_response}, public/io/netif.h.
 *
 * @param status bytes in the frame, or a negative {@code NETIF_RSP_*}
 */
record NetifRxResponse(int id, int offset, int flags, int status) {
    static final int SIZE = 8;
    private static final int ID = 0, OFFSET = 2, FLAGS = 4, STATUS = 6;

    static NetifRxResponse readFrom(MemorySegment slot) {
        return new NetifRxResponse(
                Short.toUnsignedInt(slot.get(Wire.SHORT, ID)),
                Short.toUnsignedInt(slot.get(Wire.SHORT, OFFSET)),
                Short.toUnsignedInt(slot.get(Wire.SHORT, FLAGS)),
                slot.get(Wire.SHORT, STATUS));
    }

    void writeTo(MemorySegment slot) {
        slot.set(Wire.SHORT, ID, (short) id);
        slot.set(Wire.SHORT, OFFSET, (short) offset);
        slot.set(Wire.SHORT, FLAGS, (short) flags);
        slot.set(Wire.SHORT, STATUS, (short) status);
    }
}

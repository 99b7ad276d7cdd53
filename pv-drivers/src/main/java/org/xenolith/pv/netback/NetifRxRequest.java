package org.xenolith.pv.netback;

import org.xenolith.pv.ring.Wire;

import java.lang.foreign.MemorySegment;

/** A frame to receive into: {@code struct netif_rx_request}, public/io/netif.h. */
record NetifRxRequest(int id, int gref) {
    static final int SIZE = 8;
    private static final int ID = 0, GREF = 4;

    static NetifRxRequest readFrom(MemorySegment slot) {
        return new NetifRxRequest(
                Short.toUnsignedInt(slot.get(Wire.SHORT, ID)), slot.get(Wire.INT, GREF));
    }

    void writeTo(MemorySegment slot) {
        slot.set(Wire.SHORT, ID, (short) id);
        slot.set(Wire.INT, GREF, gref);
    }
}

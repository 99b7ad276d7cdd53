package org.xenolith.pv.netback;

import org.xenolith.pv.ring.Wire;

import java.lang.foreign.MemorySegment;

/** {@code struct netif_tx_response}, public/io/netif.h. */
record NetifTxResponse(int id, int status) {
    static final int SIZE = 4;
    private static final int ID = 0, STATUS = 2;

    static NetifTxResponse readFrom(MemorySegment slot) {
        return new NetifTxResponse(
                Short.toUnsignedInt(slot.get(Wire.SHORT, ID)), slot.get(Wire.SHORT, STATUS));
    }

    void writeTo(MemorySegment slot) {
        slot.set(Wire.SHORT, ID, (short) id);
        slot.set(Wire.SHORT, STATUS, (short) status);
    }
}

package org.xenolith.pv.blkback;

import org.xenolith.pv.ring.Wire;

import java.lang.foreign.MemorySegment;

/** {@code struct blkif_response}, public/io/blkif.h, x86-64 ABI. */
record BlkifResponse(long id, int operation, int status) {
    static final int SIZE = 16;
    private static final int ID = 0, OPERATION = 8, STATUS = 10;

    static BlkifResponse readFrom(MemorySegment slot) {
        return new BlkifResponse(
                slot.get(Wire.LONG, ID),
                Byte.toUnsignedInt(slot.get(Wire.BYTE, OPERATION)),
                slot.get(Wire.SHORT, STATUS));
    }

    void writeTo(MemorySegment slot) {
        slot.set(Wire.LONG, ID, id);
        slot.set(Wire.BYTE, OPERATION, (byte) operation);
        slot.set(Wire.SHORT, STATUS, (short) status);
    }
}

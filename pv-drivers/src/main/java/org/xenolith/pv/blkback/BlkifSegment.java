package org.xenolith.pv.blkback;

import org.xenolith.devices.block.BlockImage;
import org.xenolith.pv.host.GrantedFrame;
import org.xenolith.pv.ring.Wire;

import java.lang.foreign.MemorySegment;

/**
 * A run of sectors in one granted frame: {@code struct blkif_request_segment}, public/io/blkif.h.
 *
 * @param firstSect first sector of the frame, 0 to 7 if the guest is honest
 * @param lastSect last sector, included
 */
record BlkifSegment(int gref, int firstSect, int lastSect) {
    static final int SIZE = 8;
    private static final int GREF = 0, FIRST_SECT = 4, LAST_SECT = 5;
    private static final int SECTORS_PER_FRAME = GrantedFrame.SIZE / BlockImage.SECTOR_BYTES;

    static BlkifSegment readFrom(MemorySegment copy, long at) {
        return new BlkifSegment(
                copy.get(Wire.INT, at + GREF),
                Byte.toUnsignedInt(copy.get(Wire.BYTE, at + FIRST_SECT)),
                Byte.toUnsignedInt(copy.get(Wire.BYTE, at + LAST_SECT)));
    }

    void writeTo(MemorySegment page, long at) {
        page.set(Wire.INT, at + GREF, gref);
        page.set(Wire.BYTE, at + FIRST_SECT, (byte) firstSect);
        page.set(Wire.BYTE, at + LAST_SECT, (byte) lastSect);
    }

    boolean isValid() {
        return firstSect <= lastSect && lastSect < SECTORS_PER_FRAME;
    }

    /** Where it begins in the frame, in bytes. */
    int offset() {
        return firstSect * BlockImage.SECTOR_BYTES;
    }

    int lengthBytes() {
        return (lastSect - firstSect + 1) * BlockImage.SECTOR_BYTES;
    }
}

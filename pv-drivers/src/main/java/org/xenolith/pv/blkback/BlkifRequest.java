package org.xenolith.pv.blkback;

import static org.xenolith.pv.blkback.Blkif.MAX_INDIRECT_PAGES_PER_REQUEST;
import static org.xenolith.pv.blkback.Blkif.MAX_SEGMENTS_PER_REQUEST;

import org.xenolith.pv.ring.Wire;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/**
 * A block request as the frontend wrote it, one of the structures that share a ring slot: {@code
 * struct blkif_request}, {@code _discard}, {@code _indirect}, public/io/blkif.h, x86-64 ABI. Read
 * from a private copy of the slot; nothing in it is checked yet.
 */
sealed interface BlkifRequest {
    /** Bytes of a slot: the largest of the structures. */
    int SLOT = 112;

    /** Offsets that all structures share. */
    int OPERATION = 0, ID = 8, SECTOR_NUMBER = 16;

    /** The guest's own number for it, echoed in the response. */
    long id();

    /** {@code BLKIF_OP_*} as the response echoes it. */
    int operation();

    /**
     * A request with its segments in the slot: read, write, barrier, flush, or an operation that we
     * do not know.
     *
     * @param segmentCount as written; segments beyond {@code MAX_SEGMENTS_PER_REQUEST} are not
     *     there
     */
    record Direct(
            int operation, long id, long sector, int segmentCount, List<BlkifSegment> segments)
            implements BlkifRequest {
        static final int NR_SEGMENTS = 1, HANDLE = 2, SEG = 24;

        static Direct readFrom(MemorySegment slot) {
            int count = Byte.toUnsignedInt(slot.get(Wire.BYTE, NR_SEGMENTS));
            List<BlkifSegment> segments = new ArrayList<>();
            for (int i = 0; i < Math.min(count, MAX_SEGMENTS_PER_REQUEST); i++) {
                segments.add(BlkifSegment.readFrom(slot, SEG + (long) i * BlkifSegment.SIZE));
            }
            return new Direct(
                    operationOf(slot),
                    slot.get(Wire.LONG, ID),
                    slot.get(Wire.LONG, SECTOR_NUMBER),
                    count,
                    segments);
        }

        void writeTo(MemorySegment slot) {
            slot.set(Wire.BYTE, OPERATION, (byte) operation);
            slot.set(Wire.BYTE, NR_SEGMENTS, (byte) segmentCount);
            slot.set(Wire.LONG, ID, id);
            slot.set(Wire.LONG, SECTOR_NUMBER, sector);
            for (int i = 0; i < segments.size(); i++) {
                segments.get(i).writeTo(slot, SEG + (long) i * BlkifSegment.SIZE);
            }
        }
    }

    /** A request whose segments lie in granted pages of their own. */
    record Indirect(int indirectOperation, long id, long sector, int segmentCount, int[] grefs)
            implements BlkifRequest {
        static final int INDIRECT_OP = 1, NR_SEGMENTS = 2, HANDLE = 24, GREFS = 28;

        /** Linux accepts no other echo than that of the operation within. */
        @Override
        public int operation() {
            return indirectOperation;
        }

        static Indirect readFrom(MemorySegment slot) {
            int[] grefs = new int[MAX_INDIRECT_PAGES_PER_REQUEST];
            for (int i = 0; i < grefs.length; i++) {
                grefs[i] = slot.get(Wire.INT, GREFS + i * 4L);
            }
            return new Indirect(
                    Byte.toUnsignedInt(slot.get(Wire.BYTE, INDIRECT_OP)),
                    slot.get(Wire.LONG, ID),
                    slot.get(Wire.LONG, SECTOR_NUMBER),
                    Short.toUnsignedInt(slot.get(Wire.SHORT, NR_SEGMENTS)),
                    grefs);
        }

        void writeTo(MemorySegment slot) {
            slot.set(Wire.BYTE, OPERATION, (byte) Blkif.OP_INDIRECT);
            slot.set(Wire.BYTE, INDIRECT_OP, (byte) indirectOperation);
            slot.set(Wire.SHORT, NR_SEGMENTS, (short) segmentCount);
            slot.set(Wire.LONG, ID, id);
            slot.set(Wire.LONG, SECTOR_NUMBER, sector);
            for (int i = 0; i < grefs.length; i++) {
                slot.set(Wire.INT, GREFS + i * 4L, grefs[i]);
            }
        }
    }

    /** A range that the guest does not need any more. */
    record Discard(int flag, long id, long sector, long sectorCount) implements BlkifRequest {
        static final int FLAG = 1, NR_SECTORS = 24;

        @Override
        public int operation() {
            return Blkif.OP_DISCARD;
        }

        static Discard readFrom(MemorySegment slot) {
            return new Discard(
                    Byte.toUnsignedInt(slot.get(Wire.BYTE, FLAG)),
                    slot.get(Wire.LONG, ID),
                    slot.get(Wire.LONG, SECTOR_NUMBER),
                    slot.get(Wire.LONG, NR_SECTORS));
        }

        void writeTo(MemorySegment slot) {
            slot.set(Wire.BYTE, OPERATION, (byte) Blkif.OP_DISCARD);
            slot.set(Wire.BYTE, FLAG, (byte) flag);
            slot.set(Wire.LONG, ID, id);
            slot.set(Wire.LONG, SECTOR_NUMBER, sector);
            slot.set(Wire.LONG, NR_SECTORS, sectorCount);
        }
    }

    /**
     * @param slot a copy of the slot that the guest cannot reach
     */
    static BlkifRequest readFrom(MemorySegment slot) {
        int operation = operationOf(slot);
        if (operation == Blkif.OP_INDIRECT) {
            return Indirect.readFrom(slot);
        }
        return operation == Blkif.OP_DISCARD ? Discard.readFrom(slot) : Direct.readFrom(slot);
    }

    private static int operationOf(MemorySegment slot) {
        return Byte.toUnsignedInt(slot.get(Wire.BYTE, OPERATION));
    }
}

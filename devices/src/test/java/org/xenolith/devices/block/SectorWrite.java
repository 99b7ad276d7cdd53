package org.xenolith.devices.block;

import java.nio.ByteBuffer;
import java.util.zip.CRC32;
import java.util.zip.CRC32C;

/** A write of a guest: which sectors, what they are after it, and when it was under way. */
final class SectorWrite {
    private static final int SECTOR_BYTES = BlockImage.SECTOR_BYTES;

    private final int first;
    private final long[] digests;

    /** Number of the event that it began with. */
    private final int begun;

    /** Number of the event that it ended with. */
    private int done = Integer.MAX_VALUE;

    /**
     * @param offset in bytes, of a sector
     * @param bytes whole sectors; they are read and stay
     */
    SectorWrite(long offset, ByteBuffer bytes, int begun) {
        this.first = (int) (offset / SECTOR_BYTES);
        this.digests = digests(bytes.duplicate());
        this.begun = begun;
    }

    void done(int event) {
        done = event;
    }

    int first() {
        return first;
    }

    /** Behind the last. */
    int end() {
        return first + digests.length;
    }

    long digest(int sector) {
        return digests[sector - first];
    }

    /** Whether it was over before another one began. */
    boolean isBefore(SectorWrite other) {
        return done < other.begun;
    }

    boolean isDoneBefore(int event) {
        return done < event;
    }

    /** Of each sector 64 bits that tell it from others. */
    static long[] digests(ByteBuffer bytes) {
        long[] digests = new long[bytes.remaining() / SECTOR_BYTES];
        CRC32 high = new CRC32();
        CRC32C low = new CRC32C();
        for (int i = 0; i < digests.length; i++) {
            ByteBuffer sector = Buffers.take(bytes, SECTOR_BYTES);
            high.reset();
            high.update(sector.duplicate());
            low.reset();
            low.update(sector);
            digests[i] = high.getValue() << Integer.SIZE | low.getValue();
        }
        return digests;
    }
}

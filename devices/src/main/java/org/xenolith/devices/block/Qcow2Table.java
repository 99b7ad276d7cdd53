package org.xenolith.devices.block;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.BitSet;

/** A table of a qcow2 image in memory: L1 or L2 table, refcount table or block. Big endian. */
final class Qcow2Table {
    private static final int SECTOR_BYTES = BlockImage.SECTOR_BYTES;

    private final long offset;
    private final ByteBuffer bytes;

    /**
     * Sectors that differ from the file. They are written one by one: a sector is what a disk
     * writes whole or not at all, so after a crash each entry is the old or the new one.
     */
    private final BitSet dirtySectors = new BitSet();

    /**
     * Whether nothing in the file refers to the table yet, so that it may be written at any time.
     */
    private boolean fresh;

    private Qcow2Table(long offset, ByteBuffer bytes, boolean fresh) {
        this.offset = offset;
        this.bytes = bytes;
        this.fresh = fresh;
    }

    static Qcow2Table read(ImageFile file, long offset, int lengthBytes) throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate(lengthBytes);
        file.read(offset, bytes);
        return new Qcow2Table(offset, bytes.clear(), false);
    }

    /** A new table at a new place. */
    static Qcow2Table create(long offset, ByteBuffer content) {
        Qcow2Table table = new Qcow2Table(offset, content, true);
        table.dirtySectors.set(0, Math.ceilDiv(content.capacity(), SECTOR_BYTES));
        return table;
    }

    long offset() {
        return offset;
    }

    int lengthBytes() {
        return bytes.capacity();
    }

    boolean isDirty() {
        return !dirtySectors.isEmpty();
    }

    boolean isFresh() {
        return fresh;
    }

    /** Something that will be on stable storage refers to the table from now on. */
    void settle() {
        fresh = false;
    }

    long getLong(int index) {
        return bytes.getLong(index * Long.BYTES);
    }

    void setLong(int index, long value) {
        bytes.putLong(index * Long.BYTES, value);
        dirtySectors.set(index * Long.BYTES / SECTOR_BYTES);
    }

    /** Field of {@code 1 << order} bits, the first of a byte in its lowest bits. */
    long getField(int index, int order) {
        return switch (order) {
            case 0, 1, 2 -> {
                int bit = index << order;
                yield bytes.get(bit / 8) >>> bit % 8 & (1 << (1 << order)) - 1;
            }
            case 3 -> bytes.get(index) & 0xffL;
            case 4 -> bytes.getShort(index * Short.BYTES) & 0xffffL;
            case 5 -> bytes.getInt(index * Integer.BYTES) & 0xffffffffL;
            case 6 -> bytes.getLong(index * Long.BYTES);
            default -> throw new IllegalArgumentException("order " + order);
        };
    }

    void setField(int index, int order, long value) {
        switch (order) {
            case 0, 1, 2 -> {
                int bit = index << order;
                int mask = (1 << (1 << order)) - 1 << bit % 8;
                int rest = bytes.get(bit / 8) & ~mask;
                bytes.put(bit / 8, (byte) (rest | value << bit % 8 & mask));
            }
            case 3 -> bytes.put(index, (byte) value);
            case 4 -> bytes.putShort(index * Short.BYTES, (short) value);
            case 5 -> bytes.putInt(index * Integer.BYTES, (int) value);
            case 6 -> bytes.putLong(index * Long.BYTES, value);
            default -> throw new IllegalArgumentException("order " + order);
        }
        dirtySectors.set((int) (((long) index << order) / 8 / SECTOR_BYTES));
    }

    ByteBuffer copyOfContent() {
        return ByteBuffer.allocate(bytes.capacity()).put(bytes.duplicate().clear()).clear();
    }

    /** Writes what differs from the file. If that fails, it still counts as different. */
    void writeTo(ImageFile file) throws IOException {
        int from = dirtySectors.nextSetBit(0);
        while (from >= 0) {
            int to = dirtySectors.nextClearBit(from);
            int start = from * SECTOR_BYTES;
            int end = Math.min(to * SECTOR_BYTES, bytes.capacity());
            file.write(offset + start, bytes.slice(start, end - start));
            dirtySectors.clear(from, to);
            from = dirtySectors.nextSetBit(to);
        }
    }
}

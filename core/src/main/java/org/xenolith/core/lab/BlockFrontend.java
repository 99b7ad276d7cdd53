package org.xenolith.core.lab;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The other side of a student's backend: a guest with a ring, some pages, and a disk of ours. */
final class BlockFrontend implements RingPage, BackendHost {
    static final int SECTORS = 64;
    static final int SECTOR = 512;
    private static final int PAGE = 4096;
    private static final int MAX_TRANSFERS = 1000;

    /** Reads of the ring for one event; a full ring of the longest requests takes a thousand. */
    private static final int MAX_READS = 100_000;

    final byte[] disk = new byte[SECTORS * SECTOR];
    final Map<Integer, byte[]> granted = new HashMap<>();
    final List<String> transfers = new ArrayList<>();
    private final ByteBuffer page = ByteBuffer.allocate(PAGE).order(ByteOrder.LITTLE_ENDIAN);
    private final BlockBackend backend;
    private int requests;
    int notifications;
    String closed;

    /** What is done once, as soon as the backend copies sectors. */
    Runnable duringTransfer;

    /** What the guest writes over bytes of the ring once they have been read, by their offsets. */
    private final Map<Integer, Byte> flickering = new HashMap<>();

    private int reads;

    /** Whether the backend was stopped since it went on and on. */
    boolean endless;

    BlockFrontend(BlockBackend backend) {
        this.backend = backend;
        putInt(Blkif.REQ_EVENT, 1);
        putInt(Blkif.RSP_EVENT, 1);
        for (int i = 0; i < disk.length; i++) {
            disk[i] = (byte) (i / SECTOR + 1);
        }
    }

    /** A segment of a request. */
    record Segment(int gref, int first, int last) {}

    /** Offset of the slot that comes next. */
    int nextSlot() {
        return Blkif.SLOTS + Integer.remainderUnsigned(requests, Blkif.RING_SIZE) * Blkif.SLOT_SIZE;
    }

    /** Writes a request, published by {@link #publish}. */
    BlockFrontend request(int operation, long id, long sector, Segment... segments) {
        int slot = nextSlot();
        putByte(slot + Blkif.OPERATION, operation);
        putByte(slot + Blkif.NR_SEGMENTS, segments.length);
        putLong(slot + Blkif.ID, id);
        putLong(slot + Blkif.SECTOR_NUMBER, sector);
        for (int i = 0; i < Math.min(segments.length, Blkif.MAX_SEGMENTS); i++) {
            int at = slot + Blkif.SEGMENTS + i * Blkif.SEGMENT_SIZE;
            putInt(at + Blkif.GREF, segments[i].gref);
            putByte(at + Blkif.FIRST_SECTOR, segments[i].first);
            putByte(at + Blkif.LAST_SECTOR, segments[i].last);
        }
        requests++;
        return this;
    }

    /** The guest turns a field of the ring into another value once it has been read. */
    void flicker(int offset, byte[] value) {
        for (int i = 0; i < value.length; i++) {
            flickering.put(offset + i, value[i]);
        }
    }

    void publish() {
        putInt(Blkif.REQ_PROD, requests);
    }

    /** Publishes, and sends the event. */
    void send() {
        publish();
        kick();
    }

    /** Sends the event; what the backend throws is told as the student's. */
    void kick() {
        reads = 0;
        try {
            backend.notified(this, this);
        } catch (RuntimeException thrown) {
            throw new StudentClass.Threw(thrown, backend.getClass().getSimpleName() + ".java");
        }
    }

    int answered() {
        return page.getInt(Blkif.RSP_PROD);
    }

    long answerId(int index) {
        return page.getLong(slot(index) + Blkif.RSP_ID);
    }

    int answerStatus(int index) {
        return page.getShort(slot(index) + Blkif.RSP_STATUS);
    }

    private static int slot(int index) {
        return Blkif.SLOTS + Integer.remainderUnsigned(index, Blkif.RING_SIZE) * Blkif.SLOT_SIZE;
    }

    // ---- RingPage

    @Override
    public int getByte(int offset) {
        int value = Byte.toUnsignedInt(page.get(offset));
        read(offset, Byte.BYTES);
        return value;
    }

    private void read(int offset, int bytes) {
        if (++reads > MAX_READS) {
            endless = true;
            throw new IllegalStateException("there is no end of requests");
        }
        for (int at = offset; at < offset + bytes && !flickering.isEmpty(); at++) {
            Byte next = flickering.remove(at);
            if (next != null) {
                page.put(at, next);
            }
        }
    }

    @Override
    public int getInt(int offset) {
        int value = page.getInt(offset);
        read(offset, Integer.BYTES);
        return value;
    }

    @Override
    public long getLong(int offset) {
        long value = page.getLong(offset);
        read(offset, Long.BYTES);
        return value;
    }

    @Override
    public void putByte(int offset, int value) {
        page.put(offset, (byte) value);
    }

    @Override
    public void putShort(int offset, int value) {
        page.putShort(offset, (short) value);
    }

    @Override
    public void putInt(int offset, int value) {
        page.putInt(offset, value);
    }

    @Override
    public void putLong(int offset, long value) {
        page.putLong(offset, value);
    }

    // ---- BackendHost

    @Override
    public long sectors() {
        return SECTORS;
    }

    @Override
    public boolean transfer(boolean write, long sector, int gref, int firstSector, int lastSector) {
        if (firstSector < 0
                || lastSector < firstSector
                || lastSector >= Blkif.SECTORS_PER_PAGE
                || sector < 0
                || sector > SECTORS - (lastSector - firstSector + 1)) {
            throw new IllegalArgumentException(
                    "sectors %d to %d of a page, at sector %d of a disk of %d"
                            .formatted(firstSector, lastSector, sector, SECTORS));
        }
        if (transfers.size() == MAX_TRANSFERS) {
            throw new IllegalStateException("there is no end of transfers");
        }
        transfers.add((write ? "w" : "r") + sector + "+" + (lastSector - firstSector + 1));
        byte[] memory = granted.get(gref);
        if (memory == null) {
            return false;
        }
        int bytes = (lastSector - firstSector + 1) * SECTOR;
        int onDisk = (int) sector * SECTOR;
        int inPage = firstSector * SECTOR;
        if (write) {
            System.arraycopy(memory, inPage, disk, onDisk, bytes);
        } else {
            System.arraycopy(disk, onDisk, memory, inPage, bytes);
        }
        Runnable once = duringTransfer;
        duringTransfer = null;
        if (once != null) {
            once.run();
        }
        return true;
    }

    @Override
    public void notifyFrontend() {
        notifications++;
    }

    @Override
    public void close(String why) {
        closed = why;
    }
}

package org.xenolith.devices.block;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/**
 * A file on a disk without power protection: until a sync, each sector on its own may be found in
 * any state that it has had since the last one. The power goes after a number of operations, within
 * a sync as well as between two writes.
 */
final class UnstableFile implements ImageFile {
    private static final int SECTOR_BYTES = BlockImage.SECTOR_BYTES;

    /** What readers see while the power is on. */
    private byte[] current;

    private long sizeBytes;

    private byte[] stable;
    private long stableBytes;

    /** Contents that a sector has had since the last sync, oldest first. */
    private final Map<Integer, List<byte[]>> unsynced = new HashMap<>();

    /** Above that the disk is full. */
    private static final int MAX_BYTES = 256 << 20;

    private int operationsLeft = Integer.MAX_VALUE;
    private int syncsLeft = Integer.MAX_VALUE;

    UnstableFile(byte[] content) {
        restart(content);
    }

    private void restart(byte[] content) {
        sizeBytes = content.length;
        stableBytes = content.length;
        current = Arrays.copyOf(content, Math.ceilDiv(content.length, SECTOR_BYTES) * SECTOR_BYTES);
        stable = current.clone();
        unsynced.clear();
    }

    static final class PowerCut extends RuntimeException {
        private static final long serialVersionUID = 1L;
    }

    void cutPowerAfter(int operations) {
        operationsLeft = operations;
    }

    /** The last sync does not happen any more: the moment when most is at stake. */
    void cutPowerAtSync(int syncs) {
        syncsLeft = syncs;
    }

    /**
     * What is found when the power is back.
     *
     * @param survival chance of each unsynced sector to have reached the disk in some newer state
     */
    byte[] powerUp(Random random, double survival) {
        byte[] found = found(random, survival);
        restart(found);
        operationsLeft = Integer.MAX_VALUE;
        syncsLeft = Integer.MAX_VALUE;
        return found.clone();
    }

    /** What would be found if the power went now. */
    byte[] found(Random random, double survival) {
        byte[] found = Arrays.copyOf(stable, current.length);
        long foundBytes = stableBytes;
        for (Map.Entry<Integer, List<byte[]>> sector : unsynced.entrySet()) {
            if (random.nextDouble() < survival) {
                List<byte[]> states = sector.getValue();
                byte[] state = states.get(random.nextInt(states.size()));
                int offset = sector.getKey() * SECTOR_BYTES;
                System.arraycopy(state, 0, found, offset, SECTOR_BYTES);
                foundBytes = Math.max(foundBytes, Math.min(offset + SECTOR_BYTES, sizeBytes));
            }
        }
        return Arrays.copyOf(found, (int) foundBytes);
    }

    /** Sectors that may be lost. */
    int unsyncedSectors() {
        return unsynced.size();
    }

    byte[] content() {
        return Arrays.copyOf(current, (int) sizeBytes);
    }

    @Override
    public String name() {
        return "unstable file";
    }

    @Override
    public long sizeBytes() {
        return sizeBytes;
    }

    @Override
    public void read(long offset, ByteBuffer into) {
        int count = (int) Math.clamp(sizeBytes - offset, 0, into.remaining());
        if (count > 0) {
            into.put(current, (int) offset, count);
        }
        Buffers.putZeroes(into);
    }

    @Override
    public void write(long offset, ByteBuffer from) throws IOException {
        if (offset > MAX_BYTES - from.remaining()) {
            throw new IOException("no space left");
        }
        // A write is cut between any two sectors.
        while (from.hasRemaining()) {
            int inSector = (int) (offset % SECTOR_BYTES);
            int count = Math.min(from.remaining(), SECTOR_BYTES - inSector);
            countDown();
            growTo(offset + count);
            from.get(current, (int) offset, count);
            remember((int) (offset / SECTOR_BYTES));
            offset += count;
        }
    }

    @Override
    public void sync() {
        if (--syncsLeft <= 0) {
            operationsLeft = 0;
        }
        countDown();
        if (stable.length < current.length) {
            stable = Arrays.copyOf(stable, current.length);
        }
        for (int sector : unsynced.keySet()) {
            int at = sector * SECTOR_BYTES;
            System.arraycopy(current, at, stable, at, SECTOR_BYTES);
        }
        stableBytes = sizeBytes;
        unsynced.clear();
    }

    @Override
    public boolean punch(long offset, long lengthBytes) {
        long first = Math.ceilDiv(offset, SECTOR_BYTES);
        long end = Math.min(offset + lengthBytes, sizeBytes) / SECTOR_BYTES;
        for (long sector = first; sector < end; sector++) {
            countDown();
            int from = (int) sector * SECTOR_BYTES;
            Arrays.fill(current, from, from + SECTOR_BYTES, (byte) 0);
            remember((int) sector);
        }
        return true;
    }

    @Override
    public void close() {}

    private void countDown() {
        if (operationsLeft-- <= 0) {
            operationsLeft = 0;
            throw new PowerCut();
        }
    }

    private void growTo(long bytes) {
        if (bytes > current.length) {
            int rounded = Math.ceilDiv((int) bytes, SECTOR_BYTES) * SECTOR_BYTES;
            current = Arrays.copyOf(current, Math.max(rounded, current.length * 5 / 4 / 512 * 512));
        }
        sizeBytes = Math.max(sizeBytes, bytes);
    }

    private void remember(int sector) {
        int from = sector * SECTOR_BYTES;
        unsynced.computeIfAbsent(sector, s -> new ArrayList<>())
                .add(Arrays.copyOfRange(current, from, from + SECTOR_BYTES));
    }
}

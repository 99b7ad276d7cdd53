package org.xenolith.core.machine;

import org.xenolith.devices.block.BlockImage;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CountDownLatch;

/**
 * A disk whose power can go: what was not flushed is lost then, sector by sector, as chance has it.
 */
final class UnsyncedDisk implements BlockImage {
    private final byte[] bytes;

    /** Sectors that were written since the last flush, as they were before. */
    private final Map<Integer, byte[]> before = new HashMap<>();

    private int writesLeft = Integer.MAX_VALUE;
    private CountDownLatch gone = new CountDownLatch(1);

    UnsyncedDisk(int sizeBytes) {
        bytes = new byte[sizeBytes];
    }

    /** Cuts the power after so many more writes; returns what counts down then. */
    synchronized CountDownLatch cutAfterWrites(int writes) {
        writesLeft = writes;
        return gone;
    }

    /**
     * The power is back.
     *
     * @param survival chance of each sector that was not flushed to have reached the disk
     */
    synchronized void powerUp(Random random, double survival) {
        before.forEach(
                (sector, old) -> {
                    if (random.nextDouble() >= survival) {
                        System.arraycopy(old, 0, bytes, sector * SECTOR_BYTES, SECTOR_BYTES);
                    }
                });
        before.clear();
        writesLeft = Integer.MAX_VALUE;
        gone = new CountDownLatch(1);
    }

    /** Takes a sector away, as if its flush had been a lie. */
    synchronized void forget(int offset) {
        System.arraycopy(new byte[SECTOR_BYTES], 0, bytes, offset, SECTOR_BYTES);
    }

    private void requirePower() throws IOException {
        if (gone.getCount() == 0) {
            throw new IOException("there is no power");
        }
    }

    @Override
    public long sizeBytes() {
        return bytes.length;
    }

    @Override
    public boolean isReadOnly() {
        return false;
    }

    @Override
    public synchronized void read(long offset, ByteBuffer into) throws IOException {
        requirePower();
        into.put(bytes, (int) offset, into.remaining());
    }

    @Override
    public synchronized void write(long offset, ByteBuffer from) throws IOException {
        requirePower();
        int length = from.remaining();
        keep((int) offset, length);
        from.get(bytes, (int) offset, length);
        if (--writesLeft <= 0) {
            gone.countDown();
        }
    }

    private void keep(int offset, int length) {
        for (int at = offset; at < offset + length; at += SECTOR_BYTES) {
            byte[] old = new byte[SECTOR_BYTES];
            System.arraycopy(bytes, at, old, 0, SECTOR_BYTES);
            before.putIfAbsent(at / SECTOR_BYTES, old);
        }
    }

    @Override
    public synchronized void discard(long offset, long lengthBytes) throws IOException {
        write(offset, ByteBuffer.allocate((int) lengthBytes));
    }

    @Override
    public synchronized void flush() throws IOException {
        requirePower();
        before.clear();
    }

    @Override
    public void close() {}
}

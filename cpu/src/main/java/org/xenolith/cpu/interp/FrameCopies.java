package org.xenolith.cpu.interp;

import org.xenolith.cpu.mmu.Ram;

import java.util.Arrays;

/**
 * What a few frames held before a unit ran, and after. A frame that only the interpreter writes is
 * found too: the unit's contents are kept for each.
 */
final class FrameCopies {
    /** More are not copied: 4 KiB each, twice, for each entry that is compared. */
    private static final int LIMIT = 48;

    private final long[] hosts = new long[LIMIT];
    private final byte[][] old = new byte[LIMIT][];
    private final byte[][] written = new byte[LIMIT][];
    private int count;
    private boolean overflowed;

    void clear() {
        count = 0;
        overflowed = false;
    }

    /** Adds the frame at a host base, unless it is there. */
    void add(long host) {
        for (int i = 0; i < count; i++) {
            if (hosts[i] == host) {
                return;
            }
        }
        if (count == LIMIT) {
            overflowed = true;
            return;
        }
        hosts[count++] = host;
    }

    /** Whether there were more than {@link #LIMIT}. */
    boolean overflowed() {
        return overflowed;
    }

    void copy() {
        for (int i = 0; i < count; i++) {
            if (old[i] == null) {
                old[i] = new byte[Ram.PAGE_SIZE];
                written[i] = new byte[Ram.PAGE_SIZE];
            }
            Ram.read(hosts[i], old[i], 0, Ram.PAGE_SIZE);
        }
    }

    /** Keeps what the frames hold now, and puts the old contents back. */
    void takeBack() {
        for (int i = 0; i < count; i++) {
            Ram.read(hosts[i], written[i], 0, Ram.PAGE_SIZE);
            if (!Arrays.equals(old[i], written[i])) {
                Ram.write(hosts[i], old[i], 0, Ram.PAGE_SIZE);
            }
        }
    }

    /**
     * Compares what the frames hold now with what was kept.
     *
     * @return offset in a frame of the first byte that differs, or -1
     */
    int mismatch() {
        for (int i = 0; i < count; i++) {
            Ram.read(hosts[i], old[i], 0, Ram.PAGE_SIZE);
            int at = Arrays.mismatch(old[i], written[i]);
            if (at >= 0) {
                return at;
            }
        }
        return -1;
    }
}

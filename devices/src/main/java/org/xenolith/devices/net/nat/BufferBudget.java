package org.xenolith.devices.net.nat;

/**
 * Memory that all connections share for bytes on their way. Each may hold a fixed fraction of what
 * is still free, so that a few busy ones get large windows and thousands of stalled ones stay
 * small. One thread.
 */
final class BufferBudget {
    /** What a connection may always hold, or it would stall: a few segments. */
    static final int FLOOR_BYTES = 16 << 10;

    private static final int SHARE = 8;

    private final long totalBytes;
    private final int ceilingBytes;
    private long usedBytes;

    /**
     * @param ceilingBytes most that one direction of one connection may hold
     */
    BufferBudget(long totalBytes, int ceilingBytes) {
        this.totalBytes = totalBytes;
        this.ceilingBytes = ceilingBytes;
    }

    void take(int bytes) {
        usedBytes += bytes;
    }

    void giveBack(int bytes) {
        usedBytes -= bytes;
    }

    long usedBytes() {
        return usedBytes;
    }

    /** How much one direction of one connection may hold now. */
    int share() {
        long share = (totalBytes - usedBytes) / SHARE;
        return Math.clamp(share, FLOOR_BYTES, ceilingBytes);
    }
}

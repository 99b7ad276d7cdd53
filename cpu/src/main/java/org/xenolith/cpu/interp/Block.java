package org.xenolith.cpu.interp;

import org.xenolith.cpu.mmu.Ram;

/**
 * Decoded straight-line code inside one page: at most {@link #MAX_INSTRUCTIONS} instructions up to the first
 * that may go elsewhere. The unit of look-up, of invalidation and, later, of translation.
 */
public final class Block {
    public static final int MAX_INSTRUCTIONS = 48;

    /** First operation; replaced by a {@link Leave} when the block is dropped. */
    volatile Op entry;

    /** First and last byte + 1, in bytes from the page's start. */
    final int start;

    final int end;

    /** Number of instructions. */
    final int count;

    /** The code bytes as they were decoded. */
    private final byte[] bytes;

    private volatile boolean valid = true;

    Block(Op entry, int start, int end, int count, byte[] bytes) {
        this.bytes = bytes;
        this.entry = entry;
        this.start = start;
        this.end = end;
        this.count = count;
    }

    boolean isValid() {
        return valid;
    }

    /** Whether bytes {@code from} to {@code to} (exclusive) of the page touch the block's instructions. */
    boolean overlaps(int from, int to) {
        return from < end && to > start;
    }

    /** Whether the frame at {@code hostBase} still holds the bytes that were decoded. */
    boolean matches(long hostBase) {
        for (int i = 0; i < bytes.length; i++) {
            if ((byte) Ram.getByte(hostBase + start + i) != bytes[i]) {
                return false;
            }
        }
        return true;
    }

    /** Makes whoever is inside, on any thread, leave behind its current instruction. */
    void drop() {
        valid = false;
        Op op = entry;
        entry = new Leave(start, 0);
        while (op != null && !(op instanceof Leave)) {
            Op following = op.next;
            if (following != null) {
                op.link(new Leave(op.end, op.position + 1));
            }
            op = following;
        }
    }
}

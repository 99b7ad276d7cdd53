package org.xenolith.cpu.interp;

import org.xenolith.cpu.mmu.Ram;

import java.lang.invoke.VarHandle;

/**
 * Decoded straight-line code inside one page: at most {@link #MAX_INSTRUCTIONS} instructions up to
 * the first that may go elsewhere; unconditional jumps inside the page are followed. The unit of
 * look-up, of invalidation and, later, of translation.
 */
public final class Block {
    public static final int MAX_INSTRUCTIONS = 48;

    /** First operation; replaced by a {@link Leave} when the block is dropped. */
    volatile Op entry;

    /** First byte, from the page's start. */
    final int start;

    /**
     * The code bytes: pairs of first byte and byte behind the last, one for each stretch between
     * jumps.
     */
    private final int[] ranges;

    /** Number of instructions. */
    final int count;

    /** The bytes of all ranges as they were decoded. */
    private final byte[] bytes;

    private volatile boolean valid = true;

    Block(Op entry, int start, int count, int[] ranges, byte[] bytes) {
        this.entry = entry;
        this.start = start;
        this.count = count;
        this.ranges = ranges;
        this.bytes = bytes;
    }

    boolean isValid() {
        return valid;
    }

    /**
     * Whether bytes {@code from} to {@code to} (exclusive) of the page touch the block's
     * instructions.
     */
    boolean overlaps(int from, int to) {
        for (int i = 0; i < ranges.length; i += 2) {
            if (from < ranges[i + 1] && to > ranges[i]) {
                return true;
            }
        }
        return false;
    }

    /** Whether the frame at {@code hostBase} still holds the bytes that were decoded. */
    boolean matches(long hostBase) {
        int k = 0;
        for (int i = 0; i < ranges.length; i += 2) {
            for (int at = ranges[i]; at < ranges[i + 1]; at++) {
                if ((byte) Ram.getByte(hostBase + at) != bytes[k++]) {
                    return false;
                }
            }
        }
        return true;
    }

    /**
     * Makes whoever is inside, on any thread, leave behind its current instruction, or as soon
     * behind it as the flags are exact: behind a store they always are.
     */
    void drop() {
        valid = false;
        Op op = entry;
        entry = new Leave(start, 0);
        while (op != null && !(op instanceof Leave)) {
            Op following = op.next;
            if (following != null && op.leavesFlagsExact) {
                Leave leave = new Leave(op.end, op.position + op.instructions);
                // Siblings inside come upon it without a lock: complete, or not yet.
                VarHandle.releaseFence();
                op.link(leave);
            }
            op = following;
        }
    }
}

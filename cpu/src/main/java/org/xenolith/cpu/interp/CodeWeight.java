package org.xenolith.cpu.interp;

import java.util.concurrent.atomic.AtomicLong;

/**
 * What the decoded code of a domain takes up on the heap: {@link Block#weight}, in operations of
 * some {@value #BYTES} bytes.
 *
 * <p>A block that is dropped is not gone: tables of vCPUs and jumps of live blocks refer to it, for
 * as long as a guest likes. So what is left of it counts on, whether anybody refers to it or not,
 * until all of them have been told to let go.
 */
final class CodeWeight {
    /** What an operation takes up, with what its block has beside it. */
    static final int BYTES = 32;

    private final long limit;

    /** Of all blocks that there ever were. */
    private final AtomicLong added = new AtomicLong();

    private final AtomicLong dropped = new AtomicLong();
    private final AtomicLong remains = new AtomicLong();

    /**
     * @param limit what live blocks and remains of dropped ones may weigh
     */
    CodeWeight(long limit) {
        this.limit = limit;
    }

    void added(Block block) {
        added.addAndGet(block.weight());
    }

    /**
     * @param remaining what is left of the block
     */
    void dropped(Block block, int remaining) {
        dropped.addAndGet(block.weight());
        remains.addAndGet(remaining);
    }

    /** Nobody refers to dropped blocks any more, or knows that he must not. */
    void remainsForgotten() {
        remains.set(0);
    }

    /** What all blocks so far weighed, whether they live or not. */
    long added() {
        return added.get();
    }

    /** Live blocks and remains. */
    long sum() {
        // In this order: a block that is dropped meanwhile counts, if anything, twice.
        long gone = dropped.get();
        return added.get() - gone + remains.get();
    }

    boolean isTooMuch() {
        return sum() > limit;
    }
}

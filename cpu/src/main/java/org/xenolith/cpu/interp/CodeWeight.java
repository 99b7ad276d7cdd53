package org.xenolith.cpu.interp;

import java.util.concurrent.atomic.AtomicLong;

/**
 * What the decoded code of a domain takes up on the heap: {@link Block#weight}, in operations of
 * some 32 bytes.
 *
 * <p>A block that is dropped is not gone: tables of vCPUs and jumps of live blocks refer to it, for
 * as long as a guest likes. So what is left of it counts on, whether anybody refers to it or not,
 * until all of them have been told to let go.
 */
final class CodeWeight {
    private final long limit;
    private final AtomicLong live = new AtomicLong();
    private final AtomicLong remains = new AtomicLong();

    /**
     * @param limit what live blocks and remains of dropped ones may weigh
     */
    CodeWeight(long limit) {
        this.limit = limit;
    }

    void added(Block block) {
        live.addAndGet(block.weight());
    }

    /**
     * @param remaining what is left of the block
     */
    void dropped(Block block, int remaining) {
        live.addAndGet(-block.weight());
        remains.addAndGet(remaining);
    }

    /** Nobody refers to dropped blocks any more, or knows that he must not. */
    void remainsForgotten() {
        remains.set(0);
    }

    boolean isTooMuch() {
        return live.get() + remains.get() > limit;
    }
}

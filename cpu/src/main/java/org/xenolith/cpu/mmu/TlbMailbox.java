package org.xenolith.cpu.mmu;

import java.util.LinkedHashSet;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Invalidations that other threads left for one vCPU's TLB. The owner drains it where the
 * architecture lets stale entries end: when it is scheduled, at every poll point, at base-pointer
 * loads and flushes, and before a page fault is delivered. A full mailbox means "drop everything";
 * what became of writes is asked even then, and what was decoded in frames that left is forgotten.
 */
public final class TlbMailbox {
    private static final int CAPACITY = 256;

    private enum Kind {
        PAGE,
        ROOT,
        TABLE
    }

    private final TranslationState owner;
    private final Kind[] kinds = new Kind[CAPACITY];
    private final long[] operands = new long[CAPACITY];
    private int size;
    private boolean flushAll;

    /** What was decoded is gone: whoever keeps it lets go. */
    private boolean forgetFetches;

    /**
     * The owner runs nothing until it has woken up, so that others may forget in its place. Written
     * and read under this object's lock: what the owner did before it slept happens before what
     * they do, and that before what the owner does next.
     */
    private boolean asleep;

    /**
     * Host frames that the owner may write to no more. Not covered by a full flush: it drops the
     * tags, but whoever decoded code there must still compare it with what the owner wrote until
     * then. A set, so that it is no larger than the domain however long the owner sleeps.
     */
    private final Set<Long> writes = new LinkedHashSet<>();

    /**
     * Host frames that have left. Not covered by a full flush either: the owner may have decoded
     * code there after whoever gave it away had that forgotten.
     */
    private final Set<Long> frames = new LinkedHashSet<>();

    /** Number of undrained posts; read without the lock on the owner's fast path. */
    private final AtomicInteger posted = new AtomicInteger();

    TlbMailbox(TranslationState owner) {
        this.owner = owner;
    }

    public void postDropPage(long vaddr) {
        post(Kind.PAGE, vaddr);
    }

    public synchronized void postDropWrites(long hostBase) {
        writes.add(hostBase);
        posted.incrementAndGet();
    }

    public synchronized void postDropFrame(long hostBase) {
        frames.add(hostBase);
        // The TLB is searched for each: with many it is quicker to drop everything.
        flushAll |= frames.size() > CAPACITY;
        posted.incrementAndGet();
    }

    public void postDropRoot(long l4Mfn) {
        post(Kind.ROOT, l4Mfn);
    }

    public void postDropTable(long l3Mfn) {
        post(Kind.TABLE, l3Mfn);
    }

    public synchronized void postFlushAll() {
        flushAll = true;
        posted.incrementAndGet();
    }

    /**
     * The blocks that the owner's jumps have led to were dropped to make room. An owner that sleeps
     * has forgotten them when this returns: it may sleep for ever, and a guest can have it keep 26
     * MB of dropped blocks, and as much again of 32-bit code.
     */
    public synchronized void postForgetFetches() {
        if (asleep) {
            owner.forgetFetches();
        } else {
            forgetFetches = true;
            posted.incrementAndGet();
        }
    }

    /** The owner's thread runs no guest code from now on, and touches nothing that it caches. */
    public synchronized void sleep() {
        asleep = true;
        if (forgetFetches) {
            forgetFetches = false;
            owner.forgetFetches();
        }
    }

    /** The owner is about to run, perhaps on another thread; until the first time, it is awake. */
    public synchronized void wake() {
        asleep = false;
    }

    private synchronized void post(Kind kind, long operand) {
        if (size == CAPACITY) {
            // A full flush covers every kind.
            flushAll = true;
        } else {
            kinds[size] = kind;
            operands[size++] = operand;
        }
        posted.incrementAndGet();
    }

    public boolean isEmpty() {
        return posted.get() == 0;
    }

    /**
     * Applies everything posted so far; called by the owner's thread.
     *
     * @return whether there was anything
     */
    public boolean drain() {
        boolean any = posted.get() != 0;
        if (any) {
            drainSlow();
        }
        return any;
    }

    private synchronized void drainSlow() {
        if (flushAll) {
            owner.flushAll();
            frames.forEach(owner::forgetCode);
        } else {
            for (int i = 0; i < size; i++) {
                apply(kinds[i], operands[i]);
            }
            frames.forEach(owner::dropFrame);
        }
        frames.clear();
        writes.forEach(owner::dropWrites);
        writes.clear();
        if (forgetFetches) {
            owner.forgetFetches();
        }
        forgetFetches = false;
        flushAll = false;
        size = 0;
        posted.set(0);
    }

    private void apply(Kind kind, long operand) {
        switch (kind) {
            case PAGE -> owner.dropPage(operand);
            case ROOT -> owner.dropRoot(operand);
            case TABLE -> owner.dropTable(operand);
        }
    }
}

package org.xenolith.core.domain;

import java.util.concurrent.ConcurrentLinkedQueue;

/**
 * Work on a domain's memory that comes from outside and waits for a poll point.
 *
 * <p>Posted by any thread; applied by one that may touch the domain's memory.
 */
final class PostedWork {
    /**
     * Work that posts itself again, because a guest keeps its ring busy, must not go on forever.
     */
    static final int PER_POLL = 64;

    /** Whose work the thread applies at a poll point. */
    private static final ThreadLocal<PostedWork> APPLYING = new ThreadLocal<>();

    private final ConcurrentLinkedQueue<Runnable> queue = new ConcurrentLinkedQueue<>();
    private final Runnable attend;

    /**
     * @param attend brings a vCPU of the domain to a poll point
     */
    PostedWork(Runnable attend) {
        this.attend = attend;
    }

    /**
     * Queues work. What posted work posts kicks nobody: its thread comes to the next poll point
     * soon enough, and would else do nothing in between for as long as a guest keeps a ring busy.
     */
    void post(Runnable work) {
        queue.add(work);
        if (APPLYING.get() != this) {
            attend.run();
        }
    }

    boolean isEmpty() {
        return queue.isEmpty();
    }

    /**
     * Applies what was posted, but for what the slice has no time for; called at a poll point by a
     * thread that holds a vCPU.
     */
    void apply(VcpuTurn turn) {
        if (queue.isEmpty()) {
            return;
        }
        APPLYING.set(this);
        try {
            int applied = 0;
            while (applied < PER_POLL && applyOne() && !turn.isTimeUp()) {
                applied++;
            }
        } finally {
            APPLYING.remove();
        }
    }

    /**
     * The same for a thread without a vCPU, while the domain is paused. What this posts wakes a
     * vCPU as ever: the thread may not come back for it.
     */
    void applyWhilePaused() {
        int applied = 0;
        while (applied < PER_POLL && applyOne()) {
            applied++;
        }
    }

    /** Whether there was any. */
    private boolean applyOne() {
        Runnable work = queue.poll();
        if (work != null) {
            work.run();
        }
        return work != null;
    }
}

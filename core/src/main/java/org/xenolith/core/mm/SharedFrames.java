package org.xenolith.core.mm;

import static org.xenolith.cpu.mmu.MachineMemory.NO_FRAME;

import org.xenolith.cpu.mmu.Ram;

import java.util.HashMap;
import java.util.Map;

/**
 * Host frames that stand behind several machine frames, of one domain or of many, because they hold
 * the same. Nobody writes to one: a store gives the machine frame that it goes to a host frame of
 * its own first, so that guests cannot tell but by the time it takes.
 *
 * <p>Each machine frame that leads to a shared one holds a reference of the pool, and so does this
 * object. Whoever gives a host frame back for a shared one is promised another: the pool keeps it
 * free.
 *
 * <p>Thread-safe. The lock comes after {@link FrameTable#lock} and before that of the pool.
 */
public final class SharedFrames {
    private static final class Shared {
        final long hostBase;
        final long digest;

        /** How many machine frames lead to it, at least 1. */
        int users = 1;

        Shared(long hostBase, long digest) {
            this.hostBase = hostBase;
            this.digest = digest;
        }
    }

    private final FramePool pool;
    private final Map<Long, Shared> byDigest = new HashMap<>();
    private final Map<Long, Shared> byHost = new HashMap<>();
    private long users;

    SharedFrames(FramePool pool) {
        this.pool = pool;
    }

    /** Whether there is a frame that may hold what has this {@link PageDigest}. */
    public synchronized boolean mayHold(long digest) {
        return byDigest.containsKey(digest);
    }

    /** Host frames that are shared, or could be if a second user came. */
    public synchronized long frames() {
        return byHost.size();
    }

    /** Host frames that sharing saves. */
    public synchronized long savedFrames() {
        return users - byHost.size();
    }

    /**
     * Makes a frame one that can be shared, with its owner as the first user.
     *
     * @return false when there is one of the same digest already
     */
    synchronized boolean add(long hostBase, long digest) {
        Shared made = new Shared(hostBase, digest);
        if (byDigest.putIfAbsent(digest, made) != null) {
            return false;
        }
        byHost.put(hostBase, made);
        pool.acquire(hostBase);
        users++;
        return true;
    }

    /**
     * Finds a shared frame that holds the same as one that nobody writes to now, and takes a
     * reference to it. The caller gives its own one back.
     *
     * @return {@code NO_FRAME} when there is none
     */
    synchronized long join(long hostBase, long digest) {
        Shared same = byDigest.get(digest);
        if (same == null || !Ram.isSame(same.hostBase, hostBase, Ram.PAGE_SIZE) || !pool.owe()) {
            return NO_FRAME;
        }
        pool.acquire(same.hostBase);
        same.users++;
        users++;
        return same.hostBase;
    }

    /**
     * Takes a reference to a frame for one more user of the same content, and makes it a shared one
     * first if it is not, with its owner as the first user. Nobody else finds it: what one guest
     * lent its copy tells nothing about third ones.
     *
     * @param hostBase nobody writes to it now
     * @return false when no frame can be promised
     */
    synchronized boolean lend(long hostBase) {
        if (!pool.owe()) {
            return false;
        }
        Shared shared = byHost.get(hostBase);
        if (shared == null) {
            shared = new Shared(hostBase, 0);
            byHost.put(hostBase, shared);
            pool.acquire(hostBase);
            users++;
        }
        pool.acquire(hostBase);
        shared.users++;
        users++;
        return true;
    }

    /**
     * A user wants to write.
     *
     * @return the same frame if it is the last one who can read it, and now is its owner; else
     *     another with the same content, and the user has still to give its reference to the old
     *     one back
     */
    synchronized long part(long hostBase) {
        Shared shared = byHost.get(hostBase);
        // A former user's vCPU may read it until its next poll point; until then it has a
        // reference.
        if (shared.users == 1 && pool.references(hostBase) == 2) {
            forget(shared);
            return hostBase;
        }
        long own = pool.allocatePromised();
        if (own == NO_FRAME) {
            throw new IllegalStateException("A promised frame is missing");
        }
        Ram.copy(hostBase, own, Ram.PAGE_SIZE);
        leave(hostBase);
        return own;
    }

    /** A user lets go of its frame; its reference of the pool it gives back itself. */
    synchronized void leave(long hostBase) {
        Shared shared = byHost.get(hostBase);
        if (shared.users == 1) {
            forget(shared);
        } else {
            shared.users--;
            users--;
            pool.forgive();
        }
    }

    private void forget(Shared shared) {
        byDigest.remove(shared.digest, shared); // one that was lent is not there
        byHost.remove(shared.hostBase);
        users--;
        pool.release(shared.hostBase);
    }
}

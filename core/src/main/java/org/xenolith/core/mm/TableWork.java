package org.xenolith.core.mm;

import org.xenolith.core.abi.SharedInfo;

import java.util.concurrent.locks.ReentrantLock;

/**
 * Cuts changes of page tables that are too long for one hold of the lock: a tree of tables can have
 * all of a domain's frames. A hold validates, or lets go of, a limited number of tables. Xen's
 * {@code PGT_partial} and {@code old_guest_table}.
 *
 * <ul>
 *   <li>A tree that has more tables to be validated is refused with {@link PageTypes#NOT_DONE}.
 *       Tables of it that are done are not let go of with the others, but kept in use ({@link
 *       UnfinishedTables}): the next attempt only counts them. So no table is ever half validated,
 *       and what a sibling changes meanwhile is seen by the next attempt.
 *   <li>Of a tree that has more tables to be let go of, the others stay in use as <em>old</em>
 *       tables, which nothing leads to any more. Who made the change lets go of them hold by hold.
 * </ul>
 *
 * <p>{@link #end} is called at the end of each hold that can meet tables.
 *
 * <p>Locking: all methods but {@link #hasOld}, {@link #of} and {@link #letOthersIn} are called with
 * {@link FrameTable#lock} held; none takes another.
 */
final class TableWork {
    /**
     * Tables of one hold: a full one takes 4 to 50 us. Most processes have fewer, and are pinned in
     * one go.
     */
    static final int TABLES_PER_HOLD = 32;

    /** The tables above one that is validated are none before it: a hold must do more. */
    static final int LEAST_TABLES_PER_HOLD = 4;

    /** Old tables of one hold that others use, too: those only lose a count. */
    private static final int OLD_PER_HOLD = 512;

    /** To hand over a lock takes some microseconds, if the other thread has a processor. */
    private static final int YIELDS_FOR_OTHERS = 200;

    private final int tablesPerHold;

    /** How many more this hold may do. */
    private int left;

    /** What this hold has not let go of. */
    private final KeptTables spared = new KeptTables();

    private final KeptTables old = new KeptTables();

    /** Whether {@link #old} has any, between holds. */
    private volatile boolean anyOld;

    /** By vCPU; each is set by its own. */
    private final UnfinishedTables[] unfinished = new UnfinishedTables[SharedInfo.LEGACY_MAX_VCPUS];

    TableWork(int tablesPerHold) {
        this.tablesPerHold = Math.max(tablesPerHold, LEAST_TABLES_PER_HOLD);
        left = this.tablesPerHold;
    }

    /** What a vCPU has not finished; for its own thread. */
    UnfinishedTables of(int vcpuId) {
        UnfinishedTables own = unfinished[vcpuId];
        if (own == null) {
            own = new UnfinishedTables();
            unfinished[vcpuId] = own;
        }
        return own;
    }

    // ---- one hold ----

    /** Whether this hold may do one more table; counts it. */
    boolean mayDoTable() {
        if (left == 0) {
            return false;
        }
        left--;
        return true;
    }

    /** Keeps a use and a reference that were to be given up, the last use of the table. */
    void spare(long mfn) {
        spared.push(mfn);
    }

    /**
     * Says what becomes of tables that were spared.
     *
     * @param result of the change: an attempt that is to be made again finds them in use
     * @param own of the vCPU that has made it, null for a change that is no attempt
     * @return whether this hold has left old tables
     */
    boolean end(int result, UnfinishedTables own) {
        int oldBefore = old.count();
        boolean again = result == PageTypes.NOT_DONE || result == PageTypes.NOT_SETTLED;
        if (again && own != null && !spared.isEmpty()) {
            own.pause(spared, old);
        } else {
            spared.moveTo(old);
        }
        if (!again && own != null) {
            own.end(old);
        }
        if (anyOld == old.isEmpty()) {
            anyOld = !old.isEmpty();
        }
        left = tablesPerHold;
        return old.count() > oldBefore;
    }

    // ---- old tables ----

    /** Whether tables wait to be let go of. */
    boolean hasOld() {
        return anyOld;
    }

    /** Lets go of old tables, as many as one hold may. */
    void letGoOfSome(PageTypes types, TlbShootdown tlb) {
        for (int i = 0; i < OLD_PER_HOLD && left > 0 && !old.isEmpty(); i++) {
            types.putPageAndType(old.pop(), tlb);
        }
        end(0, null);
    }

    // ---- between two holds ----

    /**
     * Unlocking alone lets nobody in: whoever waits is still waking up when this thread locks
     * again.
     */
    static void letOthersIn(ReentrantLock lock) {
        for (int i = 0; i < YIELDS_FOR_OTHERS && lock.hasQueuedThreads() && !lock.isLocked(); i++) {
            Thread.yield();
        }
    }

    /** All tables that the hypervisor keeps in use; for tests. */
    KeptTables kept() {
        KeptTables all = new KeptTables();
        add(old, all);
        for (UnfinishedTables own : unfinished) {
            if (own != null) {
                add(own.done, all);
            }
        }
        return all;
    }

    private static void add(KeptTables some, KeptTables all) {
        for (long mfn : some.toArray()) {
            all.push(mfn);
        }
    }
}

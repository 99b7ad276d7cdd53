package org.xenolith.core.mm;

import static org.xenolith.core.abi.XenErrno.EINVAL;

import java.util.function.IntSupplier;

/**
 * Changes of page tables that a vCPU makes: a long one lets other threads at the domain's tables
 * between its pieces, and pauses when the vCPU has to. {@link TableWork} says what the pieces are.
 *
 * <p>Each change is followed by {@link #letGoOfOld} until that is done. Locking: all methods take
 * {@link FrameTable#lock} and may wait for siblings.
 */
public final class PausableTables {
    /** A change that is to be made again when the vCPU runs again; no error number. */
    public static final int PAUSED = PageTypes.NOT_DONE;

    /** A hold of the lock takes as long as many pieces of other hypercalls. */
    private static final int PIECES_PER_HOLD = 16;

    /** For a change that validates no table. */
    private static final long NO_TABLE = -1;

    private final PageTypes types;
    private final FrameTable frames;

    public PausableTables(PageTypes types) {
        this.types = types;
        this.frames = types.frames();
    }

    /** As {@link PageTypes#pinTable}, or {@link #PAUSED}. */
    int pin(GuestContext vcpu, long mfn, int level) {
        return change(vcpu, mfn, () -> types.pin(mfn, level, vcpu.tlb()));
    }

    /** Ends what {@link #pin} began; never pauses before it is done. */
    int unpin(GuestContext vcpu, long mfn) {
        return change(vcpu, NO_TABLE, () -> types.unpin(mfn, vcpu.tlb()));
    }

    /** Takes a root as {@link PageTypes#acquire} does, or answers {@link #PAUSED}. */
    public int acquireRoot(GuestContext vcpu, long mfn) {
        if (GrantWindow.contains(mfn)) {
            return -EINVAL;
        }
        return change(vcpu, mfn, () -> types.getPageAndType(mfn, FrameType.L4_TABLE, vcpu.tlb()));
    }

    /** Lets go of what {@link #acquireRoot} took. */
    public void releaseRoot(GuestContext vcpu, long mfn) {
        types.releaseInPart(mfn, vcpu.tlb());
    }

    /**
     * Gives a root that {@link #acquireRoot} took back until the change that has just paused is
     * made again: it stays a root meanwhile.
     */
    public void keepRoot(GuestContext vcpu, long mfn) {
        frames.lock.lock();
        try {
            types.work().of(vcpu.vcpuId()).keep(mfn);
        } finally {
            frames.lock.unlock();
        }
    }

    /**
     * Makes a change under the lock.
     *
     * @param table MFN of the table that it makes one, if it does
     * @param change answers as for {@link PageTypes#settled}
     * @return 0, a negative error number or {@link #PAUSED}
     */
    int change(GuestContext vcpu, long table, IntSupplier change) {
        UnfinishedTables unfinished = types.work().of(vcpu.vcpuId()).attempt(table);
        int result = types.settled(vcpu.tlb(), unfinished, change);
        while (result == PageTypes.NOT_DONE && !vcpu.mustPauseAfter(PIECES_PER_HOLD)) {
            TableWork.letOthersIn(frames.lock);
            result = types.settled(vcpu.tlb(), unfinished, change);
        }
        return result;
    }

    /**
     * Lets go of the tables that changes have left as old ones.
     *
     * @return false when the vCPU has to pause before all are gone
     */
    public boolean letGoOfOld(GuestContext vcpu) {
        while (types.work().hasOld()) {
            types.letGoOfSomeOld(vcpu.tlb());
            if (types.work().hasOld() && vcpu.mustPauseAfter(PIECES_PER_HOLD)) {
                return false;
            }
            TableWork.letOthersIn(frames.lock);
        }
        return true;
    }
}

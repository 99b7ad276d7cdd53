package org.xenolith.core.mm;

import static org.xenolith.cpu.mmu.MachineMemory.NO_FRAME;

import org.xenolith.core.abi.AddressSpace;

/**
 * The guest RAM of a domain: how many frames it has and may have, and their MFNs from {@link
 * FrameTable#RAM_BASE} on. A balloon driver gives frames back and asks for them again; one that is
 * still mapped when it is given back counts until its last mapping is gone, as Xen's {@code
 * tot_pages}. public/memory.h, {@code XENMEM_*_reservation}.
 *
 * <p>Locking: {@link FrameTable#lock} guards the count and the numbers; {@link #populate} takes it,
 * the methods that are not public are called with it held. The sizes may be read, and the limit
 * set, at any time.
 */
public final class MemoryReservation {
    private final FrameTable frames;
    private final MfnRange mfns;
    private final long maximumPages;
    private long currentPages;

    /** What the host lets the domain have now; a domain that has more is given no more. */
    private volatile long limitPages;

    MemoryReservation(FrameTable frames, long maximumPages) {
        this.frames = frames;
        this.maximumPages = maximumPages;
        limitPages = maximumPages;
        mfns = new MfnRange(FrameTable.RAM_BASE, FrameTable.RAM_BASE + maximumPages);
    }

    /** Guest frames the domain may have at most. */
    public long maximumPages() {
        return maximumPages;
    }

    /** Guest frames the domain has. */
    public long currentPages() {
        return currentPages;
    }

    /**
     * Sets how many frames the domain may have from now on. What it has above that stays until it
     * gives it back.
     *
     * @param pages at most {@link #maximumPages}
     */
    public void limitPages(long pages) {
        limitPages = Math.min(pages, maximumPages);
    }

    long limitPages() {
        return limitPages;
    }

    /**
     * Adds a zeroed frame.
     *
     * @param pfn the guest's number for it, recorded in the machine-to-physical array
     * @return its MFN, or {@code NO_FRAME} when the reservation or the pool is used up
     */
    public long populate(long pfn) {
        frames.lock.lock();
        try {
            if (currentPages >= limitPages) {
                return NO_FRAME;
            }
            long hostBase = frames.pool().allocate();
            if (hostBase == NO_FRAME) {
                return NO_FRAME;
            }
            long mfn = mfns.take();
            add(mfn, hostBase, pfn, FrameInfo.ALLOCATED);
            return mfn;
        } finally {
            frames.lock.unlock();
        }
    }

    private void add(long mfn, long hostBase, long pfn, int info) {
        frames.add(mfn, hostBase, info);
        frames.machineToPhysical().setPfn(mfn, pfn);
        currentPages++;
    }

    /**
     * Takes a frame out of the reservation. A frame that is still mapped stays until its last
     * reference goes, as on Xen.
     *
     * @return false when the domain has no such frame to give
     */
    boolean decrease(long mfn, TlbShootdown tlb) {
        if (!frames.exists(mfn) || !frames.has(mfn, FrameInfo.ALLOCATED)) {
            return false;
        }
        frames.clear(mfn, FrameInfo.ALLOCATED);
        frames.machineToPhysical().setPfn(mfn, AddressSpace.INVALID_M2P_ENTRY);
        frames.put(mfn, tlb);
        return true;
    }

    /** The MFNs, in use and free. */
    MfnRange mfns() {
        return mfns;
    }

    /**
     * Gives a reservation without frames those of a saved one at the same numbers, all zero, with
     * one reference each.
     *
     * @throws FrameTable.OutOfMemory when the pool is used up
     */
    void restore(SavedFrames saved) throws FrameTable.OutOfMemory {
        for (SavedFrames.Frame frame : saved.frames()) {
            long hostBase = frames.pool().allocate();
            if (hostBase == NO_FRAME) {
                throw new FrameTable.OutOfMemory("the saved domain");
            }
            add(frame.mfn(), hostBase, frame.pfn(), frame.allocated() ? FrameInfo.ALLOCATED : 0);
        }
        limitPages(saved.limitPages());
        mfns.restore(saved.nextRam(), saved.freeRam());
    }

    /** The last reference to a frame is gone. */
    void left(long mfn) {
        currentPages--;
        mfns.giveBack(mfn);
    }

    /** All frames have been given back at once. */
    void allLeft() {
        currentPages = 0;
    }
}

package org.xenolith.core.mm;

import static org.xenolith.cpu.mmu.MachineMemory.NO_FRAME;

/**
 * Frames of other domains that this one has mapped by a grant: each mapping has an MFN of its own
 * from {@link FrameTable#GRANT_WINDOW_BASE} on, so that page tables can name it.
 *
 * <p>Locking: {@link FrameTable#lock} guards the numbers; the public methods take it.
 */
public final class GrantWindow {
    private final FrameTable frames;
    private final MfnRange mfns = new MfnRange(FrameTable.GRANT_WINDOW_BASE, FrameTable.RAM_BASE);

    GrantWindow(FrameTable frames) {
        this.frames = frames;
    }

    /** Whether the number is one for a granted frame of another domain. */
    public static boolean contains(long mfn) {
        return mfn >= FrameTable.GRANT_WINDOW_BASE && mfn < FrameTable.RAM_BASE;
    }

    /**
     * Makes another domain's frame visible. Takes a reference to the host frame.
     *
     * @param hostBase byte offset of the host frame
     * @return the MFN to map, or {@code NO_FRAME} when the window is full
     */
    public long add(long hostBase, boolean readOnly) {
        frames.lock.lock();
        try {
            if (mfns.isExhausted()) {
                return NO_FRAME;
            }
            frames.pool().acquire(hostBase);
            long mfn = mfns.take();
            int readOnlyFlag = readOnly ? FrameInfo.GRANTED_READ_ONLY : 0;
            frames.add(mfn, hostBase, FrameInfo.GRANTED | readOnlyFlag);
            return mfn;
        } finally {
            frames.lock.unlock();
        }
    }

    /**
     * Ends a grant mapping: the MFN is free when the last page-table entry that names it is gone.
     */
    public void remove(long mfn, TlbShootdown tlb) {
        frames.lock.lock();
        try {
            frames.put(mfn, tlb);
        } finally {
            frames.lock.unlock();
        }
    }

    /** Whether no granted frame of another domain is mapped. */
    public boolean isEmpty() {
        frames.lock.lock();
        try {
            return mfns.isUnused();
        } finally {
            frames.lock.unlock();
        }
    }

    /** The last reference is gone. Called with {@link FrameTable#lock} held. */
    void left(long mfn) {
        mfns.giveBack(mfn);
    }
}

package org.xenolith.core.mm;

import static org.xenolith.cpu.mmu.MachineMemory.NO_FRAME;

import org.xenolith.core.mm.FrameTable.OutOfMemory;

/**
 * Frames of the hypervisor in a domain's frame table: those that the guest maps by number
 * (shared_info, grant frames), from {@link FrameTable#XEN_BASE} on, and those that it cannot name.
 * They stay as long as the domain. Xen's {@code share_xen_page_with_guest}.
 *
 * <p>Locking: {@link FrameTable#lock} guards the numbers; {@link #add} takes it. {@link #contains}
 * and {@link #count} may be read at any time.
 */
public final class XenFrames {
    private final FrameTable frames;
    private final MfnRange mfns = new MfnRange(FrameTable.XEN_BASE, FrameTable.M2P_BASE);

    XenFrames(FrameTable frames) {
        this.frames = frames;
    }

    /**
     * A zeroed frame that the hypervisor shares with the guest.
     *
     * @return its MFN
     */
    public long add() throws OutOfMemory {
        frames.lock.lock();
        try {
            if (mfns.isExhausted()) {
                throw new OutOfMemory("more frames shared with the guest");
            }
            addAt(mfns.next(), FrameInfo.XEN_OWNED);
            return mfns.take();
        } finally {
            frames.lock.unlock();
        }
    }

    /**
     * A zeroed frame that the guest cannot name. Called with {@link FrameTable#lock} held, or while
     * the table is made.
     *
     * @param mfn a number that is free and not one of those that are shared
     */
    void addPrivate(long mfn) throws OutOfMemory {
        addAt(mfn, FrameInfo.XEN_OWNED | FrameInfo.PRIVATE);
    }

    private void addAt(long mfn, int info) throws OutOfMemory {
        long hostBase = frames.pool().allocate();
        if (hostBase == NO_FRAME) {
            throw new OutOfMemory("a frame of the hypervisor");
        }
        frames.add(mfn, hostBase, info);
    }

    /** Whether it is a frame that the hypervisor shares with the guest. */
    public boolean contains(long mfn) {
        return mfn >= FrameTable.XEN_BASE && mfn < mfns.next();
    }

    /** How many frames are shared with the guest. */
    int count() {
        return (int) (mfns.next() - FrameTable.XEN_BASE);
    }
}

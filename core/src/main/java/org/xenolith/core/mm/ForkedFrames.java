package org.xenolith.core.mm;

import static org.xenolith.cpu.mmu.MachineMemory.NO_FRAME;

import org.xenolith.cpu.mmu.Ram;

/**
 * The content of a domain's frames for a copy of it. What can be shared is shared until one of both
 * writes to it, so that a copy costs memory for what becomes different only; page tables and what
 * the VMM uses by its host address are copied. A domain with several vCPUs shares nothing: see
 * {@link FrameSharing}.
 */
public final class ForkedFrames {
    private final FrameTable parent;
    private final FrameSharing sharing;
    private final boolean shares;

    /**
     * @param parent its domain stands still as long as this is used
     * @param vcpus how many it has
     */
    public ForkedFrames(FrameTable parent, int vcpus) {
        this.parent = parent;
        sharing = new FrameSharing(parent);
        shares = vcpus == 1;
    }

    /**
     * Fills the frames of a copy, which {@link SavedFrames#restoreInto} has given it at the same
     * numbers.
     *
     * @return how many are shared
     */
    public long fill(FrameTable child) {
        long lent = 0;
        parent.lock.lock();
        child.lock.lock();
        try {
            for (int i = 0; i < child.xenFrames().count(); i++) {
                copy(FrameTable.XEN_BASE + i, child);
            }
            for (long mfn = FrameTable.RAM_BASE; mfn < child.limitMfn(); mfn++) {
                if (child.exists(mfn)) {
                    lent += fill(mfn, child) ? 1 : 0;
                }
            }
        } finally {
            // Also of those that were lent before something failed.
            parent.tlbs().flushAll();
            child.lock.unlock();
            parent.lock.unlock();
        }
        parent.tlbs().awaitSettled(parent.tlbs().stamp());
        return lent;
    }

    /** Whether the frame is shared now. */
    private boolean fill(long mfn, FrameTable child) {
        long host = parent.frame(mfn);
        if (host == NO_FRAME) {
            throw new IllegalStateException("mfn %#x has gone meanwhile".formatted(mfn));
        }
        if (PageDigest.isZero(host)) {
            return false; // as the copy's is
        }
        if (!shares || !sharing.canBeLent(mfn) || !parent.pool().shared().lend(host)) {
            copy(mfn, child);
            return false;
        }
        parent.exchange(mfn, host, true);
        long fresh = child.frame(mfn);
        child.exchange(mfn, host, true);
        child.pool().release(fresh); // for the one that was promised
        return true;
    }

    private void copy(long mfn, FrameTable child) {
        Ram.copy(parent.frame(mfn), child.frame(mfn), Ram.PAGE_SIZE);
    }
}

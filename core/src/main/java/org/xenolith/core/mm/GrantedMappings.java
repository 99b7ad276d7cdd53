package org.xenolith.core.mm;

import org.xenolith.cpu.mmu.Pte;
import org.xenolith.cpu.mmu.Ram;

/**
 * L1 entries that map frames of the {@link GrantWindow}: grant_table_op sets and clears them, no
 * page-table update of the guest can. Xen's {@code create_grant_pv_mapping} and {@code
 * replace_grant_pv_mapping}.
 *
 * <p>Locking: the methods take {@link FrameTable#lock} and are called without it. They may be
 * called with locks of grant tables held, and wait for nobody.
 */
public final class GrantedMappings {
    private static final long FLAGS = Pte.PRESENT | Pte.USER | Pte.ACCESSED | Pte.DIRTY;

    private final PageTypes types;
    private final FrameTable frames;
    private final EntryUpdates updates;

    public GrantedMappings(PageTypes types) {
        this.types = types;
        this.frames = types.frames();
        this.updates = new EntryUpdates(types);
    }

    /**
     * Sets an L1 entry to a frame of the grant window.
     *
     * @param entryMaddr machine address of the entry
     * @return false when that is no entry of an L1 table
     */
    public boolean map(long entryMaddr, long mfn, boolean write, TlbShootdown tlb) {
        frames.lock.lock();
        try {
            if (!isL1Entry(entryMaddr) || !frames.get(mfn)) {
                return false;
            }
            long entry = mfn << Ram.PAGE_SHIFT | FLAGS;
            if (write) {
                types.getType(mfn, FrameType.WRITABLE, tlb);
                entry |= Pte.WRITABLE;
            }
            replace(entryMaddr, entry, tlb);
            return true;
        } finally {
            frames.lock.unlock();
        }
    }

    /**
     * Clears the entry that {@link #map} has set, unless the guest has done so.
     *
     * @return false when the frame is mapped, but not there
     */
    public boolean unmap(long entryMaddr, long mfn, TlbShootdown tlb) {
        frames.lock.lock();
        try {
            if (isL1Entry(entryMaddr)) {
                long entry = Ram.getLongVolatile(hostOf(entryMaddr));
                if (Pte.isPresent(entry) && Pte.mfn(entry) == mfn) {
                    replace(entryMaddr, 0, tlb);
                }
            }
            return frames.references(mfn) == 1;
        } finally {
            frames.lock.unlock();
        }
    }

    private boolean isL1Entry(long maddr) {
        return (maddr & 7) == 0 && frames.isL1Table(maddr >>> Ram.PAGE_SHIFT);
    }

    private long hostOf(long maddr) {
        return frames.ownFrame(maddr >>> Ram.PAGE_SHIFT) | maddr & Ram.PAGE_OFFSET;
    }

    private void replace(long maddr, long entry, TlbShootdown tlb) {
        int slot = (int) (maddr & Ram.PAGE_OFFSET) >>> 3;
        updates.replaceL1(maddr >>> Ram.PAGE_SHIFT, slot, entry, tlb);
    }
}

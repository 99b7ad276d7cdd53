package org.xenolith.core.mm;

import static org.xenolith.core.abi.XenErrno.EINVAL;

import org.xenolith.cpu.mmu.Pte;
import org.xenolith.cpu.mmu.Ram;

/**
 * Changes of single entries of page tables in use: the new entry takes what it refers to, the old
 * one gives it back after what it translated has been dropped ({@link PageTypes} says why in that
 * order). Xen's {@code mod_l1_entry} and its like.
 *
 * <p>Locking: all methods are called with {@link FrameTable#lock} held; none takes another. The
 * walk of a vCPU sets Accessed and Dirty bits meanwhile, so entries are changed by compare and set.
 */
final class EntryUpdates {
    private final FrameTable frames;
    private final TableLinks links;
    private final EntryReferences references;

    EntryUpdates(PageTypes types) {
        this.frames = types.frames();
        this.links = types.links();
        this.references = new EntryReferences(types);
    }

    /**
     * Writes an entry of a table of any level, as mmu_update does.
     *
     * @param tableMfn a page table in use
     * @param preserveAd the Accessed and Dirty bits of the old entry stay set
     * @return 0, a negative error number or {@link PageTypes#NOT_SETTLED}; one that fails has
     *     changed nothing
     */
    int update(long tableMfn, int slot, long entry, boolean preserveAd, TlbShootdown tlb) {
        int type = frames.type(tableMfn);
        return type == FrameType.L1_TABLE
                ? updateL1(tableMfn, slot, entry, preserveAd, tlb)
                : updateUpper(tableMfn, type, slot, entry, preserveAd, tlb);
    }

    /** As {@link #update}, of an L1 table in use. */
    int updateL1(long tableMfn, int slot, long entry, boolean preserveAd, TlbShootdown tlb) {
        long at = frames.ownFrame(tableMfn) + slot * 8L;
        long old = Ram.getLongVolatile(at);
        boolean sameFrame = false;
        if (Pte.isPresent(entry)) {
            if (!EntryRules.isAllowedInL1(entry)) {
                return -EINVAL;
            }
            sameFrame = EntryRules.keepsFrame(old, entry);
            int result = sameFrame ? 0 : references.getL1(entry);
            if (result != 0) {
                return result;
            }
        }
        old = write(at, entry, preserveAd);
        settleL1(tableMfn, slot, old, entry, sameFrame, tlb);
        return 0;
    }

    /** Replaces an entry of an L1 table in use by one whose frame is held already. */
    void replaceL1(long tableMfn, int slot, long entry, TlbShootdown tlb) {
        long old = write(frames.ownFrame(tableMfn) + slot * 8L, entry, false);
        settleL1(tableMfn, slot, old, entry, false, tlb);
    }

    /**
     * Ends a change of an L1 entry that has been written.
     *
     * @param sameFrame the new entry keeps what the old one has taken
     */
    void settleL1(
            long tableMfn, int slot, long old, long entry, boolean sameFrame, TlbShootdown tlb) {
        if (!Pte.isPresent(old)) {
            return;
        }
        if (EntryRules.makesPageStale(old, entry)) {
            links.dropPage(tableMfn, slot, tlb);
        }
        if (!sameFrame) {
            references.putL1(old, tlb);
        }
    }

    /**
     * Stores an entry. Only the walk of a vCPU changes it meanwhile, and only its Accessed and
     * Dirty bits.
     *
     * @return the old entry
     */
    private static long write(long at, long entry, boolean preserveAd) {
        while (true) {
            long old = Ram.getLongVolatile(at);
            long written = preserveAd ? EntryRules.preservingAd(old, entry) : entry;
            if (Ram.compareAndSetLong(at, old, written)) {
                return old;
            }
        }
    }

    private int updateUpper(
            long tableMfn, int level, int slot, long entry, boolean preserveAd, TlbShootdown tlb) {
        if (!EntryRules.isGuestSlot(level, slot)) {
            return -EINVAL;
        }
        long at = frames.ownFrame(tableMfn) + slot * 8L;
        long old = Ram.getLongVolatile(at);
        boolean sameFrame = false;
        if (Pte.isPresent(entry)) {
            if (!EntryRules.isAllowedInUpper(entry)) {
                return -EINVAL;
            }
            sameFrame = EntryRules.keepsFrame(old, entry);
            int result = sameFrame ? 0 : references.getUpper(level, entry, tlb);
            if (result != 0) {
                return result;
            }
        }
        old = write(at, entry, preserveAd);
        if (Pte.isPresent(old)) {
            if (EntryRules.makesTableStale(old, entry, preserveAd)) {
                links.dropTable(tableMfn, level, tlb);
            }
            if (!sameFrame) {
                links.unlink(tableMfn, level, slot, old);
                references.putUpper(old, tlb);
            }
        }
        if (Pte.isPresent(entry) && !sameFrame) {
            links.link(tableMfn, level, slot, entry);
        }
        return 0;
    }
}

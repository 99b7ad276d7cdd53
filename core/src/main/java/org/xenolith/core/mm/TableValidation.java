package org.xenolith.core.mm;

import org.xenolith.cpu.mmu.Pte;
import org.xenolith.cpu.mmu.Ram;

/**
 * The entries of a frame that becomes a page table, or ceases to be one: each present one is
 * checked and takes what it refers to, or gives it back. One level at a time; the tables below
 * follow because their first use begins, or their last one ends. Xen's {@code alloc_l1_table},
 * {@code free_l1_table} and their like.
 *
 * <p>Locking: all methods are called with {@link FrameTable#lock} held; none takes another.
 */
final class TableValidation {
    private final FrameTable frames;
    private final TableLinks links;
    private final EntryReferences references;

    TableValidation(PageTypes types) {
        this.frames = types.frames();
        this.links = types.links();
        this.references = new EntryReferences(types);
    }

    /**
     * Takes what the entries of a table refer to.
     *
     * @param level {@link FrameType} of a page table
     * @return 0, a negative error number or {@link PageTypes#NOT_SETTLED}; one that fails has taken
     *     nothing
     */
    int get(long mfn, int level, TlbShootdown tlb) {
        return level == FrameType.L1_TABLE ? getL1(mfn, tlb) : getUpper(mfn, level, tlb);
    }

    /** Gives back what the entries of a table refer to. */
    void put(long mfn, int level, TlbShootdown tlb) {
        if (level == FrameType.L1_TABLE) {
            putL1(mfn, Pte.ENTRIES, tlb);
        } else {
            putUpper(mfn, level, Pte.ENTRIES, tlb);
        }
    }

    private int getL1(long mfn, TlbShootdown tlb) {
        long table = frames.frame(mfn);
        for (int slot = 0; slot < Pte.ENTRIES; slot++) {
            long entry = Ram.getLong(table + slot * 8L);
            if (Pte.isPresent(entry)) {
                int result = references.getL1(entry);
                if (result != 0) {
                    putL1(mfn, slot, tlb);
                    return result;
                }
            }
        }
        return 0;
    }

    private void putL1(long mfn, int limit, TlbShootdown tlb) {
        long table = frames.frame(mfn);
        for (int slot = 0; slot < limit; slot++) {
            long entry = Ram.getLong(table + slot * 8L);
            if (Pte.isPresent(entry)) {
                references.putL1(entry, tlb);
            }
        }
    }

    private int getUpper(long mfn, int level, TlbShootdown tlb) {
        long table = frames.frame(mfn);
        for (int slot = 0; slot < Pte.ENTRIES; slot++) {
            long entry = Ram.getLong(table + slot * 8L);
            if (Pte.isPresent(entry) && EntryRules.isGuestSlot(level, slot)) {
                int result = references.getUpper(level, entry, tlb);
                if (result != 0) {
                    putUpper(mfn, level, slot, tlb);
                    return result;
                }
                links.link(mfn, level, slot, entry);
            }
        }
        return 0;
    }

    private void putUpper(long mfn, int level, int limit, TlbShootdown tlb) {
        long table = frames.frame(mfn);
        for (int slot = 0; slot < limit; slot++) {
            long entry = Ram.getLong(table + slot * 8L);
            if (Pte.isPresent(entry) && EntryRules.isGuestSlot(level, slot)) {
                links.unlink(mfn, level, slot, entry);
                references.putUpper(entry, tlb);
            }
        }
    }
}

package org.xenolith.core.mm;

import org.xenolith.cpu.mmu.MachineMemory.CasResult;
import org.xenolith.cpu.mmu.Pte;
import org.xenolith.cpu.mmu.Ram;

/**
 * Stores of a guest into its L1 tables through read-only mappings: each is checked as a hypercall
 * would be, and performed. Xen's writable page tables, {@code ptwr_emulated_update}.
 *
 * <p>Locking: all methods are called with {@link FrameTable#lock} held; none takes another. They
 * never have to wait for siblings: such a store makes no frame a table.
 */
final class EmulatedStores {
    private final FrameTable frames;
    private final EntryReferences references;
    private final EntryUpdates updates;

    EmulatedStores(PageTypes types) {
        this.frames = types.frames();
        this.references = new EntryReferences(types);
        this.updates = new EntryUpdates(types);
    }

    /**
     * Performs a store.
     *
     * @param maddr machine address
     * @param size in bytes: 1, 2, 4 or 8
     * @return false when it is refused: the guest gets its page fault
     */
    boolean store(long maddr, int size, long value, TlbShootdown tlb) {
        return emulate(maddr, size, 0, value, false, tlb) == CasResult.DONE;
    }

    /** As {@link #store}, if there is what the guest expects. */
    CasResult compareAndSet(long maddr, int size, long expected, long value, TlbShootdown tlb) {
        return emulate(maddr, size, expected, value, true, tlb);
    }

    private CasResult emulate(
            long maddr, int size, long expected, long value, boolean compare, TlbShootdown tlb) {
        long tableMfn = maddr >>> Ram.PAGE_SHIFT;
        if (!frames.isL1Table(tableMfn) || (maddr & size - 1) != 0) {
            return CasResult.REFUSED;
        }
        int slot = (int) (maddr & Ram.PAGE_OFFSET) >>> 3;
        long at = frames.ownFrame(tableMfn) + slot * 8L;
        int shift = (int) (maddr & 7) * 8;
        long mask = (size == 8 ? -1 : (1L << size * 8) - 1) << shift;
        while (true) {
            long old = Ram.getLongVolatile(at);
            if (compare && (old & mask) != (expected << shift & mask)) {
                return CasResult.CHANGED;
            }
            long entry = old & ~mask | value << shift & mask;
            boolean sameFrame = EntryRules.keepsFrame(old, entry) && Pte.isPresent(entry);
            if (Pte.isPresent(entry) && !sameFrame && references.getL1(entry) != 0) {
                return CasResult.REFUSED;
            }
            if (Ram.compareAndSetLong(at, old, entry)) {
                updates.settleL1(tableMfn, slot, old, entry, sameFrame, tlb);
                return CasResult.DONE;
            }
            if (Pte.isPresent(entry) && !sameFrame) {
                references.putL1(entry, tlb); // a walk has set Accessed or Dirty: look again
            }
        }
    }
}

package org.xenolith.core.mm;

import org.xenolith.cpu.mmu.Pte;

/**
 * What a guest may write into an entry of its page tables, and what a change of one means: {@code
 * L1_DISALLOW_MASK} and {@code FASTPATH_FLAG_WHITELIST} of Xen's x86 code; SDM vol. 3A, 4.5.
 *
 * <p>Pure functions of entries: no locking.
 */
final class EntryRules {
    /** Flags that no guest entry may have. Only L1 entries may be global. */
    private static final long UPPER_DISALLOWED =
            Pte.WRITE_THROUGH | Pte.CACHE_DISABLE | Pte.PAGE_SIZE | Pte.GLOBAL;

    private static final long L1_DISALLOWED = UPPER_DISALLOWED & ~Pte.GLOBAL;

    private static final long SOFTWARE_FLAGS = 0x7ffL << 52 | 7 << 9;

    private static final long AD_FLAGS = Pte.ACCESSED | Pte.DIRTY;

    /** What may change in an entry without a new look at the frame it refers to. */
    private static final long HARMLESS_FLAGS =
            Pte.NO_EXECUTE | SOFTWARE_FLAGS | Pte.GLOBAL | AD_FLAGS | Pte.USER;

    /** Of those, what changes no translation: nothing to drop. */
    private static final long INVISIBLE_FLAGS = SOFTWARE_FLAGS | Pte.GLOBAL | Pte.USER;

    private EntryRules() {}

    /** Whether an L1 entry has no flag that Xen keeps for itself. */
    static boolean isAllowedInL1(long entry) {
        return (entry & L1_DISALLOWED) == 0;
    }

    /** Whether an entry of an L2, L3 or L4 table has no flag that Xen keeps for itself. */
    static boolean isAllowedInUpper(long entry) {
        return (entry & UPPER_DISALLOWED) == 0;
    }

    /** Whether a slot of a table of {@code level} is the guest's: some of a root's are not. */
    static boolean isGuestSlot(int level, int slot) {
        return level != FrameType.L4_TABLE
                || slot < Pte.HYPERVISOR_FIRST_SLOT
                || slot > Pte.HYPERVISOR_LAST_SLOT;
    }

    /** Whether an entry can take the place of another and keep what that has taken. */
    static boolean keepsFrame(long old, long entry) {
        return ((old ^ entry) & ~HARMLESS_FLAGS) == 0;
    }

    /** Whether what a present L1 entry translated is stale. */
    static boolean makesPageStale(long old, long entry) {
        return ((old ^ entry) & ~INVISIBLE_FLAGS) != 0;
    }

    /**
     * Whether a present upper entry leads elsewhere, allows something else, or has lost its
     * Accessed bit, which the next walk is to set again.
     */
    static boolean makesTableStale(long old, long entry, boolean preserveAd) {
        long unseen = INVISIBLE_FLAGS | (preserveAd ? AD_FLAGS : Pte.DIRTY);
        return ((old ^ entry) & ~unseen) != 0;
    }

    /** An entry with the Accessed and Dirty bits that the one before has, too. */
    static long preservingAd(long old, long entry) {
        return entry | old & AD_FLAGS;
    }
}

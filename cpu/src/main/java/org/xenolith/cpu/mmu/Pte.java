package org.xenolith.cpu.mmu;

/** Bits of a page-table entry, 4-level paging. SDM vol. 3A, tables 4-15 to 4-20. */
public final class Pte {
    public static final long PRESENT = 1;
    public static final long WRITABLE = 1 << 1;
    public static final long USER = 1 << 2;
    public static final long WRITE_THROUGH = 1 << 3;
    public static final long CACHE_DISABLE = 1 << 4;
    public static final long ACCESSED = 1 << 5;
    public static final long DIRTY = 1 << 6;

    /** Page size in an L2 or L3 entry, PAT in an L1 entry. */
    public static final long PAGE_SIZE = 1 << 7;

    public static final long GLOBAL = 1 << 8;
    public static final long NO_EXECUTE = 1L << 63;

    /** Bits 12-51: the machine frame number. */
    public static final long FRAME_MASK = 0x000f_ffff_ffff_f000L;

    public static final int ENTRIES = 512;

    /**
     * L4 slots that belong to the hypervisor. public/arch-x86/xen-x86_64.h, HYPERVISOR_VIRT_START.
     */
    public static final int HYPERVISOR_FIRST_SLOT = 256;

    public static final int HYPERVISOR_LAST_SLOT = 271;

    private Pte() {}

    public static boolean isPresent(long pte) {
        return (pte & PRESENT) != 0;
    }

    public static long mfn(long pte) {
        return (pte & FRAME_MASK) >>> Ram.PAGE_SHIFT;
    }

    /** Index of {@code vaddr} in the table of {@code level} 1 to 4. */
    public static int index(long vaddr, int level) {
        return (int) (vaddr >>> Ram.PAGE_SHIFT + 9 * (level - 1)) & ENTRIES - 1;
    }
}

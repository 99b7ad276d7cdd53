package org.xenolith.cpu.mmu;

import org.xenolith.cpu.GuestFault;

/**
 * Stores of a guest into its own page tables, through the read-only mappings that it has of them:
 * the platform checks the new entry and writes it, as Xen's ptwr emulation does. Refused, or not
 * within one entry, the store is the page fault that it is on any read-only page.
 */
final class PageTableStores {
    private final MachineMemory memory;

    PageTableStores(MachineMemory memory) {
        this.memory = memory;
    }

    /**
     * Stores.
     *
     * @param maddr where {@code vaddr} leads
     * @throws GuestFault #PF when the platform refuses the new value, or the access is not one
     *     entry's
     */
    void store(long vaddr, long maddr, int size, long value) {
        if (!withinQuadword(maddr, size) || !memory.emulateStore(maddr, size, value)) {
            throw GuestFault.pageFault(vaddr, GuestFault.PF_PRESENT | GuestFault.PF_WRITE);
        }
    }

    /**
     * Compares and sets.
     *
     * @return false when the old value is not the expected one any more
     * @throws GuestFault as above
     */
    boolean compareAndSet(long vaddr, long maddr, int size, long expected, long value) {
        if (withinQuadword(maddr, size)) {
            switch (memory.emulateCompareAndSet(maddr, size, expected, value)) {
                case DONE -> {
                    return true;
                }
                case CHANGED -> {
                    return false;
                }
                case REFUSED -> {}
            }
        }
        throw GuestFault.pageFault(vaddr, GuestFault.PF_PRESENT | GuestFault.PF_WRITE);
    }

    private static boolean withinQuadword(long maddr, int size) {
        return (maddr & 7) + size <= 8;
    }
}

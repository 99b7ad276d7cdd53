package org.xenolith.core.lab;

/** A guest's memory, as the page tables that it uses now show it. */
public interface GuestMemory {
    /**
     * @param vaddr linear address of the guest, need not be aligned
     * @throws BadAddress if one of the eight bytes is not mapped
     */
    long read64(long vaddr);

    /**
     * @param vaddr linear address of the guest, need not be aligned
     * @throws BadAddress if one of the eight bytes is not mapped, or mapped read-only; then none is
     *     written
     */
    void write64(long vaddr, long value);
}

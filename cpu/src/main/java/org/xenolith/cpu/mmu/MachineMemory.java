package org.xenolith.cpu.mmu;

/**
 * A domain's machine address space: the only way from an MFN to host memory. Implemented by the
 * platform; the walls between guests stand here.
 */
public interface MachineMemory {
    /** No frame of this domain has that number. */
    long NO_FRAME = -1;

    /**
     * Host frame behind a machine frame, for reading.
     *
     * @return byte offset into {@link Ram}, a multiple of 4096, or {@link #NO_FRAME}
     */
    long frame(long mfn);

    /** Like {@link #frame}, for writing: gives up sharing of the frame first. */
    long writableFrame(long mfn);

    /**
     * The L4 entry that every address space of the domain has in a slot owned by the hypervisor.
     *
     * @param slot 256 to 271
     * @return an entry in the domain's own MFNs, 0 when not present
     */
    long hypervisorEntry(int slot);

    /**
     * Whether the frame is an L1 page table now. A frame that the guest could write becomes one
     * only when no vCPU is in the middle of a walk that began before.
     */
    default boolean isLeafTable(long mfn) {
        return true;
    }

    /**
     * Whether a store through a read-only mapping of {@code mfn} is performed by the platform
     * instead of faulting: true for L1 page tables, as Xen's ptwr emulation does.
     */
    boolean emulatesStores(long mfn);

    /**
     * Performs a store into a page table for the guest, after validation.
     *
     * @param maddr machine address, inside one aligned quadword
     * @param size 1, 2, 4 or 8 bytes
     * @return false when the new entry is refused; the guest then gets its page fault
     */
    boolean emulateStore(long maddr, int size, long value);

    /** Result of {@link #emulateCompareAndSet}. */
    enum CasResult {
        DONE,
        CHANGED,
        REFUSED
    }

    /** As {@link #emulateStore}, if the old content still is {@code expected}. */
    CasResult emulateCompareAndSet(long maddr, int size, long expected, long value);

    /**
     * Has memory to itself for a locked access that the host cannot do at once: waits until each
     * other vCPU of the domain stands between two instructions and keeps it there. What siblings
     * have posted to the calling vCPU's mailbox is applied meanwhile, so host addresses from before
     * are void. The block that runs goes on: an instruction behind this one that a sibling's store
     * has changed is not executed, as its block is dropped, and in a page that is mapped otherwise
     * now only what is left of the block is. SDM vol. 3A, 9.1.2 (bus locking), 9.1.3.
     */
    default void lockBus() {}

    /** Lets the others go on. */
    default void unlockBus() {}
}

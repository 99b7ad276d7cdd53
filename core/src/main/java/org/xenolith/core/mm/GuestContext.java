package org.xenolith.core.mm;

import org.xenolith.cpu.mmu.Mmu;

/** The vCPU that makes a memory hypercall: what the handlers need of it. */
public interface GuestContext {
    /** 0 to 63. */
    int vcpuId();

    /** Reads and writes guest memory through the tables loaded now. */
    Mmu mmu();

    TlbShootdown tlb();

    /** MFN of the kernel's L4 table. */
    long basePtr();

    /** Loads the kernel's L4 table and makes it current. Its type is held by the caller. */
    void newBasePtr(long mfn);

    /** MFN of the L4 table of user mode, 0 for none. */
    long userBasePtr();

    /** Sets the L4 table of user mode; 0 for none. */
    void newUserBasePtr(long mfn);

    /** Sets where the LDT is; no entries, no LDT. */
    void setLdt(long vaddr, int entries);

    /** MFNs of the GDT's pages; empty before there is one. */
    long[] gdtMfns();

    /** Sets the GDT's pages and how many descriptors they hold. */
    void setGdt(long[] mfns, int entries);

    /** Whether a hypercall that has done a part of its work should stop and let others run. */
    default boolean mustPause() {
        return false;
    }

    /**
     * As {@link #mustPause}, after a piece of work that took as long as several.
     *
     * @param pieces how many of the usual ones
     */
    default boolean mustPauseAfter(int pieces) {
        return mustPause();
    }

    /** Tells of a piece of work that may have taken milliseconds, and not microseconds. */
    default void tookLong() {}

    /**
     * Arranges that the hypercall is made once more, with these arguments, when the vCPU runs
     * again: Xen's continuation. Only after {@link #mustPause} or {@link #mustPauseAfter} has said
     * so.
     *
     * @return what the handler is to return
     */
    default long again(long a1, long a2, long a3, long a4) {
        throw new IllegalStateException("this vCPU does not pause hypercalls");
    }
}

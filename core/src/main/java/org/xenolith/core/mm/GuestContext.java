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
}

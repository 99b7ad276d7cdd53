package org.xenolith.core.domain;

import org.xenolith.core.mm.FrameTable;
import org.xenolith.cpu.GuestFault;
import org.xenolith.cpu.mmu.MachineMemory;
import org.xenolith.cpu.mmu.Mmu;
import org.xenolith.cpu.mmu.Ram;

/**
 * The descriptor tables that a vCPU has loaded: a GDT by its frames, with Xen's own entries behind
 * the guest's, and an LDT by a linear address of the kernel. SDM vol. 3A, 2.4.
 *
 * <p>Set by the hypercalls of the vCPU, or of a sibling before it is up; read on the vCPU's own
 * thread. The types of the GDT's frames are held by who sets them.
 */
public final class GdtAndLdt {
    private static final int GDT_ENTRIES_PER_PAGE = Ram.PAGE_SIZE / 8;
    private static final int SELECTOR_TI = 4;

    private final FrameTable frames;
    private final Mmu mmu;
    private final GuestMode mode;
    private long[] gdtMfns = {};
    private int gdtEntries;
    private long ldtBase;
    private int ldtEntries;

    GdtAndLdt(FrameTable frames, Mmu mmu, GuestMode mode) {
        this.frames = frames;
        this.mmu = mmu;
        this.mode = mode;
    }

    /** Descriptors in the GDT's pages. */
    public int gdtEntries() {
        return gdtEntries;
    }

    public long ldtBase() {
        return ldtBase;
    }

    public int ldtEntries() {
        return ldtEntries;
    }

    long[] gdtMfns() {
        return gdtMfns;
    }

    void setGdt(long[] mfns, int entries) {
        gdtMfns = mfns.clone();
        gdtEntries = entries;
    }

    void setLdt(long vaddr, int entries) {
        ldtBase = vaddr;
        ldtEntries = entries;
    }

    /**
     * The descriptor that a selector names.
     *
     * @return the 8 bytes, 0 when there is none
     */
    public long descriptor(int selector) {
        int entry = selector >>> 3;
        if ((selector & SELECTOR_TI) != 0) {
            return entry < ldtEntries ? readLdt(entry) : 0;
        }
        if (entry >= Selectors.FIRST_RESERVED_ENTRY) {
            return Selectors.reservedDescriptor(selector);
        }
        int page = entry / GDT_ENTRIES_PER_PAGE;
        if (entry >= gdtEntries || page >= gdtMfns.length) {
            return 0;
        }
        long base = frames.frame(gdtMfns[page]);
        return base == MachineMemory.NO_FRAME
                ? 0
                : Ram.getLong(base + entry % GDT_ENTRIES_PER_PAGE * 8L);
    }

    private long readLdt(int entry) {
        long[] descriptor = new long[1];
        mode.throughKernelTables(
                () -> {
                    try {
                        descriptor[0] = mmu.read64(ldtBase + entry * 8L);
                    } catch (GuestFault notMapped) {
                        descriptor[0] = 0;
                    }
                });
        return descriptor[0];
    }
}

package org.xenolith.cpu.mmu;

import static org.xenolith.cpu.mmu.Ram.PAGE_OFFSET;
import static org.xenolith.cpu.mmu.Ram.PAGE_SHIFT;

import org.xenolith.cpu.GuestFault;

/**
 * Finds by a guest's page tables, four levels of them, where an address leads. Remembers nothing of
 * it: each walk reads the tables as they are. SDM vol. 3A, 4.5 and 4.8.
 *
 * <p>Siblings change tables meanwhile, and a frame that was a table when its entry was read may be
 * anything, written by the guest at will, when its number is looked up. So the leaf is looked at
 * again afterwards: unchanged in what still is a leaf table, it was one all the time, since a frame
 * that was writable becomes a table only when this vCPU has passed a poll point.
 */
final class PageWalker {
    /** Result of a walk for a write that the platform emulates. */
    static final long EMULATED = -1;

    /** Result of a walk whose tables have changed under it. */
    static final long CHANGED_MEANWHILE = -2;

    /** Result of a walk by a root that has changed since it was looked at. */
    static final long ROOT_CHANGED = -3;

    private final MachineMemory memory;

    /** Knows with what entries the loaded root was found. */
    private final AddressSpaces spaces;

    /** Counts walks, for statistics. */
    private long walks;

    PageWalker(MachineMemory memory, AddressSpaces spaces) {
        this.memory = memory;
        this.spaces = spaces;
    }

    long walks() {
        return walks;
    }

    /**
     * Walks once, sets Accessed on the way and Dirty for a write.
     *
     * @param root MFN of the loaded L4 table
     * @param access 0, PF_WRITE or PF_FETCH
     * @return host base of the frame, {@link #EMULATED}, or why to walk again: {@link
     *     #CHANGED_MEANWHILE} or {@link #ROOT_CHANGED}
     * @throws GuestFault #PF or non-canonical #GP
     */
    long walk(long root, long vaddr, int access) {
        walks++;
        if (!Mmu.isCanonical(vaddr)) {
            throw GuestFault.nonCanonical(vaddr);
        }
        long tableMfn = root;
        long noExecute = 0;
        long writable = Pte.WRITABLE;
        for (int level = 4; level > 1; level--) {
            long entry = entryForWalk(tableMfn, vaddr, level, access);
            if (level == 4 && !isAsFound(vaddr, entry)) {
                return ROOT_CHANGED;
            }
            noExecute |= entry;
            writable &= entry;
            tableMfn = Pte.mfn(entry);
        }
        return walkLeaf(vaddr, access, tableMfn, writable, noExecute);
    }

    private boolean isAsFound(long vaddr, long rootEntry) {
        return isHypervisors(vaddr) || spaces.stands(Pte.index(vaddr, 4), rootEntry | Pte.ACCESSED);
    }

    private static boolean isHypervisors(long vaddr) {
        int slot = Pte.index(vaddr, 4);
        return slot >= Pte.HYPERVISOR_FIRST_SLOT && slot <= Pte.HYPERVISOR_LAST_SLOT;
    }

    // ---- one level

    private long entryForWalk(long tableMfn, long vaddr, int level, int access) {
        if (level == 4 && isHypervisors(vaddr)) {
            long entry = memory.hypervisorEntry(Pte.index(vaddr, 4));
            if (!Pte.isPresent(entry)) {
                throw GuestFault.pageFault(vaddr, access);
            }
            return entry;
        }
        long at = entryAddress(tableMfn, vaddr, level, access);
        while (true) {
            long entry = Ram.getLongVolatile(at);
            if (!Pte.isPresent(entry)) {
                throw GuestFault.pageFault(vaddr, access);
            }
            if ((entry & Pte.ACCESSED) != 0 || setBits(tableMfn, at, entry, Pte.ACCESSED)) {
                return entry;
            }
        }
    }

    private long entryAddress(long tableMfn, long vaddr, int level, int access) {
        long base = memory.frame(tableMfn);
        if (base == MachineMemory.NO_FRAME) {
            throw GuestFault.pageFault(
                    vaddr, GuestFault.PF_RESERVED | GuestFault.PF_PRESENT | access);
        }
        return base + Pte.index(vaddr, level) * 8L;
    }

    private boolean setBits(long tableMfn, long at, long entry, long bits) {
        long writable = memory.writableFrame(tableMfn);
        return Ram.compareAndSetLong(writable | at & PAGE_OFFSET, entry, entry | bits);
    }

    // ---- the leaf

    private long walkLeaf(long vaddr, int access, long tableMfn, long writable, long noExecute) {
        long at = entryAddress(tableMfn, vaddr, 1, access);
        while (true) {
            long entry = Ram.getLongVolatile(at);
            if (!Pte.isPresent(entry)) {
                throw GuestFault.pageFault(vaddr, access);
            }
            if (access == GuestFault.PF_FETCH && (entry | noExecute) < 0) {
                throw GuestFault.pageFault(vaddr, GuestFault.PF_PRESENT | access);
            }
            long set = Pte.ACCESSED;
            if (access == GuestFault.PF_WRITE) {
                if ((entry & writable & Pte.WRITABLE) == 0) {
                    return readOnlyStore(vaddr, Pte.mfn(entry));
                }
                set |= Pte.DIRTY;
            }
            if ((entry & set) == set || setBits(tableMfn, at, entry, set)) {
                return frame(vaddr, Pte.mfn(entry), access, tableMfn, at, entry);
            }
        }
    }

    private long readOnlyStore(long vaddr, long mfn) {
        if (memory.emulatesStores(mfn)) {
            return EMULATED;
        }
        throw GuestFault.pageFault(vaddr, GuestFault.PF_PRESENT | GuestFault.PF_WRITE);
    }

    private long frame(long vaddr, long mfn, int access, long tableMfn, long at, long entry) {
        long base = access == GuestFault.PF_WRITE ? memory.writableFrame(mfn) : memory.frame(mfn);
        if (!stillMaps(vaddr, tableMfn, at, entry)) {
            return CHANGED_MEANWHILE;
        }
        if (base == MachineMemory.NO_FRAME) {
            throw GuestFault.pageFault(
                    vaddr, GuestFault.PF_RESERVED | GuestFault.PF_PRESENT | access);
        }
        return base;
    }

    /** Whether a leaf entry was one all through the walk. */
    private boolean stillMaps(long vaddr, long tableMfn, long at, long entry) {
        long now = Ram.getLongVolatile(at);
        return ((now ^ entry) & ~(Pte.ACCESSED | Pte.DIRTY)) == 0
                && (isHypervisors(vaddr) || memory.isLeafTable(tableMfn));
    }

    // ---- looks that leave no trace

    /**
     * The L1 entry that maps an address, without touching Accessed bits.
     *
     * @return 0 when some level is not present or the address is not canonical
     */
    long pte(long root, long vaddr) {
        long at = pteMachineAddress(root, vaddr);
        long base = at == 0 ? MachineMemory.NO_FRAME : memory.frame(at >>> PAGE_SHIFT);
        return base == MachineMemory.NO_FRAME ? 0 : Ram.getLongVolatile(base | at & PAGE_OFFSET);
    }

    /** Machine address of the L1 entry of {@code vaddr}, or 0 when there is no L1 table for it. */
    long pteMachineAddress(long root, long vaddr) {
        if (!Mmu.isCanonical(vaddr)) {
            return 0;
        }
        long tableMfn = root;
        for (int level = 4; level > 1; level--) {
            int slot = Pte.index(vaddr, level);
            long entry;
            if (level == 4 && isHypervisors(vaddr)) {
                entry = memory.hypervisorEntry(slot);
            } else {
                long base = memory.frame(tableMfn);
                entry = base == MachineMemory.NO_FRAME ? 0 : Ram.getLongVolatile(base + slot * 8L);
            }
            if (!Pte.isPresent(entry)) {
                return 0;
            }
            tableMfn = Pte.mfn(entry);
        }
        if (memory.frame(tableMfn) == MachineMemory.NO_FRAME) {
            return 0;
        }
        return tableMfn << PAGE_SHIFT | Pte.index(vaddr, 1) * 8L;
    }
}

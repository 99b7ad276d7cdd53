package org.xenolith.cpu.mmu;

import static org.xenolith.cpu.mmu.Ram.PAGE_MASK;
import static org.xenolith.cpu.mmu.Ram.PAGE_OFFSET;
import static org.xenolith.cpu.mmu.Ram.PAGE_SIZE;

import org.xenolith.cpu.GuestFault;

import java.lang.invoke.VarHandle;

/**
 * One vCPU's view of memory: checked loads and stores at linear addresses, by {@link
 * TranslationState}. Used by the thread that runs the vCPU only; siblings reach it through {@link
 * TlbMailbox}.
 *
 * <p>The User bit of page tables is ignored: under Xen a 64-bit guest's kernel is kept from its
 * processes by separate L4 tables, both run at CPL 3.
 *
 * <p>x86's memory order (loads in order, stores in order) must hold between vCPUs although the JIT
 * compiler may reorder plain accesses: every load is followed by an acquire fence, every store
 * preceded by a release fence. On x86 hosts both cost nothing.
 */
public final class Mmu extends TranslationState {
    /**
     * Result of {@link #hostForUpdate}: the update takes the slow path (crosses pages, page table,
     * code).
     */
    public static final long NO_HOST = -1;

    private final Breakpoints breakpoints = new Breakpoints();
    private final PageTableStores tableStores;

    public Mmu(MachineMemory memory, StoreWatch watch) {
        super(memory, watch);
        tableStores = new PageTableStores(memory);
    }

    /** The TLB itself, for {@link TlbAccess} in translated code. */
    public long[] tlb() {
        return tlb;
    }

    // ---- addresses

    public static boolean isCanonical(long vaddr) {
        return vaddr << 16 >> 16 == vaddr;
    }

    private static boolean crossesPage(long vaddr, int size) {
        return (vaddr & PAGE_OFFSET) + size > PAGE_SIZE;
    }

    /**
     * What tells the translation of an address from those in other address spaces; changes with the
     * root, and in a walk.
     */
    public long asid(long vaddr) {
        return lowerAsid ^ vaddr >> Long.SIZE - 1 & otherAsid;
    }

    private long tag(long vaddr) {
        return vaddr & PAGE_MASK | asid(vaddr);
    }

    /**
     * Tag for the last byte of an operand: where it is in the next page, none that ever stands at
     * the index of the first.
     */
    private long tag(long vaddr, int size) {
        return vaddr + size - 1 & PAGE_MASK | asid(vaddr);
    }

    // ---- breakpoints

    public Breakpoints breakpoints() {
        return breakpoints;
    }

    /**
     * Arms what the debug registers say. A page with a data breakpoint gets no tags, so that each
     * access to it takes the slow path and is reported.
     *
     * @param addresses DR0 to DR3 come first
     */
    public void setBreakpoints(long[] addresses, long dr7) {
        breakpoints.set(addresses, dr7);
        for (int i = 0; i < Breakpoints.COUNT; i++) {
            dropPage(addresses[i]);
        }
    }

    void noteAccess(long vaddr, int size, boolean write) {
        if (breakpoints.isArmed()) {
            breakpoints.accessed(vaddr, size, write);
        }
    }

    // ---- loads

    /** Loads a byte, zero-extended. */
    public int read8(long vaddr) {
        if (Tlb.readTag(tlb, vaddr) == tag(vaddr)) {
            int value = Ram.getByte(Tlb.host(tlb, vaddr));
            VarHandle.acquireFence();
            return value;
        }
        return (int) readSlow(vaddr, 1);
    }

    /** Loads two bytes, zero-extended. */
    public int read16(long vaddr) {
        if (Tlb.readTag(tlb, vaddr) == tag(vaddr, 2)) {
            int value = Ram.getShort(Tlb.host(tlb, vaddr));
            VarHandle.acquireFence();
            return value;
        }
        return (int) readSlow(vaddr, 2);
    }

    public int read32(long vaddr) {
        if (Tlb.readTag(tlb, vaddr) == tag(vaddr, 4)) {
            int value = Ram.getInt(Tlb.host(tlb, vaddr));
            VarHandle.acquireFence();
            return value;
        }
        return (int) readSlow(vaddr, 4);
    }

    public long read64(long vaddr) {
        if (Tlb.readTag(tlb, vaddr) == tag(vaddr, 8)) {
            long value = Ram.getLong(Tlb.host(tlb, vaddr));
            VarHandle.acquireFence();
            return value;
        }
        return readSlow(vaddr, 8);
    }

    private long readSlow(long vaddr, int size) {
        if (crossesPage(vaddr, size)) {
            return PageCrossing.read(this, vaddr, size);
        }
        long host = hostForRead(vaddr);
        long value =
                switch (size) {
                    case 1 -> Ram.getByte(host);
                    case 2 -> Ram.getShort(host);
                    case 4 -> Ram.getInt(host) & 0xffff_ffffL;
                    default -> Ram.getLong(host);
                };
        VarHandle.acquireFence();
        noteAccess(vaddr, size, false);
        return value;
    }

    /**
     * Host address of a readable byte; the rest of its page follows.
     *
     * @throws GuestFault #PF or non-canonical #GP
     */
    public long hostForRead(long vaddr) {
        if (Tlb.readTag(tlb, vaddr) != tag(vaddr)) {
            fillRead(vaddr);
        }
        return Tlb.host(tlb, vaddr);
    }

    private void fillRead(long vaddr) {
        long base = walk(vaddr, 0);
        long tag = breakpoints.watches(vaddr) ? Tlb.INVALID : tag(vaddr);
        Tlb.set(tlb, vaddr, base, tag, Tlb.INVALID);
    }

    // ---- stores

    public void write8(long vaddr, int value) {
        if (Tlb.writeTag(tlb, vaddr) == tag(vaddr)) {
            VarHandle.releaseFence();
            Ram.putByte(Tlb.host(tlb, vaddr), value);
        } else {
            writeSlow(vaddr, 1, value);
        }
    }

    public void write16(long vaddr, int value) {
        if (Tlb.writeTag(tlb, vaddr) == tag(vaddr, 2)) {
            VarHandle.releaseFence();
            Ram.putShort(Tlb.host(tlb, vaddr), value);
        } else {
            writeSlow(vaddr, 2, value);
        }
    }

    public void write32(long vaddr, int value) {
        if (Tlb.writeTag(tlb, vaddr) == tag(vaddr, 4)) {
            VarHandle.releaseFence();
            Ram.putInt(Tlb.host(tlb, vaddr), value);
        } else {
            writeSlow(vaddr, 4, value);
        }
    }

    public void write64(long vaddr, long value) {
        if (Tlb.writeTag(tlb, vaddr) == tag(vaddr, 8)) {
            VarHandle.releaseFence();
            Ram.putLong(Tlb.host(tlb, vaddr), value);
        } else {
            writeSlow(vaddr, 8, value);
        }
    }

    private void writeSlow(long vaddr, int size, long value) {
        if (crossesPage(vaddr, size)) {
            PageCrossing.write(this, vaddr, size, value);
            return;
        }
        long host = prepareWrite(vaddr);
        noteAccess(vaddr, size, true);
        if (host == NO_HOST) {
            tableStores.store(vaddr, machineAddress(vaddr), size, value);
            return;
        }
        VarHandle.releaseFence();
        switch (size) {
            case 1 -> Ram.putByte(host, (int) value);
            case 2 -> Ram.putShort(host, (int) value);
            case 4 -> Ram.putInt(host, (int) value);
            default -> Ram.putLong(host, value);
        }
        noteStore(host, size);
    }

    /** Reports a store done through {@link #hostForBulkWrite} or {@link #hostForUpdate}. */
    public void noteStore(long host, int length) {
        if (watch.watches(host & PAGE_MASK)) {
            watch.stored(host, length);
        }
    }

    /**
     * Checks that a byte may be written, or is one that the platform writes for the guest.
     *
     * @throws GuestFault #PF with the write bit, or non-canonical #GP
     */
    public void checkWritable(long vaddr) {
        prepareWrite(vaddr);
    }

    /**
     * Checks all bytes of an operand of at most a page. One that crosses a boundary may not touch
     * what the platform writes for the guest.
     *
     * @throws GuestFault as above; CR2 is the first byte that may not be written
     */
    public void checkWritable(long vaddr, int size) {
        if (crossesPage(vaddr, size)) {
            PageCrossing.checkWritable(this, vaddr, size);
        } else {
            prepareWrite(vaddr);
        }
    }

    /**
     * Checks before a read-modify-write that its store will succeed, so that nothing is read in
     * vain.
     *
     * @throws GuestFault #PF with the write bit, or non-canonical #GP
     */
    public void checkUpdate(long vaddr, int size) {
        if (Tlb.writeTag(tlb, vaddr) != tag(vaddr, size)) {
            hostForUpdate(vaddr, size);
        }
    }

    /**
     * Host address for a store of up to the rest of the page, to be followed by {@link #noteStore}.
     *
     * @return {@link #NO_HOST} when the page is a page table: use the sized stores
     * @throws GuestFault #PF with the write bit, or non-canonical #GP
     */
    public long hostForBulkWrite(long vaddr) {
        return prepareWrite(vaddr);
    }

    /**
     * Host address of bytes that may be stored to with no more to do, or {@link #NO_HOST} when the
     * TLB does not say so.
     *
     * @param length up to a page
     */
    public long hostIfWritable(long vaddr, int length) {
        return Tlb.writeTag(tlb, vaddr) == tag(vaddr, length) ? Tlb.host(tlb, vaddr) : NO_HOST;
    }

    /**
     * Host address for an atomic read-modify-write, or {@link #NO_HOST} when it crosses pages or is
     * a page table. Follow it with {@link #noteStore}.
     *
     * @throws GuestFault #PF with the write bit, or non-canonical #GP
     */
    public long hostForUpdate(long vaddr, int size) {
        if (Tlb.writeTag(tlb, vaddr) == tag(vaddr, size)) {
            return Tlb.host(tlb, vaddr);
        }
        if (crossesPage(vaddr, size)) {
            PageCrossing.checkWritable(this, vaddr, size);
            return NO_HOST;
        }
        long host = prepareWrite(vaddr);
        noteAccess(vaddr, size, true);
        return host;
    }

    private long prepareWrite(long vaddr) {
        if (Tlb.writeTag(tlb, vaddr) == tag(vaddr)) {
            return Tlb.host(tlb, vaddr);
        }
        long base = walk(vaddr, GuestFault.PF_WRITE);
        if (base == PageWalker.EMULATED) {
            return NO_HOST;
        }
        long tag = breakpoints.watches(vaddr) ? Tlb.INVALID : tag(vaddr);
        Tlb.set(tlb, vaddr, base, tag, watch.watches(base) ? Tlb.INVALID : tag);
        return base | vaddr & PAGE_OFFSET;
    }

    /**
     * Compare-and-set of a page-table entry through its read-only mapping.
     *
     * @return false when the old value is not the expected one any more
     * @throws GuestFault #PF when the platform refuses the new value, or the access is not one
     *     entry's
     */
    public boolean compareAndSetPageTable(long vaddr, int size, long expected, long value) {
        return tableStores.compareAndSet(vaddr, machineAddress(vaddr), size, expected, value);
    }

    /**
     * Whether an update for which {@link #hostForUpdate} gave no host lies in one page: a page
     * table.
     */
    public static boolean isWithinPage(long vaddr, int size) {
        return !crossesPage(vaddr, size);
    }

    // ---- fetch

    /**
     * Host frame of an executable page.
     *
     * @throws GuestFault #PF with the fetch bit, or non-canonical #GP
     */
    public long hostForFetch(long vaddr) {
        int i = fetchIndex(vaddr);
        if (fetchTags[i] != tag(vaddr)) {
            fetchPages[i] = null;
            fetchBases[i] = walk(vaddr, GuestFault.PF_FETCH);
            fetchTags[i] = tag(vaddr);
        }
        return fetchBases[i];
    }

    /**
     * What {@link #attachFetch} left for the page of {@code vaddr}, or null when its entry is gone.
     */
    public Object attachedFetch(long vaddr) {
        int i = fetchIndex(vaddr);
        return fetchTags[i] == tag(vaddr) ? fetchPages[i] : null;
    }

    /** Attaches the decoded code to the fetch entry that {@link #hostForFetch} has just made. */
    public void attachFetch(long vaddr, Object page) {
        fetchPages[fetchIndex(vaddr)] = page;
    }

    // ---- copies for hypercalls

    /**
     * Copies guest memory out, once.
     *
     * @throws GuestFault #PF or #GP at the first byte that cannot be read
     */
    public void copyFrom(long vaddr, byte[] into, int offset, int length) {
        PageCrossing.copyFrom(this, vaddr, into, offset, length);
    }

    /**
     * Copies into guest memory.
     *
     * @throws GuestFault #PF or #GP at the first byte that cannot be written; earlier pages are
     *     written
     */
    public void copyTo(long vaddr, byte[] from, int offset, int length) {
        PageCrossing.copyTo(this, vaddr, from, offset, length);
    }
}

package org.xenolith.cpu.mmu;

import static org.xenolith.cpu.mmu.Ram.PAGE_MASK;
import static org.xenolith.cpu.mmu.Ram.PAGE_OFFSET;
import static org.xenolith.cpu.mmu.Ram.PAGE_SHIFT;
import static org.xenolith.cpu.mmu.Ram.PAGE_SIZE;

import org.xenolith.cpu.GuestFault;

import java.lang.invoke.VarHandle;
import java.util.Arrays;
import java.util.function.LongConsumer;

/**
 * One vCPU's view of memory: its TLB and checked loads and stores at linear addresses. Used by the
 * thread that runs the vCPU only; siblings reach it through {@link TlbMailbox}.
 *
 * <p>The User bit of page tables is ignored: under Xen a 64-bit guest's kernel is kept from its
 * processes by separate L4 tables, both run at CPL 3.
 *
 * <p>x86's memory order (loads in order, stores in order) must hold between vCPUs although the JIT
 * compiler may reorder plain accesses: every load is followed by an acquire fence, every store
 * preceded by a release fence. On x86 hosts both cost nothing.
 */
public final class Mmu {
    private static final int FETCH_ENTRIES = 4096;

    /** Stands for no table; a vCPU without a root translates nothing. */
    private static final long NO_ROOT = 0;

    /** More than siblings can change while this vCPU is between two poll points, but by design. */
    private static final int MAX_WALKS = 64;

    /**
     * Result of {@link #hostForUpdate}: the update takes the slow path (crosses pages, page table,
     * code).
     */
    public static final long NO_HOST = -1;

    private final long[] tlb = Tlb.create();

    private final long[] fetchTags = new long[FETCH_ENTRIES];
    private final long[] fetchBases = new long[FETCH_ENTRIES];

    /** What the interpreter attached to a fetch entry: the frame's decoded code. */
    private final Object[] fetchPages = new Object[FETCH_ENTRIES];

    private final MachineMemory memory;
    private final StoreWatch watch;
    private final TlbMailbox mailbox = new TlbMailbox(this);
    private final Breakpoints breakpoints = new Breakpoints();

    private FetchListener fetchListener = FetchListener.NONE;
    private final AddressSpaces spaces = new AddressSpaces();
    private final PageWalker walker;
    private long root;
    private long lowerAsid;

    /** XOR of the ASIDs of both halves. */
    private long otherAsid;

    public Mmu(MachineMemory memory, StoreWatch watch) {
        this.memory = memory;
        this.walker = new PageWalker(memory, spaces);
        this.watch = watch;
        clear();
        setRoot(NO_ROOT);
    }

    public MachineMemory memory() {
        return memory;
    }

    /** Says who must know what leaves the fetch TLB for a reason other than lack of room. */
    public void tellFetchesDropped(FetchListener listener) {
        fetchListener = listener;
    }

    /** Where other threads leave their invalidations for this vCPU. */
    public TlbMailbox mailbox() {
        return mailbox;
    }

    public long walks() {
        return walker.walks();
    }

    /** The TLB itself, for {@link TlbAccess} in translated code. */
    public long[] tlb() {
        return tlb;
    }

    /** Calls with the host base of each frame that has a write tag; some of them twice. */
    public void forEachWritableFrame(LongConsumer action) {
        Tlb.forEachWritableFrame(tlb, action);
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

    // ---- address spaces
    // --------------------------------------------------------------------------------

    /** MFN of the loaded L4 table. */
    public long root() {
        return root;
    }

    /**
     * Loads CR3. What the TLB holds for other roots is kept, and serves this one where both lead to
     * the same.
     */
    public void setRoot(long l4Mfn) {
        root = l4Mfn;
        if (!spaces.load(l4Mfn)) {
            look();
        }
        lowerAsid = spaces.lowerAsid();
        otherAsid = lowerAsid ^ spaces.upperAsid();
        Tlb.clearSlots(tlb);
    }

    /** Finds out where the root leads. */
    private void look() {
        if (!spaces.hasFreshAsids()) {
            clear();
        }
        spaces.look(memory.frame(root));
        // Asked afterwards: what a sibling changed before it changed the root is in the mailbox.
        spaces.bind(root, mailbox.isEmpty());
    }

    /**
     * The table at {@code l4Mfn} has changed, or is no root any more and may be another one when it
     * is again.
     */
    public void dropRoot(long l4Mfn) {
        spaces.forgetRoot(l4Mfn);
        if (root == l4Mfn) {
            setRoot(root);
        }
    }

    /** What was reached through the table at {@code l3Mfn} is never used again. */
    public void dropTable(long l3Mfn) {
        if (spaces.forgetTable(l3Mfn)) {
            setRoot(root);
        }
    }

    private void clear() {
        Tlb.clear(tlb);
        Arrays.fill(fetchTags, Tlb.INVALID);
        spaces.reuseAsids();
        fetchListener.allDropped();
    }

    /** Drops everything under all tags. */
    public void flushAll() {
        spaces.forgetAll();
        setRoot(root);
    }

    /** Drops one page under all tags: an entry's index does not depend on its tag. */
    public void dropPage(long vaddr) {
        Tlb.drop(tlb, vaddr);
        Tlb.clearSlots(tlb);
        fetchTags[fetchIndex(vaddr)] = Tlb.INVALID;
        fetchListener.pageDropped(vaddr);
    }

    /**
     * Drops all write permission to a host frame: it is shared, holds code now, or became a page
     * table.
     */
    public void dropWrites(long hostBase) {
        Tlb.dropWrites(tlb, hostBase);
        Tlb.clearSlots(tlb);
        watch.writesDropped(hostBase);
    }

    /** Withdraws all write tags: the next store to each page walks, and may see it again. */
    public void dropAllWrites() {
        Tlb.dropAllWrites(tlb);
        Tlb.clearSlots(tlb);
    }

    /**
     * Drops every entry that leads to a host frame, which is about to be given to somebody else.
     */
    public void dropFrame(long hostBase) {
        Tlb.dropFrame(tlb, hostBase);
        Tlb.clearSlots(tlb);
        for (int i = 0; i < FETCH_ENTRIES; i++) {
            if (fetchBases[i] == hostBase) {
                fetchTags[i] = Tlb.INVALID;
            }
        }
        // Jumps may remember pages that have left the TLB since.
        fetchListener.allDropped();
    }

    // ---- breakpoints
    // ---------------------------------------------------------------------------------

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

    private void noteAccess(long vaddr, int size, boolean write) {
        if (breakpoints.isArmed()) {
            breakpoints.accessed(vaddr, size, write);
        }
    }

    // ---- loads
    // -----------------------------------------------------------------------------------------

    private static int fetchIndex(long vaddr) {
        return (int) (vaddr >>> PAGE_SHIFT) & FETCH_ENTRIES - 1;
    }

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
            return readAcross(vaddr, size);
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

    private long readAcross(long vaddr, int size) {
        hostForRead(vaddr);
        hostForRead(vaddr + size - 1 & PAGE_MASK);
        long value = 0;
        for (int k = size - 1; k >= 0; k--) {
            value = value << 8 | read8(vaddr + k);
        }
        return value;
    }

    private static boolean crossesPage(long vaddr, int size) {
        return (vaddr & PAGE_OFFSET) + size > PAGE_SIZE;
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
    // ----------------------------------------------------------------------------------------

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
            writeAcross(vaddr, size, value);
            return;
        }
        long host = prepareWrite(vaddr);
        noteAccess(vaddr, size, true);
        if (host == NO_HOST) {
            storeToPageTable(vaddr, size, value);
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

    /** Both pages are checked before a byte is written. */
    private void writeAcross(long vaddr, int size, long value) {
        checkWritable(vaddr);
        checkWritable(vaddr + size - 1 & PAGE_MASK);
        for (int k = 0; k < size; k++) {
            write8(vaddr + k, (int) (value >>> 8 * k));
        }
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
     * Checks all bytes of an operand of at most a page.
     *
     * @throws GuestFault as above; CR2 is the first byte that may not be written
     */
    public void checkWritable(long vaddr, int size) {
        prepareWrite(vaddr);
        if (crossesPage(vaddr, size)) {
            prepareWrite(vaddr + size - 1 & PAGE_MASK);
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
            checkWritable(vaddr);
            checkWritable(vaddr + size - 1 & PAGE_MASK);
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
        if (base == NO_HOST) {
            return NO_HOST;
        }
        long tag = breakpoints.watches(vaddr) ? Tlb.INVALID : tag(vaddr);
        Tlb.set(tlb, vaddr, base, tag, watch.watches(base) ? Tlb.INVALID : tag);
        return base | vaddr & PAGE_OFFSET;
    }

    private void storeToPageTable(long vaddr, int size, long value) {
        long maddr = machineAddress(vaddr);
        if (!withinQuadword(maddr, size) || !memory.emulateStore(maddr, size, value)) {
            throw GuestFault.pageFault(vaddr, GuestFault.PF_PRESENT | GuestFault.PF_WRITE);
        }
    }

    /**
     * Compare-and-set of a page-table entry through its read-only mapping.
     *
     * @return false when the old value is not the expected one any more
     * @throws GuestFault #PF when the platform refuses the new value, or the access is not one
     *     entry's
     */
    public boolean compareAndSetPageTable(long vaddr, int size, long expected, long value) {
        long maddr = machineAddress(vaddr);
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

    /**
     * Whether an update for which {@link #hostForUpdate} gave no host lies in one page: a page
     * table.
     */
    public static boolean isWithinPage(long vaddr, int size) {
        return !crossesPage(vaddr, size);
    }

    private static boolean withinQuadword(long maddr, int size) {
        return (maddr & 7) + size <= 8;
    }

    // ---- fetch
    // -----------------------------------------------------------------------------------------

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

    // ---- the walk
    // --------------------------------------------------------------------------------------

    public static boolean isCanonical(long vaddr) {
        return vaddr << 16 >> 16 == vaddr;
    }

    /**
     * Walks, anew where tables have changed: once per change of a sibling, and it gives up when
     * there are too many.
     *
     * @param access 0, PF_WRITE or PF_FETCH
     * @return host base of the frame, or {@link #NO_HOST} for a write that the platform emulates
     */
    private long walk(long vaddr, int access) {
        for (int i = 0; i < MAX_WALKS; i++) {
            long base = walker.walk(root, vaddr, access);
            if (base == PageWalker.ROOT_CHANGED) {
                dropRoot(root);
            } else if (base != PageWalker.CHANGED_MEANWHILE) {
                return base == PageWalker.EMULATED ? NO_HOST : base;
            }
        }
        throw GuestFault.pageFault(vaddr, access);
    }

    /** Machine address behind a mapped linear address; the walk has succeeded before. */
    private long machineAddress(long vaddr) {
        return pte(vaddr) & Pte.FRAME_MASK | vaddr & PAGE_OFFSET;
    }

    /**
     * The L1 entry that maps an address, without touching Accessed bits.
     *
     * @return 0 when some level is not present or the address is not canonical
     */
    public long pte(long vaddr) {
        return walker.pte(root, vaddr);
    }

    /** Machine address of the L1 entry of {@code vaddr}, or 0 when there is no L1 table for it. */
    public long pteMachineAddress(long vaddr) {
        return walker.pteMachineAddress(root, vaddr);
    }

    // ---- copies for hypercalls
    // ---------------------------------------------------------------------------

    /**
     * Copies guest memory out, once.
     *
     * @throws GuestFault #PF or #GP at the first byte that cannot be read
     */
    public void copyFrom(long vaddr, byte[] into, int offset, int length) {
        while (length > 0) {
            int n = (int) Math.min(length, PAGE_SIZE - (vaddr & PAGE_OFFSET));
            Ram.read(hostForRead(vaddr), into, offset, n);
            noteAccess(vaddr, n, false);
            vaddr += n;
            offset += n;
            length -= n;
        }
    }

    /**
     * Copies into guest memory.
     *
     * @throws GuestFault #PF or #GP at the first byte that cannot be written; earlier pages are
     *     written
     */
    public void copyTo(long vaddr, byte[] from, int offset, int length) {
        while (length > 0) {
            int n = (int) Math.min(length, PAGE_SIZE - (vaddr & PAGE_OFFSET));
            long host = prepareWrite(vaddr);
            if (host == NO_HOST) {
                throw GuestFault.pageFault(vaddr, GuestFault.PF_PRESENT | GuestFault.PF_WRITE);
            }
            Ram.write(host, from, offset, n);
            noteStore(host, n);
            noteAccess(vaddr, n, true);
            vaddr += n;
            offset += n;
            length -= n;
        }
    }
}

package org.xenolith.cpu.mmu;

import static org.xenolith.cpu.mmu.Ram.PAGE_OFFSET;
import static org.xenolith.cpu.mmu.Ram.PAGE_SHIFT;

import org.xenolith.cpu.GuestFault;

import java.util.Arrays;
import java.util.function.LongConsumer;

/**
 * What one vCPU knows of where addresses lead: the loaded root, the TLB and the fetch TLB, what
 * drops their entries, and how it finds out anew. SDM vol. 3A, 4.10.
 *
 * <p>The base of {@link Mmu}, which makes tags and accesses of it, and not a part: each access
 * would have to go through one more object to reach them.
 */
abstract sealed class TranslationState permits Mmu {
    private static final int FETCH_ENTRIES = 4096;

    /** Stands for no table; a vCPU without a root translates nothing. */
    private static final long NO_ROOT = 0;

    /** More than siblings can change while this vCPU is between two poll points, but by design. */
    private static final int MAX_WALKS = 64;

    /** Filled by {@link Mmu}, as the fetch TLB is. */
    final long[] tlb = Tlb.create();

    final long[] fetchTags = new long[FETCH_ENTRIES];
    final long[] fetchBases = new long[FETCH_ENTRIES];

    /** What the interpreter attached to a fetch entry: the frame's decoded code. */
    final Object[] fetchPages = new Object[FETCH_ENTRIES];

    private final MachineMemory memory;
    final StoreWatch watch;
    private final TlbMailbox mailbox = new TlbMailbox(this);
    private FetchListener fetchListener = FetchListener.NONE;

    private final AddressSpaces spaces = new AddressSpaces();
    private final PageWalker walker;
    private long root;

    /** Set by {@link #setRoot} only; {@link Mmu#asid} makes the ASID of an address of both. */
    long lowerAsid;

    /** XOR of the ASIDs of both halves. */
    long otherAsid;

    TranslationState(MachineMemory memory, StoreWatch watch) {
        this.memory = memory;
        this.watch = watch;
        this.walker = new PageWalker(memory, spaces);
        clear();
        setRoot(NO_ROOT);
    }

    public MachineMemory memory() {
        return memory;
    }

    /** Says who, too, must know what leaves the fetch TLB for a reason other than lack of room. */
    public void tellFetchesDropped(FetchListener listener) {
        fetchListener =
                fetchListener == FetchListener.NONE ? listener : fetchListener.and(listener);
    }

    /** Where other threads leave their invalidations for this vCPU. */
    public TlbMailbox mailbox() {
        return mailbox;
    }

    /** Calls with the host base of each frame that has a write tag; some of them twice. */
    public void forEachWritableFrame(LongConsumer action) {
        Tlb.forEachWritableFrame(tlb, action);
    }

    static int fetchIndex(long vaddr) {
        return (int) (vaddr >>> PAGE_SHIFT) & FETCH_ENTRIES - 1;
    }

    // ---- the root

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

    // ---- drops

    private void clear() {
        Tlb.clear(tlb);
        Arrays.fill(fetchTags, Tlb.INVALID);
        spaces.reuseAsids();
        fetchListener.allDropped();
    }

    /** Whoever keeps what fetches have led to keeps nothing from now on. */
    final void forgetFetches() {
        fetchListener.codeDropped();
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
     * Drops every entry that leads to a host frame, which is about to be given to somebody else,
     * and what was decoded there: it may come back with other contents.
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
        forgetCode(hostBase);
    }

    /** As {@link #dropFrame} of a frame that no entry leads to any more. */
    final void forgetCode(long hostBase) {
        watch.forget(hostBase);
    }

    // ---- walks

    /**
     * Walks, anew where tables have changed: once per change of a sibling, and it gives up when
     * there are too many.
     *
     * @param access 0, PF_WRITE or PF_FETCH
     * @return host base of the frame, or {@link PageWalker#EMULATED}
     */
    final long walk(long vaddr, int access) {
        for (int i = 0; i < MAX_WALKS; i++) {
            long base = walker.walk(root, vaddr, access);
            if (base == PageWalker.ROOT_CHANGED) {
                dropRoot(root);
            } else if (base != PageWalker.CHANGED_MEANWHILE) {
                return base;
            }
        }
        throw GuestFault.pageFault(vaddr, access);
    }

    /** Machine address behind a mapped linear address; the walk has succeeded before. */
    final long machineAddress(long vaddr) {
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

    public long walks() {
        return walker.walks();
    }
}

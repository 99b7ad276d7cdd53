package org.xenolith.core.mm;

import static org.xenolith.core.abi.XenErrno.EBUSY;
import static org.xenolith.core.abi.XenErrno.EINVAL;
import static org.xenolith.core.abi.XenErrno.EPERM;

import org.xenolith.cpu.mmu.MachineMemory.CasResult;
import org.xenolith.cpu.mmu.Pte;
import org.xenolith.cpu.mmu.Ram;

import java.util.function.IntSupplier;

/**
 * Validation and accounting of page tables, as Xen does it: a frame is used as one type at a time,
 * each use is counted, and a page table is checked entry by entry when its first use begins. So no
 * guest ever has a writable mapping of a table that a vCPU walks. All methods are called with
 * {@link FrameTable#lock} held and answer 0 or a negative error number; one that fails has changed
 * nothing.
 *
 * <p><b>TLBs.</b> Whoever changes a present entry drops what it translated, before the frame it
 * referred to is let go: an L1 entry the one page wherever {@link TableLinks} knows the table to be
 * linked, everything when it does not; an entry of an L2 or L3 table whatever is reached through
 * the L3 table, which roots ever refer to it, and so does an L3 table that stops being one; after a
 * change of an L4 entry the root is looked at anew. Therefore a frame whose writable count is 0 has
 * no write tag in the TLB of this vCPU, and in a sibling's only until it drains its mailbox. A
 * frame may become a page table (or descriptor page) only after that: its link word keeps the stamp
 * of its last writable mapping's end, and {@link #NOT_SETTLED} sends the hypercall to wait for the
 * siblings, without the lock, and to try again. Stores into L1 tables never need it: they change no
 * frame into a table. The same stamp keeps a frame that was a table from being one again while a
 * sibling is still in the middle of a walk through it: such a walk looks at the type last, and a
 * table at its end was one all the time.
 *
 * <p>Hypercalls can pause between requests, but the validation of one tree runs to its end: {@link
 * #promote} and {@link #demote} are where it could be bounded.
 */
public final class PageTypes {
    /** Not an error number: siblings must first apply the drops up to {@link #unsettledStamp}. */
    static final int NOT_SETTLED = Integer.MIN_VALUE;

    /** Flags that no guest entry may have. Only L1 entries may be global. */
    private static final long BASE_DISALLOWED =
            Pte.WRITE_THROUGH | Pte.CACHE_DISABLE | Pte.PAGE_SIZE | Pte.GLOBAL;

    private static final long L1_DISALLOWED = BASE_DISALLOWED & ~Pte.GLOBAL;

    private static final long SOFTWARE_FLAGS = 0x7ffL << 52 | 7 << 9;

    /** What may change in an entry without a new look at the frame it refers to. */
    private static final long HARMLESS_FLAGS =
            Pte.NO_EXECUTE | SOFTWARE_FLAGS | Pte.GLOBAL | Pte.DIRTY | Pte.ACCESSED | Pte.USER;

    /** Of those, what changes no translation: nothing to drop. */
    private static final long INVISIBLE_FLAGS = SOFTWARE_FLAGS | Pte.GLOBAL | Pte.USER;

    private static final long AD_FLAGS = Pte.ACCESSED | Pte.DIRTY;

    /** The frame number of all ones: what a guest computes from a page that is not there. */
    private static final long INVALID_MFN = Pte.mfn(Pte.FRAME_MASK);

    private final FrameTable frames;
    private final TableLinks links;
    private long unsettledStamp;

    /** Hears of frames that become tables and cease to be, with the frame table's lock held. */
    @FunctionalInterface
    public interface TypeListener {
        /**
         * @param from {@link FrameType} before
         * @param to afterwards; {@code NONE} for a frame that is no table any more
         */
        void retyped(long mfn, int from, int to);
    }

    /** Null while nobody listens. */
    private volatile TypeListener typeListener;

    /** Sets who hears of frames that become tables and cease to be, null for nobody. */
    public void onRetype(TypeListener listener) {
        typeListener = listener;
    }

    private void tell(long mfn, int from, int to) {
        TypeListener listener = typeListener;
        if (listener != null) {
            listener.retyped(mfn, from, to);
        }
    }

    public PageTypes(FrameTable frames) {
        this.frames = frames;
        links = new TableLinks(frames);
    }

    public FrameTable frames() {
        return frames;
    }

    /** What {@link #NOT_SETTLED} waits for. */
    long unsettledStamp() {
        return unsettledStamp;
    }

    // ---- types ----

    /** Takes a reference to a frame and a use of it as {@code type}; NONE is no use. */
    int getPageAndType(long mfn, int type, TlbShootdown tlb) {
        if (!frames.get(mfn)) {
            return -EINVAL;
        }
        int result = type == FrameType.NONE ? 0 : getType(mfn, type, tlb);
        if (result != 0) {
            frames.put(mfn, tlb);
        }
        return result;
    }

    void putPageAndType(long mfn, TlbShootdown tlb) {
        putType(mfn, tlb);
        frames.put(mfn, tlb);
    }

    /** Takes a use; the first one of a page table or descriptor page validates the content. */
    int getType(long mfn, int type, TlbShootdown tlb) {
        int count = frames.typeCount(mfn);
        if (count > 0) {
            if (frames.type(mfn) != type || count == FrameInfo.MAX_USES) {
                return -EINVAL;
            }
            frames.setType(mfn, type, count + 1);
            return 0;
        }
        if (type == FrameType.WRITABLE) {
            if (frames.has(mfn, FrameInfo.GRANTED_READ_ONLY)) {
                return -EINVAL;
            }
            frames.setType(mfn, type, 1);
            return 0;
        }
        return promote(mfn, type, tlb);
    }

    private int promote(long mfn, int type, TlbShootdown tlb) {
        // Only RAM of its own may be a table: whoever granted a frame, or lent one, goes on writing
        // to it.
        if (frames.has(mfn, FrameInfo.GRANTED | FrameInfo.XEN_OWNED)) {
            return -EINVAL;
        }
        long stamp = frames.link(mfn);
        if (stamp != 0 && !tlb.isSettled(stamp)) {
            unsettledStamp = stamp;
            return NOT_SETTLED;
        }
        int oldType = frames.type(mfn);
        frames.setType(mfn, type, 1);
        frames.setLink(mfn, FrameTable.LINK_NONE);
        int result =
                switch (type) {
                    case FrameType.SEGMENT_DESCRIPTORS ->
                            Descriptors.validate(frames.writableFrame(mfn));
                    case FrameType.L1_TABLE -> promoteL1(mfn, tlb);
                    default -> promoteUpper(mfn, type, tlb);
                };
        if (result != 0) {
            frames.setType(mfn, oldType, 0);
            frames.setLink(mfn, stamp);
        } else {
            tell(mfn, FrameType.NONE, type);
        }
        return result;
    }

    private int promoteL1(long mfn, TlbShootdown tlb) {
        long table = frames.frame(mfn);
        for (int slot = 0; slot < Pte.ENTRIES; slot++) {
            long entry = Ram.getLong(table + slot * 8L);
            if (Pte.isPresent(entry)) {
                int result = getL1Entry(entry);
                if (result != 0) {
                    putL1Entries(table, slot, tlb);
                    return result;
                }
            }
        }
        return 0;
    }

    private void putL1Entries(long table, int limit, TlbShootdown tlb) {
        for (int slot = 0; slot < limit; slot++) {
            long entry = Ram.getLong(table + slot * 8L);
            if (Pte.isPresent(entry)) {
                putL1Entry(entry, tlb);
            }
        }
    }

    private int promoteUpper(long mfn, int level, TlbShootdown tlb) {
        long table = frames.frame(mfn);
        for (int slot = 0; slot < Pte.ENTRIES; slot++) {
            long entry = Ram.getLong(table + slot * 8L);
            if (Pte.isPresent(entry) && isGuestSlot(level, slot)) {
                int result = getUpperEntry(level, entry, tlb);
                if (result != 0) {
                    putUpperEntries(mfn, level, slot, tlb);
                    return result;
                }
                links.link(mfn, level, slot, entry);
            }
        }
        return 0;
    }

    private void putUpperEntries(long mfn, int level, int limit, TlbShootdown tlb) {
        long table = frames.frame(mfn);
        for (int slot = 0; slot < limit; slot++) {
            long entry = Ram.getLong(table + slot * 8L);
            if (Pte.isPresent(entry) && isGuestSlot(level, slot)) {
                links.unlink(mfn, level, slot, entry);
                putPageAndType(Pte.mfn(entry), tlb);
            }
        }
    }

    private static boolean isGuestSlot(int level, int slot) {
        return level != FrameType.L4_TABLE
                || slot < Pte.HYPERVISOR_FIRST_SLOT
                || slot > Pte.HYPERVISOR_LAST_SLOT;
    }

    /** Drops a use; with the last one a page table lets go of what it refers to. */
    void putType(long mfn, TlbShootdown tlb) {
        int count = frames.typeCount(mfn);
        if (count == 0) {
            throw new IllegalStateException(
                    "mfn %#x has lost more uses than it had".formatted(mfn));
        }
        int type = frames.type(mfn);
        if (type == FrameType.WRITABLE) {
            long stamp = tlb.stamp();
            if (stamp != 0) {
                // An older stamp stays when this end is none of a mapping: siblings may still owe
                // it.
                frames.setLink(mfn, stamp);
            }
            frames.setType(mfn, type, count - 1);
        } else if (count > 1) {
            frames.setType(mfn, type, count - 1);
        } else {
            demote(mfn, type, tlb);
        }
    }

    private void demote(long mfn, int type, TlbShootdown tlb) {
        if (type == FrameType.L4_TABLE) {
            tlb.dropRoot(mfn);
        } else if (type == FrameType.L3_TABLE) {
            tlb.dropTable(mfn);
        }
        // The type stays set while the entries go: an entry that refers to this very frame is none
        // of ours.
        if (type == FrameType.L1_TABLE) {
            putL1Entries(frames.frame(mfn), Pte.ENTRIES, tlb);
        } else if (FrameType.isPageTable(type)) {
            putUpperEntries(mfn, type, Pte.ENTRIES, tlb);
        }
        frames.setType(mfn, type, 0);
        tell(mfn, type, FrameType.NONE);
        // A sibling may be in the middle of a walk through it, and the guest can write to it now.
        frames.setLink(mfn, tlb.stamp());
    }

    /**
     * The guest has written to a frame of no type: whoever walks through it must come out first.
     */
    void wroteUntyped(long mfn, TlbShootdown tlb) {
        long stamp = tlb.stamp();
        if (stamp != 0) {
            frames.setLink(mfn, stamp);
        }
    }

    // ---- entries ----

    /**
     * Takes what a present L1 entry refers to. The numbers are those of Xen's get_page_from_l1e.
     */
    private int getL1Entry(long entry) {
        if ((entry & L1_DISALLOWED) != 0) {
            return -EINVAL;
        }
        long mfn = Pte.mfn(entry);
        if (GrantWindow.contains(mfn)) {
            return -EBUSY; // another domain's: only its grant maps it
        }
        if (!frames.get(mfn)) {
            if (mfn < frames.limitMfn()) {
                return -EBUSY; // somebody else's, or nobody's
            }
            return mfn == INVALID_MFN
                    ? -EINVAL
                    : -EPERM; // no RAM at all: a device, if we were allowed
        }
        if (isWritable(entry) && getType(mfn, FrameType.WRITABLE, TlbShootdown.NONE) != 0) {
            frames.put(
                    mfn, TlbShootdown.NONE); // never the last one: the frame is allocated or mapped
            return -EBUSY;
        }
        return 0;
    }

    private void putL1Entry(long entry, TlbShootdown tlb) {
        long mfn = Pte.mfn(entry);
        if (isWritable(entry)) {
            putType(mfn, tlb);
        }
        frames.put(mfn, tlb);
    }

    private static boolean isWritable(long entry) {
        return (entry & Pte.WRITABLE) != 0;
    }

    private int getUpperEntry(int level, long entry, TlbShootdown tlb) {
        if ((entry & BASE_DISALLOWED) != 0) {
            return -EINVAL;
        }
        return getPageAndType(Pte.mfn(entry), level - 1, tlb);
    }

    // ---- updates ----

    /** Writes an entry of a table, as mmu_update does. The frame is a page table in use. */
    int updateEntry(long tableMfn, int slot, long entry, boolean preserveAd, TlbShootdown tlb) {
        int type = frames.type(tableMfn);
        return type == FrameType.L1_TABLE
                ? updateL1(tableMfn, slot, entry, preserveAd, tlb)
                : updateUpper(tableMfn, type, slot, entry, preserveAd, tlb);
    }

    int updateL1(long tableMfn, int slot, long entry, boolean preserveAd, TlbShootdown tlb) {
        long at = frames.writableFrame(tableMfn) + slot * 8L;
        long old = Ram.getLongVolatile(at);
        boolean sameFrame = false;
        if (Pte.isPresent(entry)) {
            if ((entry & L1_DISALLOWED) != 0) {
                return -EINVAL;
            }
            sameFrame = ((old ^ entry) & ~HARMLESS_FLAGS) == 0;
            int result = sameFrame ? 0 : getL1Entry(entry);
            if (result != 0) {
                return result;
            }
        }
        old = write(at, entry, preserveAd);
        if (Pte.isPresent(old)) {
            if (((old ^ entry) & ~INVISIBLE_FLAGS) != 0) {
                links.dropPage(tableMfn, slot, tlb);
            }
            if (!sameFrame) {
                putL1Entry(old, tlb);
            }
        }
        return 0;
    }

    /**
     * Stores an entry. Only the walk of a vCPU changes it meanwhile, and only its Accessed and
     * Dirty bits.
     *
     * @return the old entry
     */
    private static long write(long at, long entry, boolean preserveAd) {
        while (true) {
            long old = Ram.getLongVolatile(at);
            if (Ram.compareAndSetLong(at, old, preserveAd ? entry | old & AD_FLAGS : entry)) {
                return old;
            }
        }
    }

    private int updateUpper(
            long tableMfn, int level, int slot, long entry, boolean preserveAd, TlbShootdown tlb) {
        if (!isGuestSlot(level, slot)) {
            return -EINVAL;
        }
        long at = frames.writableFrame(tableMfn) + slot * 8L;
        long old = Ram.getLongVolatile(at);
        boolean sameFrame = false;
        if (Pte.isPresent(entry)) {
            if ((entry & BASE_DISALLOWED) != 0) {
                return -EINVAL;
            }
            sameFrame = ((old ^ entry) & ~HARMLESS_FLAGS) == 0;
            int result = sameFrame ? 0 : getUpperEntry(level, entry, tlb);
            if (result != 0) {
                return result;
            }
        }
        old = write(at, entry, preserveAd);
        if (Pte.isPresent(old)) {
            if (isChanged(old, entry, preserveAd)) {
                links.dropTable(tableMfn, level, tlb);
            }
            if (!sameFrame) {
                links.unlink(tableMfn, level, slot, old);
                putPageAndType(Pte.mfn(old), tlb);
            }
        }
        if (Pte.isPresent(entry) && !sameFrame) {
            links.link(tableMfn, level, slot, entry);
        }
        return 0;
    }

    /**
     * Whether a present upper entry leads elsewhere, allows something else, or has lost its
     * Accessed bit, which the next walk is to set again.
     */
    private static boolean isChanged(long old, long entry, boolean preserveAd) {
        long unseen = INVISIBLE_FLAGS | (preserveAd ? AD_FLAGS : Pte.DIRTY);
        return ((old ^ entry) & ~unseen) != 0;
    }

    // ---- granted frames ----

    /**
     * Sets an L1 entry to a frame of the grant window. Called without the lock.
     *
     * @param entryMaddr machine address of the entry
     * @return false when that is no entry of an L1 table
     */
    public boolean mapGranted(long entryMaddr, long mfn, boolean write, TlbShootdown tlb) {
        frames.lock.lock();
        try {
            if (!isL1Entry(entryMaddr) || !frames.get(mfn)) {
                return false;
            }
            long entry = mfn << Ram.PAGE_SHIFT | Pte.PRESENT | Pte.USER | AD_FLAGS;
            if (write) {
                getType(mfn, FrameType.WRITABLE, tlb);
                entry |= Pte.WRITABLE;
            }
            setL1(entryMaddr, entry, tlb);
            return true;
        } finally {
            frames.lock.unlock();
        }
    }

    /**
     * Clears the entry that {@link #mapGranted} has set, unless the guest has done so. Called
     * without the lock.
     *
     * @return false when the frame is mapped, but not there
     */
    public boolean unmapGranted(long entryMaddr, long mfn, TlbShootdown tlb) {
        frames.lock.lock();
        try {
            if (isL1Entry(entryMaddr)) {
                long entry = Ram.getLongVolatile(hostOf(entryMaddr));
                if (Pte.isPresent(entry) && Pte.mfn(entry) == mfn) {
                    setL1(entryMaddr, 0, tlb);
                }
            }
            return frames.references(mfn) == 1;
        } finally {
            frames.lock.unlock();
        }
    }

    private boolean isL1Entry(long maddr) {
        return (maddr & 7) == 0 && frames.isL1Table(maddr >>> Ram.PAGE_SHIFT);
    }

    private long hostOf(long maddr) {
        return frames.writableFrame(maddr >>> Ram.PAGE_SHIFT) | maddr & Ram.PAGE_OFFSET;
    }

    /** Replaces an L1 entry by one whose frame is held already. */
    private void setL1(long maddr, long entry, TlbShootdown tlb) {
        long old = write(hostOf(maddr), entry, false);
        int slot = (int) (maddr & Ram.PAGE_OFFSET) >>> 3;
        settleStore(maddr >>> Ram.PAGE_SHIFT, slot, old, entry, false, tlb);
    }

    // ---- pinning ----

    /** Makes a frame a table of {@code level} until it is unpinned. */
    int pin(long mfn, int level, TlbShootdown tlb) {
        int result = getPageAndType(mfn, level, tlb);
        if (result == 0 && frames.has(mfn, FrameInfo.PINNED)) {
            putPageAndType(mfn, tlb);
            return -EINVAL;
        }
        if (result == 0) {
            frames.set(mfn, FrameInfo.PINNED);
        }
        return result;
    }

    int unpin(long mfn, TlbShootdown tlb) {
        if (!frames.exists(mfn) || !frames.has(mfn, FrameInfo.PINNED)) {
            return -EINVAL;
        }
        frames.clear(mfn, FrameInfo.PINNED);
        putPageAndType(mfn, tlb);
        return 0;
    }

    // ---- stores of the guest through read-only mappings ----

    /**
     * Performs a store into an L1 table. Xen's writable-page-table emulation.
     *
     * @return false when it is refused: the guest gets its page fault
     */
    boolean emulateStore(long maddr, int size, long value, TlbShootdown tlb) {
        return emulate(maddr, size, 0, value, false, tlb) == CasResult.DONE;
    }

    CasResult emulateCompareAndSet(
            long maddr, int size, long expected, long value, TlbShootdown tlb) {
        return emulate(maddr, size, expected, value, true, tlb);
    }

    private CasResult emulate(
            long maddr, int size, long expected, long value, boolean compare, TlbShootdown tlb) {
        long tableMfn = maddr >>> Ram.PAGE_SHIFT;
        if (!frames.isL1Table(tableMfn) || (maddr & size - 1) != 0) {
            return CasResult.REFUSED;
        }
        long at = frames.writableFrame(tableMfn) + (maddr & Ram.PAGE_OFFSET & -8);
        int shift = (int) (maddr & 7) * 8;
        long mask = (size == 8 ? -1 : (1L << size * 8) - 1) << shift;
        while (true) {
            long old = Ram.getLongVolatile(at);
            if (compare && (old & mask) != (expected << shift & mask)) {
                return CasResult.CHANGED;
            }
            long entry = old & ~mask | value << shift & mask;
            boolean sameFrame = ((old ^ entry) & ~HARMLESS_FLAGS) == 0 && Pte.isPresent(entry);
            if (Pte.isPresent(entry) && !sameFrame && getL1Entry(entry) != 0) {
                return CasResult.REFUSED;
            }
            if (Ram.compareAndSetLong(at, old, entry)) {
                settleStore(
                        tableMfn,
                        (int) (maddr & Ram.PAGE_OFFSET) >>> 3,
                        old,
                        entry,
                        sameFrame,
                        tlb);
                return CasResult.DONE;
            }
            if (Pte.isPresent(entry) && !sameFrame) {
                putL1Entry(entry, tlb); // a walk has set Accessed or Dirty: look again
            }
        }
    }

    private void settleStore(
            long tableMfn, int slot, long old, long entry, boolean sameFrame, TlbShootdown tlb) {
        if (!Pte.isPresent(old)) {
            return;
        }
        if (((old ^ entry) & ~INVISIBLE_FLAGS) != 0) {
            links.dropPage(tableMfn, slot, tlb);
        }
        if (!sameFrame) {
            putL1Entry(old, tlb);
        }
    }

    // ---- for the rest of the hypervisor ----

    /**
     * Takes a frame of the guest as {@code type}, with all that follows: a root to load, a
     * descriptor page, or {@link FrameType#WRITABLE} for a page that the hypervisor writes on the
     * guest's behalf, such as a registered vcpu_info. Called without the lock; may wait for
     * siblings.
     *
     * @return 0 or a negative error number
     */
    public int acquire(long mfn, int type, TlbShootdown tlb) {
        return settled(tlb, () -> getPageAndType(mfn, type, tlb));
    }

    /** Lets go of what {@link #acquire} took. Called without the lock. */
    public void release(long mfn, TlbShootdown tlb) {
        frames.lock.lock();
        try {
            putPageAndType(mfn, tlb);
        } finally {
            frames.lock.unlock();
        }
    }

    /**
     * Lets go of what {@link #acquire} took with {@link FrameType#NONE}. Called without the lock.
     */
    public void releaseReference(long mfn, TlbShootdown tlb) {
        frames.lock.lock();
        try {
            frames.put(mfn, tlb);
        } finally {
            frames.lock.unlock();
        }
    }

    /** As the hypercall does. Called without the lock; may wait for siblings. */
    public int pinTable(long mfn, int level, TlbShootdown tlb) {
        return settled(tlb, () -> pin(mfn, level, tlb));
    }

    /** As the hypercall does. Called without the lock. */
    public int unpinTable(long mfn, TlbShootdown tlb) {
        return settled(tlb, () -> unpin(mfn, tlb));
    }

    /** Runs a change under the lock, again and again while siblings must catch up first. */
    private int settled(TlbShootdown tlb, IntSupplier change) {
        while (true) {
            int result;
            long stamp;
            frames.lock.lock();
            try {
                result = change.getAsInt();
                stamp = unsettledStamp;
            } finally {
                frames.lock.unlock();
            }
            if (result != NOT_SETTLED) {
                return result;
            }
            tlb.awaitSettled(stamp);
        }
    }
}

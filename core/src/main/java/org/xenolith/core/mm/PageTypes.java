package org.xenolith.core.mm;

import static org.xenolith.core.abi.XenErrno.EINVAL;

import java.util.function.IntSupplier;

/**
 * The types of frames, as Xen counts them: a frame is used as one type at a time, each use is
 * counted, and a page table is checked entry by entry when its first use begins. So no guest ever
 * has a writable mapping of a table that a vCPU walks. The methods answer 0 or a negative error
 * number; one that fails has changed nothing.
 *
 * <pre>
 * {@link EntryUpdates}      changes an entry of a table in use
 *   {@link EntryReferences} what an entry takes of a frame: a reference, a use
 *     PageTypes       counts uses; with the first and the last of a table
 *       {@link TableValidation} its entries take what they refer to, and give it back
 * </pre>
 *
 * <p>Locking: the methods that are not public are called with {@link FrameTable#lock} held. The
 * public ones take it, and are called with no lock that a vCPU could wait for if they may wait for
 * siblings. Listeners are told with it held.
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
 * <p><b>Large trees.</b> A hold of the lock validates a limited number of tables, or lets go of
 * them: {@link TableWork} says how the rest follows. A change with more to validate answers {@link
 * #NOT_DONE} and is to be made again; one with more to let go of leaves old tables behind. The
 * public methods go on until nothing is left; {@link PausableTables} does so for a vCPU that can
 * pause.
 */
public final class PageTypes {
    /** Not an error number: siblings must first apply the drops up to {@link #unsettledStamp}. */
    static final int NOT_SETTLED = Integer.MIN_VALUE;

    /** Not an error number: the change has more tables to validate than one hold of the lock. */
    static final int NOT_DONE = Integer.MIN_VALUE + 1;

    /** For so long siblings that map a frame and unmap it without end may be a stamp ahead. */
    private static final int ROUNDS_BEFORE_SIBLINGS_STOP = 100;

    private final FrameTable frames;
    private final TableLinks links;
    private final TableValidation validation;
    private final TableWork work;
    private long unsettledStamp;

    public PageTypes(FrameTable frames) {
        this(frames, TableWork.TABLES_PER_HOLD);
    }

    /**
     * @param tablesPerHold how many tables one hold of the lock may validate or let go of
     */
    PageTypes(FrameTable frames, int tablesPerHold) {
        this.frames = frames;
        work = new TableWork(tablesPerHold);
        links = new TableLinks(frames);
        validation = new TableValidation(this);
    }

    public FrameTable frames() {
        return frames;
    }

    TableLinks links() {
        return links;
    }

    TableWork work() {
        return work;
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
        if (isLastUseOfTable(mfn) && !work.mayDoTable()) {
            work.spare(mfn);
            return;
        }
        putType(mfn, tlb);
        frames.put(mfn, tlb);
    }

    private boolean isLastUseOfTable(long mfn) {
        return frames.typeCount(mfn) == 1 && FrameType.isPageTable(frames.type(mfn));
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
        if (FrameType.isPageTable(type) && !work.mayDoTable()) {
            return NOT_DONE;
        }
        long stamp = frames.link(mfn);
        if (stamp != 0 && !tlb.isSettled(stamp)) {
            unsettledStamp = stamp;
            return NOT_SETTLED;
        }
        frames.writableFrame(mfn, tlb); // walks set bits in tables, others patch descriptors
        int oldType = frames.type(mfn);
        frames.setType(mfn, type, 1);
        frames.setLink(mfn, FrameTable.LINK_NONE);
        int result =
                type == FrameType.SEGMENT_DESCRIPTORS
                        ? Descriptors.validate(frames.ownFrame(mfn))
                        : validation.get(mfn, type, tlb);
        if (result != 0) {
            frames.setType(mfn, oldType, 0);
            frames.setLink(mfn, stamp);
        } else {
            tell(mfn, FrameType.NONE, type);
        }
        return result;
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
        if (FrameType.isPageTable(type)) {
            validation.put(mfn, type, tlb);
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

    // ---- who hears of it ----

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

    // ---- for the rest of the hypervisor ----

    /**
     * Takes a frame of the guest as {@code type}, with all that follows: a root to load, a
     * descriptor page, or {@link FrameType#WRITABLE} for a page that the hypervisor writes on the
     * guest's behalf, such as a registered vcpu_info. May wait for siblings.
     *
     * @return 0 or a negative error number
     */
    public int acquire(long mfn, int type, TlbShootdown tlb) {
        if (GrantWindow.contains(mfn)) {
            // Another domain's: a use that is no mapping would outlive the grant.
            return -EINVAL;
        }
        IntSupplier change = () -> getPageAndType(mfn, type, tlb);
        return FrameType.isPageTable(type)
                ? toTheEnd(tlb, mfn, change)
                : settled(tlb, null, change);
    }

    /** Lets go of what {@link #acquire} took. */
    public void release(long mfn, TlbShootdown tlb) {
        if (releaseInPart(mfn, tlb)) {
            letGoOfOld(tlb);
        }
    }

    /**
     * As {@link #release}, for a caller that lets go of the old tables then.
     *
     * @return whether it leaves any
     */
    boolean releaseInPart(long mfn, TlbShootdown tlb) {
        frames.lock.lock();
        try {
            putPageAndType(mfn, tlb);
            return work.end(0, null);
        } finally {
            frames.lock.unlock();
        }
    }

    /** Lets go of what {@link #acquire} took with {@link FrameType#NONE}. */
    public void releaseReference(long mfn, TlbShootdown tlb) {
        frames.lock.lock();
        try {
            frames.put(mfn, tlb);
        } finally {
            frames.lock.unlock();
        }
    }

    /** As the hypercall does. May wait for siblings. */
    public int pinTable(long mfn, int level, TlbShootdown tlb) {
        return toTheEnd(tlb, mfn, () -> pin(mfn, level, tlb));
    }

    /** Makes a change hold by hold until it is done and has left no old tables. */
    private int toTheEnd(TlbShootdown tlb, long top, IntSupplier change) {
        UnfinishedTables unfinished = new UnfinishedTables().attempt(top);
        int result = settled(tlb, unfinished, change);
        while (result == NOT_DONE) {
            TableWork.letOthersIn(frames.lock);
            result = settled(tlb, unfinished, change);
        }
        letGoOfOld(tlb);
        return result;
    }

    private void letGoOfOld(TlbShootdown tlb) {
        while (work.hasOld()) {
            letGoOfSomeOld(tlb);
            TableWork.letOthersIn(frames.lock);
        }
    }

    /** Lets go of old tables, as many as one hold of the lock may. */
    void letGoOfSomeOld(TlbShootdown tlb) {
        frames.lock.lock();
        try {
            work.letGoOfSome(this, tlb);
        } finally {
            frames.lock.unlock();
        }
    }

    /**
     * Runs a change under the lock, again and again while siblings must catch up first; after some
     * rounds they are stopped for one. Called without it.
     *
     * @param unfinished what earlier attempts have kept, null when the change meets no tables
     * @param change answers 0, a negative error number, {@link #NOT_SETTLED} or {@link #NOT_DONE}
     * @return what it has answered, but not {@link #NOT_SETTLED}
     */
    int settled(TlbShootdown tlb, UnfinishedTables unfinished, IntSupplier change) {
        int result = settled(tlb, unfinished, change, ROUNDS_BEFORE_SIBLINGS_STOP);
        if (result != NOT_SETTLED) {
            return result;
        }
        tlb.stopSiblings();
        try {
            // What is left to settle now is of our own making: those who stand there catch up.
            return settled(tlb, unfinished, change, Integer.MAX_VALUE);
        } finally {
            tlb.letSiblingsGo();
        }
    }

    private int settled(
            TlbShootdown tlb, UnfinishedTables unfinished, IntSupplier change, int rounds) {
        int result = NOT_SETTLED;
        for (int round = 0; round < rounds && result == NOT_SETTLED; round++) {
            long stamp;
            frames.lock.lock();
            try {
                result = change.getAsInt();
                stamp = unsettledStamp;
                work.end(result, unfinished);
            } finally {
                frames.lock.unlock();
            }
            if (result == NOT_SETTLED) {
                tlb.awaitSettled(stamp);
            }
        }
        return result;
    }
}

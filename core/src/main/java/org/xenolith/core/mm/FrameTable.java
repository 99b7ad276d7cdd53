package org.xenolith.core.mm;

import static org.xenolith.cpu.mmu.MachineMemory.NO_FRAME;

import org.xenolith.cpu.mmu.Ram;

import java.util.Arrays;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongConsumer;

/**
 * A domain's machine frames: which host frame backs an MFN, what it is used as and by how many. Who
 * puts frames behind the numbers, and takes them away, are the parts of the domain's memory that it
 * leads to: {@link MemoryReservation}, {@link XenFrames} and {@link GrantWindow}.
 *
 * <pre>
 * MFN  0x00100  frames of the hypervisor that the guest maps by number: shared_info, grant frames
 *      0x01000  the machine-to-physical array and its page tables: the guest cannot name them
 *      0x0b000  window for mapped grants, one MFN per mapping
 *      0x10000  guest RAM
 * </pre>
 *
 * <p>Everything below guest RAM has no guest frame number, so its machine-to-physical entry is all
 * ones. The numbers are handed out in a fixed order: runs can be repeated.
 *
 * <p>Locking: reading ({@link #frame}, {@link #isL1Table}) takes no lock. Everything that changes a
 * count, a type or a backing frame holds {@link #lock}; {@link #releaseAll} takes it.
 */
public final class FrameTable {
    public static final long XEN_BASE = 0x100;
    public static final long M2P_BASE = 0x1000;
    public static final long GRANT_WINDOW_BASE = 0xb000;
    public static final long RAM_BASE = 0x10000;

    private static final int CHUNK_SHIFT = 10;
    private static final int CHUNK = 1 << CHUNK_SHIFT;
    private static final int CHUNK_MASK = CHUNK - 1;

    private static final int ABSENT = -1;

    /**
     * In a word of {@link #hosts}: others read the host frame too, and nobody writes to it. With
     * the frame's number in one word, so that whoever reads without the lock sees both or neither.
     */
    private static final int SHARED = 1 << 30;

    /** A page table that no upper table refers to. */
    static final long LINK_NONE = 0;

    /** One that is referred to at more than one place: {@link TableLinks} may know them. */
    static final long LINK_SEVERAL = -1;

    /** Guards types, counts, links, the reservation and every change of a page table. */
    public final ReentrantLock lock = new ReentrantLock();

    private final FramePool pool;
    private final VcpuTlbs tlbs;
    private final long limitMfn;

    // By MFN, in chunks that a fork can share until one side writes. A missing range shares one
    // chunk.

    /** Host frame number, with {@link #SHARED} or without; {@link #ABSENT} when there is none. */
    private final int[][] hosts;

    /** {@link FrameInfo} words. */
    private final int[][] infos;

    /** References of any kind; the frame leaves the domain with the last one. */
    private final int[][] references;

    /**
     * Of a page table: where it is linked. An L1 or L2 table has the machine address of the one
     * upper entry that refers to it, an L3 table the machine address 8 * slot of its slot in every
     * L4 table plus {@link TableLinks#IN_ROOT}. Of any other frame: the stamp of its last writable
     * mapping's end, or of the end of the frame that had the number before.
     */
    private final long[][] links;

    /** When somebody from outside last had a frame parted from its others; 0 for never. */
    private volatile long parted;

    private final MemoryReservation reservation;
    private final XenFrames xenFrames;
    private final GrantWindow grantWindow;
    private final MachineToPhysical machineToPhysical;

    /**
     * @param maximumPages guest frames the domain may have at most
     * @throws OutOfMemory when the pool cannot hold the hypervisor's own tables for the domain
     */
    public FrameTable(FramePool pool, VcpuTlbs tlbs, long maximumPages) throws OutOfMemory {
        this.pool = pool;
        this.tlbs = tlbs;
        this.limitMfn = RAM_BASE + maximumPages;
        int chunks = Math.toIntExact(limitMfn + CHUNK - 1 >>> CHUNK_SHIFT);
        hosts = new int[chunks][];
        int[] none = new int[CHUNK];
        Arrays.fill(none, ABSENT);
        Arrays.fill(hosts, none);
        infos = new int[chunks][];
        references = new int[chunks][];
        Arrays.fill(references, new int[CHUNK]);
        Arrays.fill(infos, references[0]);
        links = new long[chunks][];
        Arrays.fill(links, new long[CHUNK]);
        reservation = new MemoryReservation(this, maximumPages);
        xenFrames = new XenFrames(this);
        grantWindow = new GrantWindow(this);
        try {
            machineToPhysical = new MachineToPhysical(this, maximumPages);
        } catch (OutOfMemory e) {
            releaseAll();
            throw e;
        }
    }

    /** The pool has not enough frames. */
    public static final class OutOfMemory extends Exception {
        private static final long serialVersionUID = 1L;

        OutOfMemory(String what) {
            super("Not enough host memory for " + what);
        }
    }

    /**
     * Waits for the change that is just being made, if there is one. A guest may have seen what it
     * wrote: then everybody has been told what that makes stale.
     */
    void awaitChange() {
        if (lock.isLocked()) {
            lock.lock();
            lock.unlock();
        }
    }

    // ---- the lookup ----

    /** Host frame behind an MFN, or {@code NO_FRAME}. The hot path of every TLB fill. */
    public long frame(long mfn) {
        if (Long.compareUnsigned(mfn, limitMfn) >= 0) {
            return NO_FRAME;
        }
        int host = hosts[(int) (mfn >>> CHUNK_SHIFT)][(int) mfn & CHUNK_MASK];
        return host < 0 ? NO_FRAME : (long) (host & ~SHARED) << Ram.PAGE_SHIFT;
    }

    /**
     * As {@link #frame}, for writing by a thread that may touch the domain's memory. A frame that
     * is shared becomes the domain's own first.
     *
     * @param tlb of the calling vCPU
     */
    public long writableFrame(long mfn, TlbShootdown tlb) {
        return isShared(mfn) ? unshare(mfn, tlb::dropFrame) : frame(mfn);
    }

    /**
     * As {@link #frame}, for writing to what is never shared: page tables and descriptor pages in
     * use, frames of the hypervisor, and what was made writable before.
     */
    public long ownFrame(long mfn) {
        if (isShared(mfn)) {
            throw new IllegalStateException("mfn %#x is shared".formatted(mfn));
        }
        return frame(mfn);
    }

    // ---- frames that are shared, see SharedFrames ----

    /** Whether other domains, or other numbers of this one, lead to the same host frame. */
    public boolean isShared(long mfn) {
        if (Long.compareUnsigned(mfn, limitMfn) >= 0) {
            return false;
        }
        int host = hosts[(int) (mfn >>> CHUNK_SHIFT)][(int) mfn & CHUNK_MASK];
        return host > 0 && (host & SHARED) != 0;
    }

    /** How many numbers lead to shared frames; by any thread, as of about now. */
    public long sharedPages() {
        long pages = 0;
        for (int[] chunk : hosts) {
            for (int host : chunk) {
                pages += host > 0 && (host & SHARED) != 0 ? 1 : 0;
            }
        }
        return pages;
    }

    /** Puts a host frame behind a number that has one already; the old one stays the caller's. */
    void exchange(long mfn, long hostBase, boolean shared) {
        hosts[(int) (mfn >>> CHUNK_SHIFT)][(int) mfn & CHUNK_MASK] =
                (int) (hostBase >>> Ram.PAGE_SHIFT) | (shared ? SHARED : 0);
    }

    /**
     * Gives a number a host frame of its own again, with the same content.
     *
     * @param drop takes what leads to the old host frame from the TLBs
     * @return the host frame
     */
    private long unshare(long mfn, LongConsumer drop) {
        lock.lock();
        try {
            long old = frame(mfn);
            if (!isShared(mfn)) {
                return old;
            }
            long own = pool.shared().part(old);
            exchange(mfn, own, false);
            if (own != old) {
                drop.accept(old);
                tlbs.retire(old);
            }
            return own;
        } finally {
            lock.unlock();
        }
    }

    /**
     * Takes a reference of the pool to the host frame behind a number, for somebody who is no vCPU
     * of the domain and may write to it. As long as the reference is held the frame is not shared.
     *
     * @return {@code NO_FRAME} while a vCPU may still read the frame that was shared until now: ask
     *     again when it has passed a poll point
     */
    public long acquireOwn(long mfn) {
        lock.lock();
        try {
            if (isShared(mfn)) {
                unshare(mfn, tlbs::dropFrame);
                parted = tlbs.stamp();
            }
            if (!tlbs.isSettled(parted)) {
                return NO_FRAME;
            }
            long host = frame(mfn);
            pool.acquire(host);
            return host;
        } finally {
            lock.unlock();
        }
    }

    /**
     * Waits until {@link #acquireOwn} can succeed. Called with no lock held, by a thread that runs
     * no vCPU or stands at its poll point.
     */
    public void awaitOwn() {
        tlbs.awaitSettled(parted);
    }

    /** The VMM keeps the host address of a frame from now on. */
    public void hold(long mfn) {
        lock.lock();
        try {
            set(mfn, FrameInfo.HELD);
        } finally {
            lock.unlock();
        }
    }

    /** First MFN above every frame the domain can have. */
    public long limitMfn() {
        return limitMfn;
    }

    public FramePool pool() {
        return pool;
    }

    public VcpuTlbs tlbs() {
        return tlbs;
    }

    public MemoryReservation reservation() {
        return reservation;
    }

    public XenFrames xenFrames() {
        return xenFrames;
    }

    public GrantWindow grantWindow() {
        return grantWindow;
    }

    public MachineToPhysical machineToPhysical() {
        return machineToPhysical;
    }

    // ---- info words ----

    boolean exists(long mfn) {
        return frame(mfn) != NO_FRAME;
    }

    private int info(long mfn) {
        return infos[(int) (mfn >>> CHUNK_SHIFT)][(int) mfn & CHUNK_MASK];
    }

    private void setInfo(long mfn, int info) {
        infos[(int) (mfn >>> CHUNK_SHIFT)][(int) mfn & CHUNK_MASK] = info;
    }

    boolean has(long mfn, int flag) {
        return (info(mfn) & flag) != 0;
    }

    void set(long mfn, int flag) {
        setInfo(mfn, info(mfn) | flag);
    }

    void clear(long mfn, int flag) {
        setInfo(mfn, info(mfn) & ~flag);
    }

    /** What the frame is used as, or was last used as when {@link #typeCount} is 0. */
    public int type(long mfn) {
        return exists(mfn) ? FrameInfo.type(info(mfn)) : FrameType.NONE;
    }

    public int typeCount(long mfn) {
        return exists(mfn) ? FrameInfo.uses(info(mfn)) : 0;
    }

    public boolean isPinned(long mfn) {
        return exists(mfn) && has(mfn, FrameInfo.PINNED);
    }

    public int references(long mfn) {
        return exists(mfn) ? references[(int) (mfn >>> CHUNK_SHIFT)][(int) mfn & CHUNK_MASK] : 0;
    }

    /**
     * Whether the frame is an L1 table now: the test that every store through a read-only mapping
     * makes.
     */
    boolean isL1Table(long mfn) {
        return exists(mfn) && FrameInfo.isUsedAs(info(mfn), FrameType.L1_TABLE);
    }

    void setType(long mfn, int type, int count) {
        setInfo(mfn, FrameInfo.withType(info(mfn), type, count));
    }

    long link(long mfn) {
        return links[(int) (mfn >>> CHUNK_SHIFT)][(int) mfn & CHUNK_MASK];
    }

    void setLink(long mfn, long link) {
        links[(int) (mfn >>> CHUNK_SHIFT)][(int) mfn & CHUNK_MASK] = link;
    }

    // ---- references ----

    /**
     * Takes a reference to a frame that the guest may name.
     *
     * @return false when there is none of that number
     */
    boolean get(long mfn) {
        if (!exists(mfn) || has(mfn, FrameInfo.PRIVATE)) {
            return false;
        }
        int[] chunk = references[(int) (mfn >>> CHUNK_SHIFT)];
        if (chunk[(int) mfn & CHUNK_MASK] == Integer.MAX_VALUE) {
            return false;
        }
        chunk[(int) mfn & CHUNK_MASK]++;
        return true;
    }

    /** Drops a reference; with the last one the frame leaves the domain. */
    void put(long mfn, TlbShootdown tlb) {
        int[] chunk = references[(int) (mfn >>> CHUNK_SHIFT)];
        int left = --chunk[(int) mfn & CHUNK_MASK];
        if (left == 0) {
            free(mfn, tlb);
        } else if (left < 0) {
            throw new IllegalStateException(
                    "mfn %#x has lost more references than it had".formatted(mfn));
        }
    }

    private void free(long mfn, TlbShootdown tlb) {
        if (typeCount(mfn) != 0) {
            throw new IllegalStateException("mfn %#x freed while in use as a type".formatted(mfn));
        }
        long hostBase = frame(mfn);
        boolean granted = has(mfn, FrameInfo.GRANTED);
        if (isShared(mfn)) {
            pool.shared().leave(hostBase);
        }
        hosts[(int) (mfn >>> CHUNK_SHIFT)][(int) mfn & CHUNK_MASK] = ABSENT;
        setInfo(mfn, 0);
        // The mappings have gone one by one and took their TLB entries along: this is the second
        // lock on the door between domains.
        tlb.dropFrame(hostBase);
        // A sibling's walk may have met the number and look it up only now: the next frame behind
        // it is no table before that walk is over.
        setLink(mfn, tlbs.retire(hostBase));
        if (granted) {
            grantWindow.left(mfn);
        } else {
            reservation.left(mfn);
        }
    }

    /** Puts a host frame behind a number that is free, with one reference. */
    void add(long mfn, long hostBase, int info) {
        int chunk = (int) (mfn >>> CHUNK_SHIFT);
        int index = (int) mfn & CHUNK_MASK;
        if (infos[chunk] == references[chunk]) {
            // First frame of this range: the shared empty chunks stand for "nothing here".
            infos[chunk] = new int[CHUNK];
            references[chunk] = new int[CHUNK];
            links[chunk] = new long[CHUNK];
            hosts[chunk] = hosts[chunk].clone();
        }
        infos[chunk][index] = info;
        references[chunk][index] = 1;
        hosts[chunk][index] = (int) (hostBase >>> Ram.PAGE_SHIFT);
    }

    /** Gives every host frame back, when the domain is dead and none of its vCPUs runs any more. */
    public void releaseAll() {
        lock.lock();
        try {
            for (int chunk = 0; chunk < hosts.length; chunk++) {
                for (int i = 0; i < CHUNK && infos[chunk] != references[chunk]; i++) {
                    int host = hosts[chunk][i];
                    hosts[chunk][i] = ABSENT;
                    if (host >= 0) {
                        giveUp((long) (host & ~SHARED) << Ram.PAGE_SHIFT, (host & SHARED) != 0);
                    }
                }
            }
            reservation.allLeft();
        } finally {
            lock.unlock();
        }
    }

    private void giveUp(long hostBase, boolean shared) {
        if (shared) {
            pool.shared().leave(hostBase);
        }
        tlbs.retire(hostBase);
    }
}

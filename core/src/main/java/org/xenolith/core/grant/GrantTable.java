package org.xenolith.core.grant;

import static org.xenolith.core.abi.GrantCommand.GNTST_BAD_GNTREF;
import static org.xenolith.core.abi.GrantCommand.GNTST_BAD_PAGE;
import static org.xenolith.core.abi.GrantCommand.GNTST_EAGAIN;
import static org.xenolith.core.abi.GrantCommand.GNTST_GENERAL_ERROR;
import static org.xenolith.core.abi.GrantCommand.GNTST_NO_SPACE;
import static org.xenolith.core.abi.GrantCommand.GNTST_OKAY;

import org.xenolith.core.abi.GrantEntry;
import org.xenolith.core.mm.FrameTable;
import org.xenolith.core.mm.FrameType;
import org.xenolith.core.mm.GrantWindow;
import org.xenolith.core.mm.PageTypes;
import org.xenolith.core.mm.TlbShootdown;
import org.xenolith.cpu.mmu.MachineMemory;
import org.xenolith.cpu.mmu.Ram;

import java.util.Arrays;
import java.util.List;
import java.util.function.LongConsumer;
import java.util.stream.IntStream;
import java.util.stream.LongStream;

/**
 * What one domain has granted. The entries lie in frames that the guest writes; what is in use is
 * counted here, where it cannot. While a grant is in use its entry says so, and the guest must
 * leave it alone; if it does not, the use still ends as it began.
 *
 * <p>Thread-safe. The lock is taken before that of the frame table.
 */
public final class GrantTable {
    /** Frames of 512 entries that a guest may have. */
    public static final int MAX_FRAMES = 64;

    private static final int ENTRIES_PER_FRAME = Ram.PAGE_SIZE / GrantEntry.SIZE;
    private static final int FLAGS_MASK = 0xffff;
    private static final int DOMID_SHIFT = 16;

    /** In a word of {@link #uses}: one user that may write, beside the users counted from bit 0. */
    private static final int WRITER = 1 << 16;

    private static final int USERS_MASK = WRITER - 1;
    private static final int MAX_USERS = 0x7fff;

    private final PageTypes types;
    private final FrameTable frames;
    private final LongConsumer writtenFrames;
    private final long[] mfns = new long[MAX_FRAMES];
    private int frameCount;

    /** By reference: how many use the grant now, and how many of those may write. */
    private int[] uses = new int[0];

    /** By reference, while in use: the frame that was granted when the use began. */
    private long[] grantedMfns = new long[0];

    /**
     * By reference, while in use: the host frame behind it. Each use holds a reference of the pool,
     * so that the memory is nobody else's even when the granter is gone.
     */
    private long[] hostBases = new long[0];

    /** Hears of each use of a grant as it begins and ends, with the table's lock held. */
    @FunctionalInterface
    public interface UseListener {
        void used(int ref, long mfn, boolean write, boolean begins);
    }

    /** Null while nobody listens. */
    private volatile UseListener useListener;

    /** The granter is gone: nothing more is granted, what is in use ends without it. */
    private boolean closed;

    /**
     * @param writtenFrames is told the host base of each frame of this domain that a user may have
     *     written: there may be decoded code in it
     */
    public GrantTable(PageTypes types, LongConsumer writtenFrames) {
        this.types = types;
        this.frames = types.frames();
        this.writtenFrames = writtenFrames;
    }

    /** Sets who hears of uses, null for nobody. */
    public void onUse(UseListener listener) {
        useListener = listener;
    }

    private void tell(int ref, boolean write, boolean begins) {
        UseListener listener = useListener;
        if (listener != null) {
            listener.used(ref, grantedMfns[ref], write, begins);
        }
    }

    /**
     * Makes the table at least so large.
     *
     * @return a {@code GNTST_*} status
     */
    public synchronized int grow(int wantedFrames) {
        if (wantedFrames < 0 || wantedFrames > MAX_FRAMES) {
            return GNTST_GENERAL_ERROR;
        }
        try {
            while (frameCount < wantedFrames) {
                mfns[frameCount] = frames.xenFrames().add();
                frameCount++;
            }
            return GNTST_OKAY;
        } catch (FrameTable.OutOfMemory e) {
            return GNTST_NO_SPACE;
        } finally {
            // Also for those that it got: an entry counts as soon as its frame is there.
            makeRoom(frameCount * ENTRIES_PER_FRAME);
        }
    }

    private void makeRoom(int entries) {
        if (uses.length < entries) {
            uses = Arrays.copyOf(uses, entries);
            grantedMfns = Arrays.copyOf(grantedMfns, entries);
            hostBases = Arrays.copyOf(hostBases, entries);
        }
    }

    public synchronized int frameCount() {
        return frameCount;
    }

    /** MFN of a frame of the table, for the guest to map. */
    public synchronized long frameMfn(int index) {
        return mfns[index];
    }

    /**
     * Writes an entry for the guest, before it starts: what the tools do for console and xenstore.
     */
    public synchronized void preset(int ref, int grantee, long mfn) {
        if (grow(1) != GNTST_OKAY) {
            throw new IllegalStateException("no frame for the grant table");
        }
        Ram.putInt(entry(ref) + GrantEntry.FRAME, (int) mfn);
        Ram.putIntVolatile(
                entry(ref) + GrantEntry.FLAGS_AND_DOMID,
                grantee << DOMID_SHIFT | GrantEntry.GTF_PERMIT_ACCESS);
    }

    private long entry(int ref) {
        return frames.ownFrame(mfns[ref / ENTRIES_PER_FRAME])
                + (long) ref % ENTRIES_PER_FRAME * GrantEntry.SIZE;
    }

    /**
     * Begins to use a grant, for as long as a copy takes or a device is connected.
     *
     * @param grantee who wants to use it
     * @return the frame, or null when the guest has granted no such thing to the grantee
     */
    public GrantAccess access(int grantee, int ref, boolean write) {
        int status = begin(grantee, ref, write);
        while (status == GNTST_EAGAIN) {
            frames.awaitOwn();
            status = begin(grantee, ref, write);
        }
        return status == GNTST_OKAY ? new GrantAccess(this, ref, write, host(ref)) : null;
    }

    private synchronized long host(int ref) {
        return hostBases[ref];
    }

    /**
     * Begins a use; {@link #end} must follow when the status is GNTST_OKAY. It is GNTST_EAGAIN
     * while a vCPU of the granter may still read a frame that was shared: {@link
     * FrameTable#acquireOwn}.
     */
    synchronized int begin(int grantee, int ref, boolean write) {
        if (closed || Integer.compareUnsigned(ref, frameCount * ENTRIES_PER_FRAME) >= 0) {
            return GNTST_BAD_GNTREF;
        }
        if ((uses[ref] & USERS_MASK) == MAX_USERS) {
            return GNTST_NO_SPACE;
        }
        int status = mark(grantee, ref, write);
        if (status != GNTST_OKAY) {
            return status;
        }
        long mfn =
                uses[ref] == 0
                        ? Ram.getIntVolatile(entry(ref) + GrantEntry.FRAME) & 0xffff_ffffL
                        : grantedMfns[ref];
        if (!hold(mfn, write)) {
            unmark(ref);
            return GNTST_BAD_PAGE;
        }
        long host = frames.acquireOwn(mfn);
        if (host == MachineMemory.NO_FRAME) {
            letGo(mfn, write);
            unmark(ref);
            return GNTST_EAGAIN;
        }
        grantedMfns[ref] = mfn;
        hostBases[ref] = host;
        uses[ref] += write ? 1 + WRITER : 1;
        tell(ref, write, true);
        return GNTST_OKAY;
    }

    /**
     * A frame that is granted to the guest itself is not its own to grant: whoever had it from here
     * would keep it when the guest dies, and the first granter would take it for free.
     */
    private boolean hold(long mfn, boolean write) {
        int type = write ? FrameType.WRITABLE : FrameType.NONE;
        return !GrantWindow.contains(mfn) && types.acquire(mfn, type, TlbShootdown.NONE) == 0;
    }

    private void letGo(long mfn, boolean write) {
        if (write) {
            types.release(mfn, TlbShootdown.NONE);
        } else {
            types.releaseReference(mfn, TlbShootdown.NONE);
        }
    }

    /** Sets the in-use flags, if the entry permits the use at that very moment. */
    private int mark(int grantee, int ref, boolean write) {
        long at = entry(ref) + GrantEntry.FLAGS_AND_DOMID;
        while (true) {
            int old = Ram.getIntVolatile(at);
            boolean permitted =
                    (old & GrantEntry.GTF_TYPE_MASK) == GrantEntry.GTF_PERMIT_ACCESS
                            && old >>> DOMID_SHIFT == grantee
                            && !(write && (old & GrantEntry.GTF_READONLY) != 0);
            if (!permitted) {
                return GNTST_GENERAL_ERROR;
            }
            int marks = GrantEntry.GTF_READING | (write ? GrantEntry.GTF_WRITING : 0);
            if (Ram.compareAndSetInt(at, old, old | marks)) {
                return GNTST_OKAY;
            }
        }
    }

    /** Clears the flags that no user stands for any more; the guest may have rewritten the rest. */
    private void unmark(int ref) {
        int stale = uses[ref] < WRITER ? GrantEntry.GTF_WRITING : 0;
        if (uses[ref] == 0) {
            stale |= GrantEntry.GTF_READING;
        }
        long at = entry(ref) + GrantEntry.FLAGS_AND_DOMID;
        int old;
        do {
            old = Ram.getIntVolatile(at);
        } while (!Ram.compareAndSetInt(at, old, old & ~(stale & FLAGS_MASK)));
    }

    synchronized void end(int ref, boolean write) {
        if (!closed) {
            giveBack(ref, write);
        }
        frames.pool().release(hostBases[ref]);
    }

    private void giveBack(int ref, boolean write) {
        long mfn = grantedMfns[ref];
        if (write) {
            writtenFrames.accept(frames.frame(mfn));
        }
        letGo(mfn, write);
        uses[ref] -= write ? 1 + WRITER : 1;
        unmark(ref);
        tell(ref, write, false);
    }

    /** Host base of a grant in use. */
    long hostBase(int ref) {
        return host(ref);
    }

    /**
     * The granter is dead and none of its vCPUs runs any more: its frames are about to go. Who
     * still uses a grant keeps the memory until the use ends.
     */
    public synchronized void close() {
        closed = true;
    }

    /**
     * Revokes all grants, as in a new domain: the table's frames stay and are zero. What is in use
     * ends as it began.
     */
    public synchronized void reset() {
        for (int i = 0; i < frameCount; i++) {
            Ram.fill(frames.ownFrame(mfns[i]), Ram.PAGE_SIZE, 0);
        }
    }

    /**
     * The table as plain data.
     *
     * @param frameMfns of the table, in order
     * @param inUse references in use now
     */
    public record Saved(List<Long> frameMfns, List<Integer> inUse) {}

    public synchronized Saved save() {
        List<Long> frameMfns = LongStream.of(mfns).limit(frameCount).boxed().toList();
        List<Integer> inUse =
                IntStream.range(0, uses.length).filter(ref -> uses[ref] != 0).boxed().toList();
        return new Saved(frameMfns, inUse);
    }

    /**
     * Takes the restored domain's frames for the table of this one. Nobody uses a grant of it yet:
     * the marks of those who used the saved domain's are taken from the entries, and backends begin
     * anew.
     *
     * @return false when the frames are none that a table can have
     */
    public synchronized boolean restore(Saved saved) {
        if (frameCount != 0 || saved.frameMfns().size() > MAX_FRAMES) {
            return false;
        }
        for (long mfn : saved.frameMfns()) {
            if (!isFree(mfn)) {
                return false;
            }
            mfns[frameCount++] = mfn;
        }
        grow(frameCount);
        for (int ref : saved.inUse()) {
            if (ref < 0 || ref >= uses.length) {
                return false;
            }
            unmark(ref);
        }
        return true;
    }

    /** Whether a frame can be the table's and is not yet: the first of its kind is shared_info. */
    private boolean isFree(long mfn) {
        return frames.xenFrames().contains(mfn)
                && mfn != FrameTable.XEN_BASE
                && LongStream.of(mfns).limit(frameCount).noneMatch(taken -> taken == mfn);
    }

    /** Whether anybody uses a grant now. */
    public synchronized boolean isInUse(int ref) {
        return ref < uses.length && uses[ref] != 0;
    }

    /**
     * A grant as it is.
     *
     * @param flags {@code GTF_*}
     * @param mfn as granted; while in use, the frame that was granted when the use began
     * @param users how many use it now
     * @param writers how many of those may write
     */
    public record Entry(int ref, int flags, int grantee, long mfn, int users, int writers) {}

    /**
     * What the domain grants or somebody still uses. Only on a thread that may touch the domain's
     * memory.
     */
    public synchronized List<Entry> entries() {
        return IntStream.range(0, closed ? 0 : frameCount * ENTRIES_PER_FRAME)
                .mapToObj(this::entryOf)
                .filter(e -> e.users() != 0 || (e.flags() & GrantEntry.GTF_TYPE_MASK) != 0)
                .toList();
    }

    private Entry entryOf(int ref) {
        int word = Ram.getIntVolatile(entry(ref) + GrantEntry.FLAGS_AND_DOMID);
        long named = Ram.getIntVolatile(entry(ref) + GrantEntry.FRAME) & 0xffff_ffffL;
        int users = uses[ref] & USERS_MASK;
        return new Entry(
                ref,
                word & FLAGS_MASK,
                word >>> DOMID_SHIFT,
                users == 0 ? named : grantedMfns[ref],
                users,
                uses[ref] / WRITER);
    }
}

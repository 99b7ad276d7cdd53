package org.xenolith.core.mm;

import org.xenolith.cpu.mmu.MachineMemory;
import org.xenolith.cpu.mmu.Ram;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.LongConsumer;

/**
 * Hands out host frames of {@link Ram}, zero-filled and counted. A frame is free again when its
 * last reference goes: a domain's frame table holds one, everybody who keeps a host address across
 * a poll point (a grant mapping, I/O in flight) one more. What vCPUs may still have in their TLBs
 * is not counted here but waited for by {@link VcpuTlbs#retire}, which holds the frame table's
 * reference meanwhile.
 */
public final class FramePool {
    /**
     * Freed frames go back to the host in batches: one call to the host costs more than many pages.
     */
    private static final int BATCH = 512;

    /**
     * Once frames are shared, so many stay free beside those that are promised: a frame that was
     * given back is free only when its vCPU has passed a poll point.
     */
    private static final int SPARE = 256;

    private static final int CHUNK_SHIFT = 12;
    private static final int CHUNK = 1 << CHUNK_SHIFT;

    private final int firstFrame;
    private final int limitFrame;
    private final HostPages hostPages;

    /**
     * References by host frame number less {@link #firstFrame}; a chunk exists once one of its
     * frames did.
     */
    private final int[][] references;

    /** Frames from here on were never used and are zero. */
    private int nextUnused;

    /** A stack of zero frames that were used before. */
    private int[] clean = new int[BATCH];

    private int cleanCount;

    /** Freed, still with their old content. */
    private final int[] dirty = new int[BATCH];

    private int dirtyCount;

    /** Frames that are free but promised: to those who would no longer share. */
    private long owed;

    private final SharedFrames shared = new SharedFrames(this);
    private final List<LongConsumer> freeListeners = new ArrayList<>();

    /**
     * @param offset first byte of the range to hand out, page aligned
     * @param lengthBytes whole pages
     */
    public FramePool(long offset, long lengthBytes, HostPages hostPages) {
        if (offset < 0
                || lengthBytes < 0
                || offset + lengthBytes > Ram.sizeBytes()
                || ((offset | lengthBytes) & Ram.PAGE_OFFSET) != 0) {
            throw new IllegalArgumentException(
                    "no range of the pool: offset %#x, %#x bytes".formatted(offset, lengthBytes));
        }
        this.firstFrame = Math.toIntExact(offset >>> Ram.PAGE_SHIFT);
        this.limitFrame = Math.toIntExact(offset + lengthBytes >>> Ram.PAGE_SHIFT);
        this.hostPages = hostPages;
        this.nextUnused = firstFrame;
        this.references = new int[(limitFrame - firstFrame + CHUNK - 1) >>> CHUNK_SHIFT][];
    }

    /** A pool of all host memory there is. */
    public static FramePool ofAllMemory(HostPages hostPages) {
        return new FramePool(0, Ram.sizeBytes() & Ram.PAGE_MASK, hostPages);
    }

    /**
     * Who must know that a frame's content is gone, such as a cache of decoded code. Called with
     * the host base, under the pool's lock, before the frame can be handed out again.
     */
    public synchronized void onFree(LongConsumer listener) {
        freeListeners.add(listener);
    }

    /** The listener is told no more. */
    public synchronized void removeOnFree(LongConsumer listener) {
        freeListeners.remove(listener);
    }

    /**
     * A zero-filled frame with one reference.
     *
     * @return its byte offset, or {@link MachineMemory#NO_FRAME} when the pool is used up
     */
    public synchronized long allocate() {
        return free() > (owed == 0 ? 0 : owed + SPARE) ? take() : MachineMemory.NO_FRAME;
    }

    private long take() {
        if (cleanCount == 0 && nextUnused == limitFrame) {
            releaseBatch();
        }
        int frame;
        if (cleanCount > 0) {
            frame = clean[--cleanCount];
        } else if (nextUnused < limitFrame) {
            frame = nextUnused++;
        } else {
            return MachineMemory.NO_FRAME;
        }
        int index = frame - firstFrame;
        if (references[index >>> CHUNK_SHIFT] == null) {
            references[index >>> CHUNK_SHIFT] = new int[CHUNK];
        }
        references[index >>> CHUNK_SHIFT][index & CHUNK - 1] = 1;
        return (long) frame << Ram.PAGE_SHIFT;
    }

    /**
     * Promises a frame, against one that its owner is about to give back.
     *
     * @return false when too few are free
     */
    synchronized boolean owe() {
        if (free() <= owed + SPARE) {
            return false;
        }
        owed++;
        return true;
    }

    /** A promise is needed no more. */
    synchronized void forgive() {
        owed--;
    }

    /** A frame as {@link #allocate} gives it, but also one of those that are promised. */
    synchronized long allocatePromised() {
        return take();
    }

    /** Takes one more reference to a frame in use. */
    public synchronized void acquire(long hostBase) {
        int index = usedIndex(hostBase);
        references[index >>> CHUNK_SHIFT][index & CHUNK - 1]++;
    }

    /** Who holds the frame, 1 when nobody but the domain does. */
    synchronized int references(long hostBase) {
        int index = usedIndex(hostBase);
        return references[index >>> CHUNK_SHIFT][index & CHUNK - 1];
    }

    /**
     * Gives what is behind frames in use back to the host: they hold nothing but zeroes, and still
     * do afterwards.
     */
    void discard(long hostBase, long lengthBytes) {
        hostPages.release(hostBase, lengthBytes);
    }

    /** The frames that several domains have in common. */
    public SharedFrames shared() {
        return shared;
    }

    /** Drops a reference; with the last one the frame is free. */
    public synchronized void release(long hostBase) {
        int index = usedIndex(hostBase);
        if (--references[index >>> CHUNK_SHIFT][index & CHUNK - 1] > 0) {
            return;
        }
        for (LongConsumer listener : freeListeners) {
            listener.accept(hostBase);
        }
        dirty[dirtyCount++] = index + firstFrame;
        if (dirtyCount == BATCH) {
            releaseBatch();
        }
    }

    /** Gives back to the host what has been freed but waits for a full batch. */
    public synchronized void trim() {
        releaseBatch();
    }

    /** Frames that can be handed out. */
    public synchronized long freeFrames() {
        return Math.max(0, free() - (owed == 0 ? 0 : owed + SPARE));
    }

    private long free() {
        return (long) cleanCount + dirtyCount + (limitFrame - nextUnused);
    }

    private int usedIndex(long hostBase) {
        int index = (int) (hostBase >>> Ram.PAGE_SHIFT) - firstFrame;
        int[] chunk =
                index < 0 || index >= limitFrame - firstFrame
                        ? null
                        : references[index >>> CHUNK_SHIFT];
        if (chunk == null || chunk[index & CHUNK - 1] == 0) {
            throw new IllegalStateException("host frame %#x is not in use".formatted(hostBase));
        }
        return index;
    }

    private void releaseBatch() {
        Arrays.sort(dirty, 0, dirtyCount);
        for (int from = 0; from < dirtyCount; ) {
            int to = from + 1;
            while (to < dirtyCount && dirty[to] == dirty[to - 1] + 1) {
                to++;
            }
            hostPages.release(
                    (long) dirty[from] << Ram.PAGE_SHIFT, (long) (to - from) << Ram.PAGE_SHIFT);
            from = to;
        }
        if (cleanCount + dirtyCount > clean.length) {
            clean = Arrays.copyOf(clean, Math.max(clean.length * 2, cleanCount + dirtyCount));
        }
        // Highest on top of the stack last: the lowest is handed out first, so runs repeat.
        for (int i = dirtyCount - 1; i >= 0; i--) {
            clean[cleanCount++] = dirty[i];
        }
        dirtyCount = 0;
    }
}

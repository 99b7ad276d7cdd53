package org.xenolith.pv.ring;

import org.xenolith.pv.host.GrantedFrame;
import org.xenolith.pv.host.RingListener;
import org.xenolith.pv.host.WatchedRing;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;
import java.util.List;

/**
 * The backend's side of a ring of requests and responses, {@code struct *_back_ring} of
 * public/io/ring.h, over one or several granted pages.
 *
 * <p>What we consumed and produced is counted here; of the shared indices only the frontend's are
 * read, each once per call, and checked against ours. A slot is copied out as a whole before anyone
 * looks at it. Not thread-safe, and only for threads that may touch the domain's memory.
 */
public final class SharedRing implements WatchedRing, AutoCloseable {
    /** Offsets in the first page; slots follow the header. */
    public static final int REQ_PROD = 0, REQ_EVENT = 4, RSP_PROD = 8, RSP_EVENT = 12, SLOTS = 64;

    private final String name;
    private final GrantedFrame[] frames;
    private final MemorySegment[] pages;
    private final MemorySegment header;
    private final int slotBytes;
    private final int size;
    private final RingListener listener;

    /** Requests taken, responses put, and responses that the frontend can see. */
    private int reqCons, rspProd, rspPublished;

    /** Requests that the listener has heard of. */
    private int reqHeard;

    /**
     * Attaches to a ring that a frontend has initialised.
     *
     * @param name what the ring is called in reports
     * @param frames its pages, writable; they belong to the ring from now on
     * @param slotBytes size of the larger of request and response
     * @throws RingCorrupt when the frontend's indices cannot be true
     */
    public SharedRing(String name, List<GrantedFrame> frames, int slotBytes) {
        this(name, frames, slotBytes, RingListener.NONE);
    }

    /**
     * As {@link #SharedRing(String, List, int)}.
     *
     * @param listener hears of the ring from now on
     */
    public SharedRing(
            String name, List<GrantedFrame> frames, int slotBytes, RingListener listener) {
        this.name = name;
        this.listener = listener;
        this.frames = frames.toArray(GrantedFrame[]::new);
        this.pages = frames.stream().map(GrantedFrame::memory).toArray(MemorySegment[]::new);
        this.header = pages[0];
        this.slotBytes = slotBytes;
        this.size = slots(frames.size(), slotBytes);
        // A frontend that kept its ring over the loss of an earlier backend goes on where it was.
        rspProd = RingIndices.getAcquire(header, RSP_PROD);
        reqCons = rspProd;
        rspPublished = rspProd;
        reqHeard = rspProd;
        pending();
        listener.opened(this);
    }

    /** Slots of a ring: as many as fit after the header, rounded down to a power of two. */
    public static int slots(int pages, int slotBytes) {
        return Integer.highestOneBit((pages * GrantedFrame.SIZE - SLOTS) / slotBytes);
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public Indices indices() {
        return new Indices(
                RingIndices.getAcquire(header, REQ_PROD),
                reqCons,
                rspPublished,
                RingIndices.getAcquire(header, REQ_EVENT),
                RingIndices.getAcquire(header, RSP_EVENT));
    }

    @Override
    public int size() {
        return size;
    }

    /**
     * Requests that were published and not taken yet.
     *
     * @throws RingCorrupt when the frontend published more than there is room for, or took back
     *     what it had published
     */
    public int pending() {
        int reqProd = RingIndices.getAcquire(header, REQ_PROD);
        // An unanswered request keeps its slot, so that the limit counts from the responses.
        RingIndices.pending(name, reqProd, rspProd, size);
        int pending = RingIndices.pending(name, reqProd, reqCons, size);
        if (reqProd != reqHeard) {
            int before = reqHeard;
            reqHeard = reqProd;
            listener.pushed(this, true, reqProd - before);
        }
        return pending;
    }

    /**
     * Whether so many requests wait. If not, the frontend is asked for an event with the next one
     * that it publishes.
     *
     * @throws RingCorrupt as {@link #pending}
     */
    public boolean has(int requests) {
        int before = pending();
        while (before < requests) {
            RingIndices.setRelease(header, REQ_EVENT, reqCons + before + 1);
            // The frontend publishes, then reads the event index; we do it the other way round.
            VarHandle.fullFence();
            int now = pending();
            if (now == before) {
                return false;
            }
            before = now;
        }
        return true;
    }

    /**
     * Copies the next request, which {@link #pending} has announced, and takes it.
     *
     * @param into at least a slot large
     */
    public void take(MemorySegment into) {
        copy(reqCons, into, 0, slotBytes, true);
        reqCons++;
    }

    /**
     * Puts the next response into the slot that is its turn; there is one for each request taken.
     *
     * @param from what is copied as a whole
     */
    public void respond(MemorySegment from) {
        if (rspProd == reqCons) {
            throw new IllegalStateException(name + ": a response without a request");
        }
        copy(rspProd, from, 0, (int) from.byteSize(), false);
        rspProd++;
    }

    /** Copies between a slot and a buffer; a slot may lie across two pages. */
    private void copy(int index, MemorySegment buffer, int at, int length, boolean out) {
        int offset = SLOTS + (index & size - 1) * slotBytes + at;
        int inPage = offset % GrantedFrame.SIZE;
        int straight = Math.min(length - at, GrantedFrame.SIZE - inPage);
        MemorySegment page = pages[offset / GrantedFrame.SIZE];
        if (out) {
            MemorySegment.copy(page, inPage, buffer, at, straight);
        } else {
            MemorySegment.copy(buffer, at, page, inPage, straight);
        }
        if (at + straight < length) {
            copy(index, buffer, at + straight, length, out);
        }
    }

    /**
     * Publishes the responses put since the last call.
     *
     * @return whether the frontend wants to be notified
     */
    public boolean publish() {
        if (rspProd == rspPublished) {
            return false;
        }
        int old = rspPublished;
        rspPublished = rspProd;
        RingIndices.setRelease(header, RSP_PROD, rspProd);
        listener.pushed(this, false, rspProd - old);
        VarHandle.fullFence();
        return RingIndices.mustNotify(old, rspProd, RingIndices.getAcquire(header, RSP_EVENT));
    }

    /** Gives the pages back to the frontend. */
    @Override
    public void close() {
        listener.closed(this);
        for (GrantedFrame frame : frames) {
            frame.close();
        }
    }
}

package org.xenolith.pv.ring;

import org.xenolith.pv.host.GrantedFrame;
import org.xenolith.pv.host.RingListener;
import org.xenolith.pv.host.WatchedRing;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.List;
import java.util.function.Supplier;

/**
 * The backend's side of two byte streams over many granted pages: {@code
 * DEFINE_XEN_FLEX_RING_AND_INTF} of public/io/ring.h. The first half of the pages is <i>in</i>,
 * what the frontend reads; the second is <i>out</i>, what it writes. The indices are in a page of
 * their own, the interface.
 *
 * <p>What we consumed and produced is counted here; of the shared indices only the frontend's are
 * read, each once per call, and checked against ours. Not thread-safe, and only for threads that
 * may touch the domain's memory.
 */
public final class FlexRing implements AutoCloseable {
    /** Offsets in the interface page. */
    public static final int IN_CONS = 0, IN_PROD = 4, OUT_CONS = 64, OUT_PROD = 68;

    /** Offsets of how many pages there are, and of their grants. */
    public static final int RING_ORDER = 128, REF = 132;

    private static final ValueLayout.OfInt INT =
            ValueLayout.JAVA_INT.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final String name;
    private final GrantedFrame interfaceFrame;
    private final MemorySegment indices;
    private final GrantedFrame[] frames;
    private final MemorySegment[] pages;
    private final int size;

    private final RingListener listener;
    private final List<WatchedRing> streams =
            List.of(new Stream("in", this::inIndices), new Stream("out", this::outIndices));

    private int outCons, inProd;

    /**
     * Attaches to a ring that a frontend has initialised.
     *
     * @param name what the ring is called in reports
     * @param interfaceFrame writable; it belongs to the ring from now on, as the others do
     * @param frames of both streams, a power of two of them
     * @param listener hears of both from now on
     * @throws RingCorrupt when the frontend's indices cannot be true
     */
    public FlexRing(
            String name,
            GrantedFrame interfaceFrame,
            List<GrantedFrame> frames,
            RingListener listener) {
        this.name = name;
        this.listener = listener;
        this.interfaceFrame = interfaceFrame;
        this.indices = interfaceFrame.memory();
        this.frames = frames.toArray(GrantedFrame[]::new);
        this.pages = frames.stream().map(GrantedFrame::memory).toArray(MemorySegment[]::new);
        this.size = frames.size() * GrantedFrame.SIZE / 2;
        // A frontend that kept its ring over the loss of an earlier backend goes on where it was.
        outCons = RingIndices.getAcquire(indices, OUT_CONS);
        inProd = RingIndices.getAcquire(indices, IN_PROD);
        pending();
        room();
        streams.forEach(listener::opened);
    }

    /** Bytes of each stream over {@code 1 << order} pages. */
    public static int sizeBytes(int order) {
        return GrantedFrame.SIZE / 2 << order;
    }

    /** What the frontend says of the number of pages; any value. */
    public static int order(GrantedFrame interfaceFrame) {
        return interfaceFrame.memory().get(INT, RING_ORDER);
    }

    /** The grant of a page as the frontend names it; any value. */
    public static int ref(GrantedFrame interfaceFrame, int page) {
        return interfaceFrame.memory().get(INT, REF + (long) page * Integer.BYTES);
    }

    public String name() {
        return name;
    }

    /** Bytes of each stream. */
    public int size() {
        return size;
    }

    /** One of the two, for who watches. */
    private final class Stream implements WatchedRing {
        private final String direction;
        private final Supplier<Indices> at;

        Stream(String direction, Supplier<Indices> at) {
            this.direction = direction;
            this.at = at;
        }

        @Override
        public String name() {
            return name + " " + direction;
        }

        @Override
        public int size() {
            return size;
        }

        @Override
        public boolean isStream() {
            return true;
        }

        @Override
        public Indices indices() {
            return at.get();
        }
    }

    private WatchedRing.Indices inIndices() {
        int inCons = RingIndices.getAcquire(indices, IN_CONS);
        return new WatchedRing.Indices(inProd, inCons, 0, 0, 0);
    }

    private WatchedRing.Indices outIndices() {
        int outProd = RingIndices.getAcquire(indices, OUT_PROD);
        return new WatchedRing.Indices(outProd, outCons, 0, 0, 0);
    }

    /**
     * Bytes that the frontend has written and nobody has taken.
     *
     * @throws RingCorrupt when there cannot be so many
     */
    public int pending() {
        return RingIndices.pending(name, RingIndices.getAcquire(indices, OUT_PROD), outCons, size);
    }

    /**
     * Copies the next bytes and leaves them where they are.
     *
     * @param length {@link #pending} at most
     */
    public void peek(MemorySegment into, int length) {
        copy(size + (outCons & size - 1), size, into, length, true);
    }

    /**
     * Copies the next bytes and gives their place back.
     *
     * @param length as for {@link #peek}
     * @return bytes that were in the ring just before they were gone
     */
    public int take(MemorySegment into, int length) {
        peek(into, length);
        int before = outCons;
        outCons += length;
        RingIndices.setRelease(indices, OUT_CONS, outCons);
        // The frontend writes, then looks for room; we do it the other way round.
        VarHandle.fullFence();
        return RingIndices.getAcquire(indices, OUT_PROD) - before;
    }

    /**
     * Bytes that can be put now.
     *
     * @throws RingCorrupt when the frontend took more than there was
     */
    public int room() {
        int inCons = RingIndices.getAcquire(indices, IN_CONS);
        return size - RingIndices.pending(name, inProd, inCons, size);
    }

    /**
     * Puts bytes for the frontend, which sees all of them or none.
     *
     * @param length {@link #room} at most
     */
    public void put(MemorySegment from, int length) {
        copy(inProd & size - 1, 0, from, length, false);
        inProd += length;
        RingIndices.setRelease(indices, IN_PROD, inProd);
    }

    /**
     * Between a stream and a buffer.
     *
     * @param offset where the bytes begin in both streams together
     * @param stream where their stream begins, to go on at from its end
     */
    private void copy(int offset, int stream, MemorySegment buffer, int length, boolean out) {
        int from = offset;
        for (int done = 0; done < length; ) {
            int inPage = from % GrantedFrame.SIZE;
            int straight = Math.min(length - done, GrantedFrame.SIZE - inPage);
            // Half of two pages and more are whole pages; a stream of half a page ends within one.
            straight = Math.min(straight, stream + size - from);
            MemorySegment page = pages[from / GrantedFrame.SIZE];
            if (out) {
                MemorySegment.copy(page, inPage, buffer, done, straight);
            } else {
                MemorySegment.copy(buffer, done, page, inPage, straight);
            }
            done += straight;
            from += straight;
            if (from == stream + size) {
                from = stream;
            }
        }
    }

    /** Gives the pages back to the frontend. */
    @Override
    public void close() {
        streams.forEach(listener::closed);
        for (GrantedFrame frame : frames) {
            frame.close();
        }
        interfaceFrame.close();
    }
}

package org.xenolith.core.xenstore;

import org.xenolith.pv.ring.ByteRing;
import org.xenolith.pv.ring.RingCorrupt;
import org.xenolith.pv.ring.RingIndices;

import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Optional;
import java.util.function.BooleanSupplier;

/**
 * A guest's xenstore page, {@code struct xenstore_domain_interface} of public/io/xs_wire.h: carries
 * bytes between the page and the connection. Positions live in the page alone. Only a thread that
 * may touch the domain's memory calls {@link #service}.
 */
public final class XenstoreRing {
    /** Bytes of the shared page that the structure takes. */
    public static final int SIZE = 2076;

    /** {@code XENSTORE_RING_SIZE}, of either direction. */
    static final int RING_SIZE = 1024;

    static final int REQ = 0;
    static final int RSP = 1024;
    static final int REQ_CONS = 2048;
    static final int REQ_PROD = 2052;
    static final int RSP_CONS = 2056;
    static final int RSP_PROD = 2060;
    static final int SERVER_FEATURES = 2064;
    static final int CONNECTION = 2068;
    static final int ERROR = 2072;

    /** {@code XENSTORE_SERVER_FEATURE_ERROR}: the error field is filled in. */
    static final int SERVER_FEATURE_ERROR = 2;

    /** {@code XENSTORE_CONNECTED}. */
    static final int CONNECTED = 0;

    /** Rounds a call makes at most: a guest that asks without end must not hold its server. */
    static final int ROUNDS_PER_SERVICE = 16;

    private final MemorySegment page;
    private final ByteRing requests;
    private final ByteRing responses;
    private final XenstoreConnection connection;
    private final byte[] buffer = new byte[RING_SIZE];
    private String breakdown;
    private boolean serving;

    /**
     * Says in the page what this server can do, and leaves the indices alone: a restored guest goes
     * on where it was.
     */
    public XenstoreRing(MemorySegment page, XenstoreConnection connection) {
        this.page = page;
        this.connection = connection;
        requests = new ByteRing("xenstore requests", page, REQ, RING_SIZE, REQ_CONS, REQ_PROD);
        responses = new ByteRing("xenstore responses", page, RSP, RING_SIZE, RSP_CONS, RSP_PROD);
        RingIndices.setRelease(page, SERVER_FEATURES, SERVER_FEATURE_ERROR);
        RingIndices.setRelease(page, CONNECTION, CONNECTED);
        RingIndices.setRelease(page, ERROR, XenstoreConnection.Failure.NONE.code());
    }

    /**
     * Performs the requests in the ring and puts replies and events into it, as far as there is
     * room. A call from within, by whoever hears of the changes, does nothing: the outer call goes
     * on until all is done.
     *
     * @return whether the guest must be notified
     */
    public boolean service() {
        return service(() -> false);
    }

    /**
     * As {@link #service()}, for a limited time.
     *
     * @param isTimeUp asked after each round, which is a ring's worth at most
     */
    public synchronized boolean service(BooleanSupplier isTimeUp) {
        if (breakdown != null || serving) {
            return false;
        }
        serving = true;
        try {
            return serve(isTimeUp);
        } finally {
            serving = false;
        }
    }

    private boolean serve(BooleanSupplier isTimeUp) {
        boolean moved = false;
        try {
            for (int round = 0; round < ROUNDS_PER_SERVICE; round++) {
                boolean sent = sendResponses();
                boolean taken = takeRequests();
                if (!sent && !taken) {
                    break;
                }
                moved = true;
                if (isTimeUp.getAsBoolean()) {
                    break;
                }
            }
        } catch (RingCorrupt corrupt) {
            connection.fail(XenstoreConnection.Failure.RINGIDX);
            breakdown = corrupt.getMessage();
        }
        XenstoreConnection.Failure failure = connection.failure();
        if (failure == XenstoreConnection.Failure.NONE) {
            return moved;
        }
        if (breakdown == null) {
            breakdown = "xenstore protocol violation: " + failure;
        }
        RingIndices.setRelease(page, ERROR, failure.code());
        return true;
    }

    /** Whether another call of {@link #service} would move anything now. */
    public synchronized boolean hasWork() {
        if (breakdown != null) {
            return false;
        }
        try {
            return connection.acceptsRequests() && requests.pending() > 0
                    || connection.hasOutput() && responses.room() > 0;
        } catch (RingCorrupt _) {
            // service() finds and reports the same.
            return true;
        }
    }

    /** Sets who hears of bytes that go through, null for nobody. */
    public void onMove(ByteRing.Listener listener) {
        requests.onMove(listener);
        responses.onMove(listener);
    }

    /** Where both sides of the two rings are. */
    public List<ByteRing.State> states() {
        return List.of(requests.state(), responses.state());
    }

    /** Why the guest is no longer served, as a sentence; empty while all is well. */
    public synchronized Optional<String> breakdown() {
        return Optional.ofNullable(breakdown);
    }

    private boolean takeRequests() {
        if (!connection.acceptsRequests()) {
            return false;
        }
        int count = requests.read(buffer, 0, buffer.length);
        connection.feed(buffer, 0, count);
        return count > 0;
    }

    private boolean sendResponses() {
        int room = responses.room();
        int count = room == 0 ? 0 : connection.fetch(buffer, 0, room);
        // Only a guest that takes back its own consumer index can make this write less than all.
        responses.write(buffer, 0, count);
        return count > 0;
    }
}

package org.xenolith.pv.host;

/**
 * Hears of the rings of a device. Called by whoever serves them, which it must not hold up; {@link
 * #closed} on any thread, the others on one that may touch the domain's memory.
 */
public interface RingListener {
    /** Hears nothing. */
    RingListener NONE =
            new RingListener() {
                @Override
                public void opened(WatchedRing ring) {}

                @Override
                public void closed(WatchedRing ring) {}

                @Override
                public void pushed(WatchedRing ring, boolean byFrontend, int slots) {}
            };

    /** A ring is in use from now on. */
    void opened(WatchedRing ring);

    /** It is none any more. */
    void closed(WatchedRing ring);

    /**
     * One side has published slots, or the other has just noticed.
     *
     * @param byFrontend whether requests were, or responses
     */
    void pushed(WatchedRing ring, boolean byFrontend, int slots);
}

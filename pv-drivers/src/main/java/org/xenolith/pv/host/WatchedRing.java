package org.xenolith.pv.host;

/** A ring in use, as somebody who watches sees it. */
public interface WatchedRing {
    /** What the ring is called among those of its device. */
    String name();

    /** Slots, or bytes of a {@linkplain #isStream stream}. */
    int size();

    /**
     * Whether it is a stream of bytes and not a ring of requests and responses: its producer and
     * consumer stand where those of the requests do, and nothing else counts.
     */
    default boolean isStream() {
        return false;
    }

    /** Where both sides are. Only on a thread that may touch the domain's memory. */
    Indices indices();

    /**
     * The indices, free-running and unsigned. What the frontend publishes is its word, unchecked.
     *
     * @param requestsProduced published by the frontend
     * @param requestsConsumed taken by the backend
     * @param responsesProduced published by the backend
     * @param requestEvent at which request the backend wants an event
     * @param responseEvent at which response the frontend wants an event
     */
    record Indices(
            int requestsProduced,
            int requestsConsumed,
            int responsesProduced,
            int requestEvent,
            int responseEvent) {}
}

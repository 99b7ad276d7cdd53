package org.xenolith.pv.host;

/** A ring of requests and responses in use, as somebody who watches sees it. */
public interface WatchedRing {
    /** What the ring is called among those of its device. */
    String name();

    /** Slots. */
    int size();

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

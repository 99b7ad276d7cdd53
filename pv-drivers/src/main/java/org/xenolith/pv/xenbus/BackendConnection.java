package org.xenolith.pv.xenbus;

import java.util.Map;

/** A device at work between a frontend and what is behind the backend. */
public interface BackendConnection {
    /** Keys that the frontend reads when the backend is Connected, written before. */
    Map<String, String> properties();

    /** Begins to serve. Called once, on a thread that may touch the domain's memory. */
    void start();

    /**
     * Ends it. Called on a thread that may touch the domain's memory, at most once.
     *
     * @param released is posted to the domain when nothing is in flight any more, and all grants
     *     and ports are given back
     */
    void disconnect(Runnable released);

    /**
     * Ends it so that another backend can go on with the frontend's rings, which hears nothing of
     * it: what was taken is answered first. Called as {@link #disconnect}.
     *
     * @param released as for {@link #disconnect}
     */
    void handOver(Runnable released);

    /**
     * Ends it without the frontend's domain, which has ended: its memory must not be touched any
     * more. May follow {@link #disconnect}.
     *
     * @param idle runs, on any thread, when nothing is in flight any more, and all grants and ports
     *     are given back
     */
    void abandon(Runnable idle);
}

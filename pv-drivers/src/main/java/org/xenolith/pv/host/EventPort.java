package org.xenolith.pv.host;

/** A backend's end of an event channel. */
public interface EventPort extends AutoCloseable {
    /**
     * Raises the event in the frontend; nothing when the frontend closed its end. Only on a thread
     * that may touch the domain's memory.
     */
    void notifyFrontend();

    /** Gives the port back: it is the frontend's to close or to offer again. Any thread. */
    @Override
    void close();
}

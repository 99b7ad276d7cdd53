package org.xenolith.core.lab;

/** A backend of a disk: lab 7. One object serves one frontend. */
@FunctionalInterface
public interface BlockBackend {
    /**
     * The frontend has sent an event: there may be requests in the ring, one or many or none.
     *
     * @param ring as {@link Blkif} describes it; the same page at each call
     */
    void notified(RingPage ring, BackendHost host);
}

package org.xenolith.pv.host;

/**
 * The domain that a frontend runs in. Its memory may be touched by one kind of thread only, the one
 * that holds one of its vCPUs; {@link #post} gets there. Two vCPUs are two such threads: what is
 * posted may run side by side. When the domain has ended and its vCPUs run no more, nobody touches
 * its memory; frames and ports may still be closed then, by any thread.
 */
public interface FrontendDomain {
    /** Number of the domain. */
    int id();

    /**
     * Begins to use a grant that the domain gave to the backends' domain. Only on a thread that may
     * touch the domain's memory.
     *
     * @param ref as the frontend named it, any value
     * @param writable whether the frame will be written
     * @return the frame, or null when the domain granted no such thing
     */
    GrantedFrame grant(int ref, boolean writable);

    /**
     * Connects to an event channel that the domain offered to the backends' domain.
     *
     * @param port as the frontend named it, any value
     * @param onEvent runs when the frontend notifies, on a thread that may touch the domain's
     *     memory
     * @return our end, or null when the domain offers no such port
     */
    EventPort bind(int port, Runnable onEvent);

    /**
     * Runs work, soon and once, on a thread that may touch the domain's memory; never when the
     * domain has ended. Any thread.
     */
    void post(Runnable work);

    /**
     * Who watches the rings of a device.
     *
     * @param device as in reports
     */
    default RingListener rings(String device) {
        return RingListener.NONE;
    }
}

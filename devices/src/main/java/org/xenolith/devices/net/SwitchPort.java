package org.xenolith.devices.net;

/** A port of the switch, as the endpoint in it sees it. Thread-safe. */
public interface SwitchPort extends AutoCloseable {
    /**
     * Hands a frame to the switch.
     *
     * @return true when the frame, with its reference, is the switch's now; false when the way is
     *     full: the frame stays the caller's, which tries again after {@link
     *     NetworkEndpoint#writable}
     */
    boolean send(EthernetFrame frame);

    /** The endpoint has room again, after {@link NetworkEndpoint#deliver} had refused a frame. */
    void resume();

    /** Unplugs the endpoint; frames that wait for it are dropped. */
    @Override
    void close();
}

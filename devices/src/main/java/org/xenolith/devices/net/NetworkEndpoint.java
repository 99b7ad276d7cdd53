package org.xenolith.devices.net;

/**
 * What is plugged into a port of the switch: a guest's interface, the NAT, a tunnel, a capture.
 * Frames for it arrive through {@link #deliver}; frames of its own go to its {@link SwitchPort}.
 */
public interface NetworkEndpoint {
    /**
     * Takes a frame from the switch. Called on the switch's thread; never blocks.
     *
     * @return true when the frame, with its reference, is the endpoint's now; false when there is
     *     no room: the switch keeps the frame and tries again after {@link SwitchPort#resume}
     */
    boolean deliver(EthernetFrame frame);

    /**
     * Whether a broadcast is a question that nobody but this endpoint would answer: then nobody
     * else gets it. Called on the switch's thread, with the frame still its sender's.
     */
    default boolean isMeantAlone(EthernetFrame broadcast) {
        return false;
    }

    /**
     * The switch has room again, after {@link SwitchPort#send} had refused a frame. Called on any
     * thread; never blocks.
     */
    void writable();
}

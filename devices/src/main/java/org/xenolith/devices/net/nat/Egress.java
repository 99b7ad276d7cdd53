package org.xenolith.devices.net.nat;

import org.xenolith.devices.net.EthernetFrame;
import org.xenolith.devices.net.SwitchPort;

import java.util.ArrayDeque;

/**
 * The way from the NAT into the switch. Frames that the switch refuses wait here, a bounded number;
 * who has much to send asks {@link #blocked} first and waits too. Beyond the bound frames are
 * dropped, as any network may: whatever goes this way is sent again when it is missed.
 */
final class Egress {
    static final int MAX_WAITING = 1024;

    private final ArrayDeque<EthernetFrame> waiting = new ArrayDeque<>();
    private SwitchPort port; // null before the NAT is plugged in, and after

    void plugInto(SwitchPort port) {
        this.port = port;
    }

    /** Sends the frame or keeps it; its reference passes. */
    void send(EthernetFrame frame) {
        if (port == null || waiting.size() == MAX_WAITING) {
            frame.release();
        } else if (!waiting.isEmpty() || !port.send(frame)) {
            waiting.add(frame);
        }
    }

    boolean blocked() {
        return !waiting.isEmpty();
    }

    /** Whether so much waits that what nobody can hold back, as datagrams are, is dropped. */
    boolean crowded() {
        return waiting.size() >= MAX_WAITING / 2;
    }

    /** The switch has room: sends what waits, as far as it goes. */
    void flush() {
        while (!waiting.isEmpty() && port.send(waiting.element())) {
            waiting.remove();
        }
    }

    void close() {
        port = null;
        waiting.forEach(EthernetFrame::release);
        waiting.clear();
    }
}

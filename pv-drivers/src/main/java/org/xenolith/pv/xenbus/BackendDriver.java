package org.xenolith.pv.xenbus;

import java.util.Map;

/** What one kind of device adds to the handshake. One driver serves one device. */
public interface BackendDriver {
    /** Keys that tell the frontend what it may ask for, written before InitWait. */
    Map<String, String> offer();

    /**
     * Connects as the frontend's keys say. Called on a thread that may touch the domain's memory,
     * and not again before the last connection is released.
     *
     * @throws FrontendRefused when the keys make no sense; nothing is held then
     */
    BackendConnection connect(ConnectRequest request) throws FrontendRefused;
}

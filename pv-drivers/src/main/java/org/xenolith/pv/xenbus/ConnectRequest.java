package org.xenolith.pv.xenbus;

import org.xenolith.pv.host.FrontendDomain;

/**
 * What a driver connects with.
 *
 * @param device whose frontend asks
 * @param domain of the frontend
 * @param keys of the frontend's directory
 * @param reports what the driver has to tell
 */
public record ConnectRequest(
        XenbusDevice device, FrontendDomain domain, FrontendKeys keys, Reports reports) {
    /** Ways to speak up. Any thread, any locks held. */
    public interface Reports {
        /** The connection cannot go on: the device closes, and nothing else does. */
        void fail(String why);

        /** Tells whoever runs the host; lines may be left out when there are many. */
        void say(String line);
    }
}

package org.xenolith.devices.net;

/**
 * What went through a port since it was connected, seen from the endpoint in it.
 *
 * @param sentFrames frames that the endpoint handed to the switch and the switch passed on
 * @param sentDropped frames of the endpoint that went nowhere: malformed, from an address that is
 *     not the port's, or lost on a way that was set to lose
 * @param receivedFrames frames that the endpoint took
 * @param receivedDropped frames for the endpoint that found no room, or were lost likewise
 */
public record PortStatistics(
        String name,
        long sentFrames,
        long sentBytes,
        long sentDropped,
        long receivedFrames,
        long receivedBytes,
        long receivedDropped) {}

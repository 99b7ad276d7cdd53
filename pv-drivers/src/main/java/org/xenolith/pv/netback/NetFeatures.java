package org.xenolith.pv.netback;

/**
 * What a network backend offers.
 *
 * @param maxQueues pairs of rings that the frontend may have, at least 1
 */
public record NetFeatures(int maxQueues) {
    /** What suits a domain with so many vCPUs. */
    public static NetFeatures forVcpus(int vcpus) {
        return new NetFeatures(Math.clamp(vcpus, 1, 4));
    }

    public NetFeatures {
        if (maxQueues < 1) {
            throw new IllegalArgumentException("an interface without queues");
        }
    }
}

package org.xenolith.pv.blkback;

/**
 * What a block backend offers.
 *
 * @param maxQueues rings that the frontend may have, at least 1
 * @param maxRingPageOrder binary logarithm of the pages of a ring, 0 to 4
 * @param maxIndirectSegments segments of an indirect request, 12 to 256
 * @param persistentGrants whether the frontend may keep grants, and copy
 * @param discard whether a writable disk takes discards
 * @param cdrom whether the guest is told that this is one
 */
public record BlockFeatures(
        int maxQueues,
        int maxRingPageOrder,
        int maxIndirectSegments,
        boolean persistentGrants,
        boolean discard,
        boolean cdrom) {
    static final int LARGEST_RING_PAGE_ORDER = 4;
    static final int LARGEST_INDIRECT = 256;

    /** What Linux's backend offers, for a domain with so many vCPUs. */
    public static BlockFeatures forVcpus(int vcpus) {
        return new BlockFeatures(
                Math.clamp(vcpus, 1, 4),
                LARGEST_RING_PAGE_ORDER,
                LARGEST_INDIRECT,
                false,
                true,
                false);
    }

    public BlockFeatures {
        if (maxQueues < 1
                || maxRingPageOrder < 0
                || maxRingPageOrder > LARGEST_RING_PAGE_ORDER
                || maxIndirectSegments <= Blkif.MAX_SEGMENTS_PER_REQUEST
                || maxIndirectSegments > LARGEST_INDIRECT) {
            throw new IllegalArgumentException("no such block backend");
        }
    }

    public BlockFeatures asCdrom() {
        return new BlockFeatures(
                maxQueues, maxRingPageOrder, maxIndirectSegments, persistentGrants, discard, true);
    }

    public BlockFeatures withPersistentGrants(boolean on) {
        return new BlockFeatures(
                maxQueues, maxRingPageOrder, maxIndirectSegments, on, discard, cdrom);
    }
}

package org.xenolith.core.mm;

import java.util.List;

/**
 * A domain's frames as plain data, without their content. Types, counts and links of page tables
 * are not in it: they follow from what is pinned and loaded, and are counted anew by the code that
 * checks a guest's own requests.
 *
 * @param maximumPages guest frames the domain may have at most
 * @param limitPages what the host let it have when it was saved
 * @param xenFrames frames that the hypervisor shares with the guest, from {@link
 *     FrameTable#XEN_BASE} on
 * @param nextRam first MFN of guest RAM that was never given
 * @param freeRam MFNs given back, in the order in which they will be given again, last first
 * @param frames of guest RAM
 */
public record SavedFrames(
        long maximumPages,
        long limitPages,
        int xenFrames,
        long nextRam,
        long[] freeRam,
        List<Frame> frames) {
    /**
     * @param pfn the guest's number, from the machine-to-physical array
     * @param allocated part of the reservation; else only mappings keep it
     * @param pinnedAs level of the pinned page table, {@link FrameType#NONE} for none
     */
    public record Frame(long mfn, long pfn, boolean allocated, int pinnedAs) {}
}

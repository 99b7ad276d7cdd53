package org.xenolith.core.mm;

import java.util.ArrayList;
import java.util.List;

/**
 * A domain's frames as plain data, without their content. Types, counts and links of page tables
 * are not in it: they follow from what is pinned and loaded, and are counted anew by the code that
 * checks a guest's own requests.
 *
 * <p>Locking: the record never changes. Its methods take {@link FrameTable#lock} of the table that
 * they are given, whose domain stands still.
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
    public record Frame(long mfn, long pfn, boolean allocated, int pinnedAs) {
        private static Frame of(FrameTable table, long mfn) {
            return new Frame(
                    mfn,
                    table.machineToPhysical().pfn(mfn),
                    table.has(mfn, FrameInfo.ALLOCATED),
                    table.isPinned(mfn) ? table.type(mfn) : FrameType.NONE);
        }
    }

    /** What a copy of a table needs, but for the content of frames. */
    public static SavedFrames of(FrameTable table) {
        table.lock.lock();
        try {
            MemoryReservation reservation = table.reservation();
            long nextRam = reservation.mfns().next();
            List<Frame> frames = new ArrayList<>();
            for (long mfn = FrameTable.RAM_BASE; mfn < nextRam; mfn++) {
                if (table.exists(mfn)) {
                    frames.add(Frame.of(table, mfn));
                }
            }
            return new SavedFrames(
                    reservation.maximumPages(),
                    reservation.limitPages(),
                    table.xenFrames().count(),
                    nextRam,
                    reservation.mfns().free(),
                    List.copyOf(frames));
        } finally {
            table.lock.unlock();
        }
    }

    /**
     * Gives a table without RAM these frames at the same numbers, all zero. Each has one reference;
     * those that are not allocated lose it by {@link #dropUnallocated} when whatever keeps them has
     * taken its own.
     *
     * @throws FrameTable.OutOfMemory when the pool is used up; the table is good for nothing but to
     *     be released
     */
    public void restoreInto(FrameTable table) throws FrameTable.OutOfMemory {
        table.lock.lock();
        try {
            MemoryReservation reservation = table.reservation();
            if (reservation.currentPages() != 0 || maximumPages != reservation.maximumPages()) {
                throw new IllegalStateException("frames restored into a table in use");
            }
            while (table.xenFrames().count() < xenFrames) {
                table.xenFrames().add();
            }
            reservation.restore(this);
        } finally {
            table.lock.unlock();
        }
    }

    /** Ends a restore: frames that only mappings keep are left to those. */
    public void dropUnallocated(FrameTable table) {
        table.lock.lock();
        try {
            for (Frame frame : frames) {
                if (!frame.allocated()) {
                    table.put(frame.mfn(), TlbShootdown.NONE);
                }
            }
        } finally {
            table.lock.unlock();
        }
    }
}

package org.xenolith.core.snapshot;

import org.xenolith.core.mm.FrameTable;
import org.xenolith.core.mm.FrameType;
import org.xenolith.core.mm.SavedFrames;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** {@link SavedFrames} in a file. */
final class FramesSection {
    private static final int MAX_XEN_FRAMES = (int) (FrameTable.M2P_BASE - FrameTable.XEN_BASE);
    private static final int ALLOCATED = 1;
    private static final int PIN_SHIFT = 1;

    private FramesSection() {}

    static Fields toFields(SavedFrames saved) {
        Fields out = new Fields().i64(saved.limitPages()).i32(saved.xenFrames());
        out.i64(saved.nextRam()).i64s(saved.freeRam());
        out.i32(saved.frames().size());
        for (SavedFrames.Frame frame : saved.frames()) {
            int flags = (frame.allocated() ? ALLOCATED : 0) | frame.pinnedAs() << PIN_SHIFT;
            out.i64(frame.mfn()).i64(frame.pfn()).u8(flags);
        }
        return out;
    }

    /**
     * @throws SnapshotException unless each number below the first unused one is a frame or free,
     *     once
     */
    static SavedFrames from(FieldReader in, long maximumPages) throws SnapshotException {
        long limitPages = in.i64();
        in.require(limitPages >= 0 && limitPages <= maximumPages, "the memory limit");
        int xenFrames = in.i32(1, MAX_XEN_FRAMES + 1, "the hypervisor's frames");
        long nextRam = in.i64();
        long limit = FrameTable.RAM_BASE + maximumPages;
        in.require(nextRam >= FrameTable.RAM_BASE && nextRam <= limit, "the frames");
        Set<Long> seen = new HashSet<>();
        long[] free = in.i64s();
        for (long mfn : free) {
            in.require(isNew(mfn, nextRam, seen), "a free frame");
        }
        int count = in.i32(0, (int) maximumPages + 1, "the frames");
        List<SavedFrames.Frame> frames = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            long mfn = in.i64();
            long pfn = in.i64();
            int flags = in.u8();
            int pinnedAs = flags >> PIN_SHIFT;
            in.require(isNew(mfn, nextRam, seen), "a frame");
            in.require(pinnedAs <= FrameType.L4_TABLE, "a pin");
            frames.add(new SavedFrames.Frame(mfn, pfn, (flags & ALLOCATED) != 0, pinnedAs));
        }
        in.require(seen.size() == nextRam - FrameTable.RAM_BASE, "the frames");
        in.end();
        return new SavedFrames(maximumPages, limitPages, xenFrames, nextRam, free, frames);
    }

    private static boolean isNew(long mfn, long nextRam, Set<Long> seen) {
        return mfn >= FrameTable.RAM_BASE && mfn < nextRam && seen.add(mfn);
    }
}

package org.xenolith.core.watch;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;

import org.xenolith.core.abi.AddressSpace;
import org.xenolith.core.mm.FrameTable;
import org.xenolith.core.mm.FrameType;
import org.xenolith.cpu.mmu.MachineMemory;

/** What a domain's frames are used as: how many of each type, and where they lie. */
public final class PageTypesReport {
    private static final int TYPES = FrameType.WRITABLE + 1;

    private final FrameTable frames;

    public PageTypesReport(FrameTable frames) {
        this.frames = frames;
    }

    private boolean exists(long mfn) {
        return frames.frame(mfn) != MachineMemory.NO_FRAME;
    }

    /** The type now: a frame that nobody uses has none, whatever it was last. */
    private int type(long mfn) {
        return frames.typeCount(mfn) == 0 ? FrameType.NONE : frames.type(mfn);
    }

    /** For each type: frames, uses counted, frames pinned. */
    public JsonArray totals() {
        long[] count = new long[TYPES];
        long[] uses = new long[TYPES];
        long[] pinned = new long[TYPES];
        for (long mfn = FrameTable.RAM_BASE; mfn < frames.limitMfn(); mfn++) {
            if (exists(mfn)) {
                int type = type(mfn);
                count[type]++;
                uses[type] += frames.typeCount(mfn);
                pinned[type] += frames.isPinned(mfn) ? 1 : 0;
            }
        }
        JsonArray totals = new JsonArray();
        for (int type = 0; type < TYPES; type++) {
            JsonObject row = new JsonObject();
            row.addProperty("type", FrameType.name(type));
            row.addProperty("frames", count[type]);
            row.addProperty("uses", uses[type]);
            row.addProperty("pinned", pinned[type]);
            totals.add(row);
        }
        return totals;
    }

    /**
     * Runs of frames that follow each other and are used alike.
     *
     * @param from the first frame to look at
     * @param limit runs at most
     */
    public JsonArray map(long from, int limit) {
        JsonArray runs = new JsonArray();
        long mfn = Math.max(from, FrameTable.RAM_BASE);
        while (mfn < frames.limitMfn() && runs.size() < limit) {
            if (!exists(mfn)) {
                mfn++;
                continue;
            }
            long end = mfn + 1;
            while (end < frames.limitMfn() && isAlike(mfn, end)) {
                end++;
            }
            runs.add(run(mfn, end - mfn));
            mfn = end;
        }
        return runs;
    }

    private boolean isAlike(long one, long other) {
        return exists(other)
                && type(one) == type(other)
                && frames.isPinned(one) == frames.isPinned(other);
    }

    private JsonObject run(long mfn, long length) {
        JsonObject run = frame(mfn);
        run.addProperty("frames", length);
        return run;
    }

    /** All that is known of one frame. */
    public JsonObject frame(long mfn) {
        JsonObject frame = new JsonObject();
        frame.addProperty("mfn", Hex.of(mfn));
        if (!exists(mfn)) {
            return frame;
        }
        long pfn = frames.machineToPhysical().pfn(mfn);
        if (pfn != AddressSpace.INVALID_M2P_ENTRY) {
            frame.addProperty("pfn", Hex.of(pfn));
        }
        frame.addProperty("type", FrameType.name(type(mfn)));
        frame.addProperty("uses", frames.typeCount(mfn));
        frame.addProperty("references", frames.references(mfn));
        frame.addProperty("pinned", frames.isPinned(mfn));
        return frame;
    }
}

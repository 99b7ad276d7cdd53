package org.xenolith.core.mm;

import static org.xenolith.cpu.mmu.MachineMemory.NO_FRAME;

import org.xenolith.core.abi.AddressSpace;
import org.xenolith.cpu.mmu.Pte;
import org.xenolith.cpu.mmu.Ram;

/**
 * The machine-to-physical array of a domain at {@code ffff800000000000}: by MFN the number that the
 * guest gave the frame, 8 bytes each, and the page tables that map it read-only. public/xen.h,
 * {@code machine_to_phys_mapping}.
 *
 * <p>The array and its tables stand in frames from {@link FrameTable#M2P_BASE} on, which the guest
 * cannot name. Everything below {@link FrameTable#RAM_BASE} is one frame of all ones.
 *
 * <p>Locking: none is needed. The tables never change, and an entry is written and read as a whole.
 * Who must see an entry together with the frame's other state holds {@link FrameTable#lock}.
 */
public final class MachineToPhysical {
    /** Page-table flags of the mapping: readable only. */
    private static final long FLAGS = Pte.PRESENT | Pte.USER | Pte.ACCESSED;

    private static final int ENTRIES_PER_FRAME = Ram.PAGE_SIZE / Long.BYTES;

    /** Numbers that there are for the array and its tables. */
    private static final long MFNS = FrameTable.GRANT_WINDOW_BASE - FrameTable.M2P_BASE;

    /** Of these, what those tables take that are few. */
    private static final long TABLES_ABOVE = 8;

    private final FrameTable frames;

    /** Frame of all-ones entries that stands wherever no guest RAM can be. */
    private final long unbackedMfn;

    /** Frames of the array from {@link FrameTable#RAM_BASE} on. */
    private final long[] arrayMfns;

    private final long l4Entry;
    private long nextMfn = FrameTable.M2P_BASE;

    /**
     * @param maximumPages guest frames that the array has entries for
     * @throws FrameTable.OutOfMemory when the pool or the range of MFNs cannot hold it
     */
    MachineToPhysical(FrameTable frames, long maximumPages) throws FrameTable.OutOfMemory {
        this.frames = frames;
        unbackedMfn = newFrame(-1);
        long count = (maximumPages + ENTRIES_PER_FRAME - 1) / ENTRIES_PER_FRAME;
        if (count + count / Pte.ENTRIES + TABLES_ABOVE > MFNS) {
            throw new FrameTable.OutOfMemory(
                    "a domain of %d MiB: the number space for its tables ends at %d MiB"
                            .formatted(mebibytes(maximumPages), mebibytes(mostPages())));
        }
        arrayMfns = new long[(int) count];
        for (int i = 0; i < arrayMfns.length; i++) {
            arrayMfns[i] = newFrame(-1);
        }
        l4Entry = entry(buildTables());
    }

    /** As many as the tables over the array leave room for. */
    private static long mostPages() {
        return (MFNS - TABLES_ABOVE) * Pte.ENTRIES / (Pte.ENTRIES + 1) * ENTRIES_PER_FRAME;
    }

    private static long mebibytes(long pages) {
        return pages << Ram.PAGE_SHIFT >> 20;
    }

    /** L3, L2 and L1 tables over the whole array; the array is below 1 GiB, so one L2 is enough. */
    private long buildTables() throws FrameTable.OutOfMemory {
        long l3 = newFrame(0);
        long l2 = newFrame(0);
        Ram.putLong(frames.frame(l3), entry(l2));
        long l1 = NO_FRAME;
        int unbacked = (int) (FrameTable.RAM_BASE / ENTRIES_PER_FRAME);
        for (int i = 0; i < unbacked + arrayMfns.length; i++) {
            if (i % Pte.ENTRIES == 0) {
                l1 = newFrame(0);
                Ram.putLong(frames.frame(l2) + i / Pte.ENTRIES * 8L, entry(l1));
            }
            long mfn = i < unbacked ? unbackedMfn : arrayMfns[i - unbacked];
            Ram.putLong(frames.frame(l1) + i % Pte.ENTRIES * 8L, entry(mfn));
        }
        return l3;
    }

    private static long entry(long mfn) {
        return mfn << Ram.PAGE_SHIFT | FLAGS;
    }

    private long newFrame(int fill) throws FrameTable.OutOfMemory {
        frames.xenFrames().addPrivate(nextMfn);
        Ram.fill(frames.frame(nextMfn), Ram.PAGE_SIZE, fill);
        return nextMfn++;
    }

    /** The guest's number of a frame, or {@link AddressSpace#INVALID_M2P_ENTRY}. */
    public long pfn(long mfn) {
        return hasEntry(mfn)
                ? Ram.getLongVolatile(hostAddress(mfn))
                : AddressSpace.INVALID_M2P_ENTRY;
    }

    /**
     * Records the guest's number of a frame of guest RAM.
     *
     * @return false when there can be none of that MFN
     */
    boolean setPfn(long mfn, long pfn) {
        if (!hasEntry(mfn)) {
            return false;
        }
        Ram.putLongVolatile(hostAddress(mfn), pfn);
        return true;
    }

    private boolean hasEntry(long mfn) {
        return mfn >= FrameTable.RAM_BASE && mfn < frames.limitMfn();
    }

    private long hostAddress(long mfn) {
        long index = mfn - FrameTable.RAM_BASE;
        return frames.frame(arrayMfns[(int) (index / ENTRIES_PER_FRAME)])
                + index % ENTRIES_PER_FRAME * Long.BYTES;
    }

    /** The L4 entry of the mapping, 0 for the other slots of the hypervisor. */
    long hypervisorEntry(int slot) {
        return slot == Pte.HYPERVISOR_FIRST_SLOT ? l4Entry : 0;
    }
}

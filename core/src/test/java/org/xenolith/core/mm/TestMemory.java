package org.xenolith.core.mm;

import org.xenolith.cpu.mmu.Ram;
import org.xenolith.devices.memory.HostMemory;

/** Host memory for tests: reserved once per JVM, zero again for every pool. */
public final class TestMemory {
    private static final long BYTES = 4L << 30;
    private static final HostPages HOST_PAGES = reserve();

    private TestMemory() {}

    private static HostPages reserve() {
        HostMemory memory = HostMemory.reserve(Ram.Reservation.bytesFor(BYTES));
        try {
            Ram.Reservation.install(memory.segment(), BYTES);
            return memory::release;
        } catch (IllegalStateException alreadyReserved) {
            return HostPages.ZEROING;
        }
    }

    /** A pool that starts empty; only one is in use at a time. */
    public static FramePool freshPool(long bytes) {
        HOST_PAGES.release(0, bytes);
        return new FramePool(0, bytes, HOST_PAGES);
    }

    /** A domain without frames. */
    public static FrameTable freshFrames(long maximumPages) {
        return freshFrames(freshPool(poolPages(maximumPages) << Ram.PAGE_SHIFT), maximumPages);
    }

    /** Its tables and array need a frame for every 512, and some more. */
    static long poolPages(long maximumPages) {
        return maximumPages * 2 + 512;
    }

    public static FrameTable freshFrames(FramePool pool, long maximumPages) {
        try {
            return new FrameTable(pool, new VcpuTlbs(pool), maximumPages);
        } catch (FrameTable.OutOfMemory e) {
            throw new IllegalStateException(e);
        }
    }
}

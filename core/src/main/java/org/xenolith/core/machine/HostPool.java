package org.xenolith.core.machine;

import org.xenolith.core.mm.FramePool;
import org.xenolith.cpu.mmu.Ram;
import org.xenolith.devices.memory.HostMemory;

/**
 * The process's pool of host frames. It is reserved once, since its address is a constant of the
 * compiled code; every host of the process shares it. Reserved memory costs nothing until touched.
 */
final class HostPool {
    /** Bytes to reserve at least, for processes that will want more than their first guest does. */
    static final String SIZE_PROPERTY = "xenolith.pool";

    private static HostMemory host;
    private static FramePool pool;

    private HostPool() {}

    /**
     * @param wantedBytes what the first caller will need; later ones get the pool as it is
     */
    static synchronized FramePool reserve(long wantedBytes) {
        if (pool == null) {
            long bytes = Math.max(wantedBytes, Long.getLong(SIZE_PROPERTY, 0));
            long usable = bytes + Ram.PAGE_OFFSET & Ram.PAGE_MASK;
            host = HostMemory.reserve(Ram.Reservation.bytesFor(usable));
            Ram.Reservation.install(host.segment(), usable);
            pool = FramePool.ofAllMemory(host::release);
        }
        return pool;
    }
}

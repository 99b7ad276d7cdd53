package org.xenolith.core.machine;

import org.xenolith.core.mm.FramePool;
import org.xenolith.cpu.mmu.Ram;
import org.xenolith.devices.libc.HostCallFailed;
import org.xenolith.devices.memory.HostMemory;

/**
 * The process's pool of host frames. It is reserved once, since its address is a constant of the
 * compiled code; every host of the process shares it. Reserved memory costs nothing until touched.
 */
final class HostPool {
    /** Bytes to reserve at least, for processes that will want more than their first guest does. */
    static final String SIZE_PROPERTY = "xenolith.pool";

    private static final long SMALL_POOL = 2L << 30;

    private static HostMemory host;
    private static FramePool pool;

    private HostPool() {}

    /**
     * @param wantedBytes what the first caller will need; later ones get the pool as it is
     * @param moreBytes what it may need later; 0 for nothing
     */
    static synchronized FramePool reserve(long wantedBytes, long moreBytes) {
        if (pool == null) {
            long bytes = Math.max(wantedBytes, Long.getLong(SIZE_PROPERTY, 0));
            if (moreBytes == 0 || !tryReserve(Math.max(bytes, withRoom(wantedBytes, moreBytes)))) {
                install(bytes);
            }
            pool = FramePool.ofAllMemory(host::release);
        }
        return pool;
    }

    /**
     * Room costs nothing where addresses keep their width: up to the power of two that is reserved
     * anyway, and up to 2 GiB, where the mask of an address is an immediate operand.
     */
    static long withRoom(long wantedBytes, long moreBytes) {
        long sameWidth = Long.highestOneBit(wantedBytes - 1) << 1;
        return Math.max(Math.max(sameWidth, SMALL_POOL), wantedBytes + moreBytes);
    }

    /** A host that counts what is reserved may have no room for more than has to be. */
    private static boolean tryReserve(long bytes) {
        try {
            install(bytes);
            return true;
        } catch (HostCallFailed e) {
            return false;
        }
    }

    private static void install(long bytes) {
        long usable = bytes + Ram.PAGE_OFFSET & Ram.PAGE_MASK;
        host = HostMemory.reserve(Ram.Reservation.bytesFor(usable));
        Ram.Reservation.install(host.segment(), usable);
    }
}

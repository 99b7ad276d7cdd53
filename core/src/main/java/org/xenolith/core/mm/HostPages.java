package org.xenolith.core.mm;

import org.xenolith.cpu.mmu.Ram;

/** Gives memory of the pool back to the host. */
public interface HostPages {
    /**
     * The range is not used now and must read as zeroes when it is touched again.
     *
     * @param offset byte offset into {@link Ram}, page aligned
     * @param lengthBytes whole pages
     */
    void release(long offset, long lengthBytes);

    /** Keeps the memory and clears it: for tests, and hosts that cannot take pages back. */
    HostPages ZEROING = (offset, lengthBytes) -> Ram.fill(offset, lengthBytes, 0);
}

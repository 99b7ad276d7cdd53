package org.xenolith.core.domain;

import org.xenolith.core.abi.TrapInfo;

import java.util.Arrays;

/**
 * A guest's exception handlers by vector. public/arch-x86/xen.h, {@code struct trap_info}.
 *
 * <p>On the vCPU's own thread; before it is up, on that of who prepares it.
 */
public final class TrapTable {
    private static final int VECTORS = 256;

    private final long[] addresses = new long[VECTORS];
    private final byte[] flags = new byte[VECTORS];
    private final int[] selectors = new int[VECTORS];

    public void set(int vector, int trapFlags, int selector, long address) {
        addresses[vector] = address;
        flags[vector] = (byte) trapFlags;
        selectors[vector] = selector;
    }

    public void clear() {
        Arrays.fill(addresses, 0);
        Arrays.fill(flags, (byte) 0);
    }

    /** Handler's linear address, 0 for none. */
    public long address(int vector) {
        return addresses[vector];
    }

    /** {@code struct trap_info}'s flags as set. */
    public int flags(int vector) {
        return flags[vector] & 0xff;
    }

    public int selector(int vector) {
        return selectors[vector];
    }

    /** Whether delivery masks event upcalls: an interrupt gate. */
    public boolean masksEvents(int vector) {
        return (flags[vector] & TrapInfo.FLAG_MASK_EVENTS) != 0;
    }

    /** Lowest privilege that may use {@code INT n}. */
    public int privilege(int vector) {
        return flags[vector] & TrapInfo.FLAG_DPL_MASK;
    }
}

package org.xenolith.pv.netback;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** The groups that a guest wants to hear. Asked by the switch's thread, changed by the domain's. */
final class MulticastFilter {
    /** As many as Linux's backend keeps. */
    private static final int MAX_GROUPS = 64;

    private static final long GROUP_BIT = 1L << 40;
    private static final long BROADCAST = 0xffff_ffff_ffffL;

    private volatile boolean active;
    private final Set<Long> groups = ConcurrentHashMap.newKeySet();

    /** Whether the guest asks for filtering; at first it does not, and all groups pass. */
    void setActive(boolean on) {
        active = on;
    }

    /** False when there is no room for another group. */
    boolean add(long address) {
        if (groups.size() >= MAX_GROUPS && !groups.contains(address)) {
            return false;
        }
        groups.add(address);
        return true;
    }

    void remove(long address) {
        groups.remove(address);
    }

    /** Whether a frame to this address is for the guest. */
    boolean passes(long destination) {
        return !active
                || (destination & GROUP_BIT) == 0
                || destination == BROADCAST
                || groups.contains(destination);
    }
}

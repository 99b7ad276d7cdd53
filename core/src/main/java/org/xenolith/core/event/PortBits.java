package org.xenolith.core.event;

import org.xenolith.core.abi.SharedInfo;
import org.xenolith.cpu.mmu.Ram;

/**
 * The pending and mask bits of a domain's ports, in its shared page. public/xen.h, {@code struct
 * shared_info}.
 *
 * <p>No lock: the guest and all threads change them at the same time, so that each change is one
 * atomic update of its word. Ports are from 0 to {@link EventChannels#PORTS}, exclusive.
 */
final class PortBits {
    private static final int BITS_PER_WORD = 64;

    private final long pending;
    private final long mask;

    /**
     * @param sharedInfo host address of the shared page
     */
    PortBits(long sharedInfo) {
        pending = sharedInfo + SharedInfo.EVTCHN_PENDING;
        mask = sharedInfo + SharedInfo.EVTCHN_MASK;
    }

    /** The bit of {@code evtchn_pending_sel} that leads to a port's word. */
    static long selector(int port) {
        return 1L << port / BITS_PER_WORD;
    }

    boolean isPending(int port) {
        return testBit(pending, port);
    }

    boolean isMasked(int port) {
        return testBit(mask, port);
    }

    /** Returns whether the port was pending before. */
    boolean setPending(int port) {
        return (Ram.getAndBitwiseOrLong(word(pending, port), 1L << port) >>> port & 1) != 0;
    }

    void clearPending(int port) {
        clearBit(pending, port);
    }

    /** Returns whether the port was masked before. */
    boolean clearMask(int port) {
        return clearBit(mask, port);
    }

    private static long word(long array, int port) {
        return array + (port / BITS_PER_WORD) * 8L;
    }

    private static boolean testBit(long array, int port) {
        return (Ram.getLongVolatile(word(array, port)) >>> port & 1) != 0;
    }

    private static boolean clearBit(long array, int port) {
        return (Ram.getAndBitwiseAndLong(word(array, port), ~(1L << port)) >>> port & 1) != 0;
    }
}

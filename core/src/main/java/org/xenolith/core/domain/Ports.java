package org.xenolith.core.domain;

/** I/O ports: nothing is behind them. Reads give ones, as from an empty bus. */
final class Ports {
    /** Counter of channel 2 of the interval timer. */
    private static final int PIT_CHANNEL_2 = 0x42;

    private Ports() {}

    static int read(Domain domain, int port) {
        // A counter that never changes keeps Linux in a calibration loop of 50,000 reads.
        return port == PIT_CHANNEL_2 ? domain.nextPitValue() : -1;
    }
}

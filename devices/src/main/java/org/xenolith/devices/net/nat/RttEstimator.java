package org.xenolith.devices.net.nat;

import java.util.concurrent.TimeUnit;

/**
 * Round-trip time and the retransmission timeout that follows from it. RFC 6298, with a floor of
 * 200 ms where the RFC says one second: guests are microseconds away, and Linux has the same floor.
 */
final class RttEstimator {
    static final long INITIAL_RTO_NANOS = TimeUnit.SECONDS.toNanos(1);
    static final long MIN_RTO_NANOS = TimeUnit.MILLISECONDS.toNanos(200);
    static final long MAX_RTO_NANOS = TimeUnit.SECONDS.toNanos(60);

    private long smoothedNanos = -1; // before the first sample
    private long variationNanos;
    private long rtoNanos = INITIAL_RTO_NANOS;

    /** A segment that was sent once came back acknowledged after this time. */
    void sample(long nanos) {
        if (smoothedNanos < 0) {
            smoothedNanos = nanos;
            variationNanos = nanos / 2;
        } else {
            variationNanos += (Math.abs(smoothedNanos - nanos) - variationNanos) / 4;
            smoothedNanos += (nanos - smoothedNanos) / 8;
        }
        rtoNanos = Math.clamp(smoothedNanos + 4 * variationNanos, MIN_RTO_NANOS, MAX_RTO_NANOS);
    }

    /** The timer expired: wait twice as long for the next. */
    void backOff() {
        rtoNanos = Math.min(2 * rtoNanos, MAX_RTO_NANOS);
    }

    long rtoNanos() {
        return rtoNanos;
    }
}

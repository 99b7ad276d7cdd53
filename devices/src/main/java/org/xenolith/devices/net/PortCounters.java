package org.xenolith.devices.net;

import java.util.concurrent.atomic.LongAdder;

/** Counters of a port: the switch's thread writes, anyone reads. */
final class PortCounters {
    final LongAdder sentFrames = new LongAdder();
    final LongAdder sentBytes = new LongAdder();
    final LongAdder sentDropped = new LongAdder();
    final LongAdder receivedFrames = new LongAdder();
    final LongAdder receivedBytes = new LongAdder();
    final LongAdder receivedDropped = new LongAdder();

    PortStatistics read(String name) {
        return new PortStatistics(
                name,
                sentFrames.sum(),
                sentBytes.sum(),
                sentDropped.sum(),
                receivedFrames.sum(),
                receivedBytes.sum(),
                receivedDropped.sum());
    }
}

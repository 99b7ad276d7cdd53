package org.xenolith.pv.ring;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/**
 * Free-running ring indices: unsigned 32-bit counters that wrap and are masked only to find a slot.
 * All arithmetic is done in {@code int}, which wraps as the wire does.
 */
public final class RingIndices {
    private static final VarHandle LE_INT =
            ValueLayout.JAVA_INT.withOrder(ByteOrder.LITTLE_ENDIAN).varHandle();

    private RingIndices() {}

    /**
     * How much the producer is ahead of the consumer.
     *
     * @param ring what the ring is called in the report
     * @param size capacity, in the unit that the indices count
     * @return 0 to {@code size}
     * @throws RingCorrupt when the producer is further ahead than the ring is large
     */
    public static int pending(String ring, int producer, int consumer, int size) {
        int pending = producer - consumer;
        if (Integer.compareUnsigned(pending, size) > 0) {
            throw new RingCorrupt(ring, producer, consumer, size);
        }
        return pending;
    }

    /** Reads an index; what the other side wrote before it published the index is visible after. */
    public static int getAcquire(MemorySegment page, long offset) {
        return (int) LE_INT.getAcquire(page, offset);
    }

    /** Publishes an index after everything written before. */
    public static void setRelease(MemorySegment page, long offset, int index) {
        LE_INT.setRelease(page, offset, index);
    }

    /**
     * Whether the consumer asked to hear of this push: {@code RING_PUSH_..._AND_CHECK_NOTIFY}.
     *
     * @param event the index at which the consumer wants an event, read after a full fence
     */
    public static boolean mustNotify(int oldProducer, int newProducer, int event) {
        return Integer.compareUnsigned(newProducer - event, newProducer - oldProducer) < 0;
    }
}

package org.xenolith.pv.ring;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;

/**
 * One direction of a byte stream through a shared page: a power-of-two array and two free-running
 * indices. It holds no position of its own: both indices live in the page, so that a saved page is
 * the whole state. Each is read once per call, checked, and used from the copy only.
 *
 * <p>Not thread safe: the host side of a ring has one user at a time.
 */
public final class ByteRing {
    private final String name;
    private final MemorySegment page;
    private final long data;
    private final int size;
    private final long consumerIndex;
    private final long producerIndex;
    private volatile Listener listener;

    /** Hears of bytes that went through. */
    @FunctionalInterface
    public interface Listener {
        /**
         * Called by whoever serves the ring, which it must not hold up.
         *
         * @param byFrontend the guest had put them in, and they were taken; else they were put in
         *     for the guest
         */
        void moved(String ring, boolean byFrontend, int bytes);
    }

    /** Sets who hears of bytes that go through, null for nobody. */
    public void onMove(Listener hearer) {
        listener = hearer;
    }

    private void tell(boolean byFrontend, int bytes) {
        Listener hearer = listener;
        if (hearer != null) {
            hearer.moved(name, byFrontend, bytes);
        }
    }

    /**
     * @param name what the ring is called in reports
     * @param data offset of the array in the page
     * @param size bytes in the array, a power of two
     * @param consumerIndex offset of the index of the reading side
     * @param producerIndex offset of the index of the writing side
     */
    public ByteRing(
            String name,
            MemorySegment page,
            long data,
            int size,
            long consumerIndex,
            long producerIndex) {
        if (Integer.bitCount(size) != 1) {
            throw new IllegalArgumentException(name + ": size " + size + " is no power of two");
        }
        this.name = name;
        this.page = page;
        this.data = data;
        this.size = size;
        this.consumerIndex = consumerIndex;
        this.producerIndex = producerIndex;
    }

    /** Where both sides are; free-running, unsigned, and not checked. */
    public record State(String name, int size, int producer, int consumer) {}

    /** The indices as they stand in the page now. */
    public State state() {
        return new State(
                name,
                size,
                RingIndices.getAcquire(page, producerIndex),
                RingIndices.getAcquire(page, consumerIndex));
    }

    /**
     * Takes bytes out of the ring as its consumer and publishes that.
     *
     * @return bytes taken, 0 when the ring is empty
     * @throws RingCorrupt when the indices cannot be true
     */
    public int read(byte[] into, int offset, int length) {
        int producer = RingIndices.getAcquire(page, producerIndex);
        int consumer = RingIndices.getAcquire(page, consumerIndex);
        int count = Math.min(RingIndices.pending(name, producer, consumer, size), length);
        int slot = consumer & size - 1;
        int straight = Math.min(count, size - slot);
        MemorySegment.copy(page, ValueLayout.JAVA_BYTE, data + slot, into, offset, straight);
        MemorySegment.copy(
                page, ValueLayout.JAVA_BYTE, data, into, offset + straight, count - straight);
        if (count > 0) {
            publish(consumerIndex, consumer + count);
            tell(true, count);
        }
        return count;
    }

    /**
     * Puts bytes into the ring as its producer and publishes them.
     *
     * @return bytes put, 0 when the ring is full
     * @throws RingCorrupt when the indices cannot be true
     */
    public int write(byte[] from, int offset, int length) {
        int producer = RingIndices.getAcquire(page, producerIndex);
        int count = Math.min(roomAfter(producer), length);
        int slot = producer & size - 1;
        int straight = Math.min(count, size - slot);
        MemorySegment.copy(from, offset, page, ValueLayout.JAVA_BYTE, data + slot, straight);
        MemorySegment.copy(
                from, offset + straight, page, ValueLayout.JAVA_BYTE, data, count - straight);
        if (count > 0) {
            publish(producerIndex, producer + count);
            tell(false, count);
        }
        return count;
    }

    /**
     * Bytes waiting for the consumer.
     *
     * @throws RingCorrupt when the indices cannot be true
     */
    public int pending() {
        int producer = RingIndices.getAcquire(page, producerIndex);
        int consumer = RingIndices.getAcquire(page, consumerIndex);
        return RingIndices.pending(name, producer, consumer, size);
    }

    /**
     * Bytes that the producer can add now.
     *
     * @throws RingCorrupt when the indices cannot be true
     */
    public int room() {
        return roomAfter(RingIndices.getAcquire(page, producerIndex));
    }

    private int roomAfter(int producer) {
        int consumer = RingIndices.getAcquire(page, consumerIndex);
        return size - RingIndices.pending(name, producer, consumer, size);
    }

    private void publish(long index, int value) {
        RingIndices.setRelease(page, index, value);
        // The next look at the other side's index must not pass this store: each side decides from
        // the other's index whether it has to be notified.
        VarHandle.fullFence();
    }
}

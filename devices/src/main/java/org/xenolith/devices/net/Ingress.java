package org.xenolith.devices.net;

import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Frames on their way from an endpoint to the switch's thread. Any number of threads put, one
 * takes.
 */
final class Ingress {
    private final Queue<EthernetFrame> frames = new ConcurrentLinkedQueue<>();
    private final AtomicLong chargedBytes = new AtomicLong();
    private volatile boolean refused;

    /** False when full; then {@link #roomAgain} will be true once, later. */
    boolean offer(EthernetFrame frame) {
        int charge = QueueLimits.charge(frame);
        if (!charged(charge)) {
            refused = true;
            // The taker may have drained everything before it could see the flag.
            if (!charged(charge)) {
                return false;
            }
        }
        frames.add(frame);
        return true;
    }

    /** No add-then-undo: what one thread adds for a moment could refuse another one for ever. */
    private boolean charged(int charge) {
        long before;
        do {
            before = chargedBytes.get();
            if (before >= QueueLimits.HIGH_BYTES) {
                return false;
            }
        } while (!chargedBytes.compareAndSet(before, before + charge));
        return true;
    }

    EthernetFrame poll() {
        EthernetFrame frame = frames.poll();
        if (frame != null) {
            chargedBytes.getAndAdd(-QueueLimits.charge(frame));
        }
        return frame;
    }

    boolean isEmpty() {
        return frames.isEmpty();
    }

    /** Whether someone was refused and should now be told that there is room. */
    boolean roomAgain() {
        if (!refused || chargedBytes.get() > QueueLimits.LOW_BYTES) {
            return false;
        }
        refused = false;
        return true;
    }
}

package org.xenolith.pv.console;

import org.xenolith.devices.console.ConsoleSink;
import org.xenolith.devices.console.ConsoleSource;
import org.xenolith.pv.ring.ByteRing;
import org.xenolith.pv.ring.RingCorrupt;

import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Optional;

/**
 * The host side of a guest's console page, {@code struct xencons_interface} of public/io/console.h:
 * moves what the guest printed to a sink and what was typed to the guest.
 *
 * <p>It keeps no state but whether the guest broke the ring, and both directions are bounded per
 * call, so a guest that writes on without end cannot keep the caller. Only a thread that may touch
 * the domain's memory calls {@link #service}.
 */
public final class ConsoleRing {
    /** Bytes of the shared page that the structure takes. */
    public static final int SIZE = 3088;

    static final int IN = 0;
    static final int IN_SIZE = 1024;
    static final int OUT = 1024;
    static final int OUT_SIZE = 2048;
    static final int IN_CONS = 3072;
    static final int IN_PROD = 3076;
    static final int OUT_CONS = 3080;
    static final int OUT_PROD = 3084;

    /**
     * Output taken by one call at most: a guest that prints without end must not hold its server.
     */
    static final int OUTPUT_PER_SERVICE = 8 * OUT_SIZE;

    private final ByteRing output;
    private final ByteRing input;
    private final ConsoleSink sink;
    private final ConsoleSource source;
    private final byte[] buffer = new byte[OUT_SIZE];
    private String corruption;

    /**
     * @param page the console page; the constructor writes nothing to it, since a restored guest's
     *     indices go on where they were
     */
    public ConsoleRing(MemorySegment page, ConsoleSink sink, ConsoleSource source) {
        this.output = new ByteRing("console output", page, OUT, OUT_SIZE, OUT_CONS, OUT_PROD);
        this.input = new ByteRing("console input", page, IN, IN_SIZE, IN_CONS, IN_PROD);
        this.sink = sink;
        this.source = source;
    }

    /**
     * Moves bytes both ways.
     *
     * @return whether the guest must be notified: it may wait for room in its output, or for input
     */
    public synchronized boolean service() {
        if (corruption != null) {
            return false;
        }
        try {
            boolean drained = drainOutput();
            boolean fed = feedInput();
            return drained || fed;
        } catch (RingCorrupt corrupt) {
            corruption = corrupt.getMessage();
            return false;
        }
    }

    /**
     * Takes what a guest left that stands and prints no more, whether the sink has room or not: a
     * ring's worth. In the same thread's care as {@link #service}.
     */
    public synchronized void drain() {
        try {
            int count = corruption == null ? output.read(buffer, 0, buffer.length) : 0;
            if (count > 0) {
                sink.write(buffer, 0, count);
            }
        } catch (RingCorrupt corrupt) {
            corruption = corrupt.getMessage();
        }
    }

    /**
     * Whether the guest has output waiting: after {@link #service} this means that the call's bound
     * was reached, and another call is due, or that the sink had no room. The guest waits then: the
     * thread that serves it does not.
     */
    public synchronized boolean hasOutput() {
        try {
            return corruption == null && output.pending() > 0;
        } catch (RingCorrupt corrupt) {
            corruption = corrupt.getMessage();
            return false;
        }
    }

    /** Sets who hears of bytes that go through, null for nobody. */
    public void onMove(ByteRing.Listener listener) {
        output.onMove(listener);
        input.onMove(listener);
    }

    /** Where both sides of the two rings are. */
    public List<ByteRing.State> states() {
        return List.of(output.state(), input.state());
    }

    /** Why the ring is no longer served, as a sentence; empty while it is sound. */
    public synchronized Optional<String> corruption() {
        return Optional.ofNullable(corruption);
    }

    private boolean drainOutput() {
        int total = 0;
        int count;
        while (total < OUTPUT_PER_SERVICE
                && sink.room() > 0
                && (count = output.read(buffer, 0, buffer.length)) > 0) {
            sink.write(buffer, 0, count);
            total += count;
        }
        return total > 0;
    }

    private boolean feedInput() {
        boolean fed = false;
        int room;
        int total = 0;
        while (total < IN_SIZE && (room = Math.min(input.room(), IN_SIZE - total)) > 0) {
            int count = source.read(buffer, 0, room);
            if (count <= 0) {
                break;
            }
            // The guest may have moved its index since; what no longer fits would be lost, but only
            // a guest that takes back its own consumer index can make that happen.
            input.write(buffer, 0, count);
            total += count;
            fed = true;
        }
        return fed;
    }
}

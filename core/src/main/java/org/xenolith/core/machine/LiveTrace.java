package org.xenolith.core.machine;

import com.google.gson.JsonObject;

import org.xenolith.core.control.ControlException;
import org.xenolith.core.control.Verbs;
import org.xenolith.core.trace.LossySink;
import org.xenolith.core.trace.TextSink;
import org.xenolith.core.trace.TimelineSink;
import org.xenolith.core.trace.TraceSink;
import org.xenolith.core.trace.Tracer;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;

/**
 * One who watches a guest that runs, over a connection: until he has had enough, the guest has
 * ended, or he has what he wanted. Then the guest is left alone at once, whether or not he reads
 * on.
 */
final class LiveTrace implements Verbs.Trace {
    /** Why a trace is over, as its end says. */
    private enum End {
        COUNT("count"),
        TIME("time"),
        GUEST("guest"),
        HOST("host"),
        READER("reader");

        final String word;

        End(String word) {
            this.word = word;
        }
    }

    /** Events that are written at once. */
    private static final int BATCH = 256;

    /** As of {@code BackgroundSink}: to be woken by each event would cost the vCPU more. */
    private static final long PAUSE_NANOS = 2_000_000;

    /** Between the trace and how it ended; text and timelines have none. */
    private static final char END_MARK = '\0';

    private final Guest guest;
    private final boolean timeline;
    private final LossySink sink;
    private final Tracer.Viewer viewer;
    private final AtomicReference<End> end = new AtomicReference<>();
    private final Thread clock;

    /** The guest is left alone: what is kept is all that comes. */
    private volatile boolean over;

    private LiveTrace(Guest guest, TraceRequest request) {
        this.guest = guest;
        this.timeline = request.timeline();
        // The vCPU on which the last event happened cannot wait for itself to stand.
        this.sink =
                new LossySink(
                        request.count(), () -> Thread.ofVirtual().start(() -> end(End.COUNT)));
        this.viewer = new Tracer.Viewer(request.filter(), sink);
        this.clock =
                request.time()
                        .map(time -> Thread.ofVirtual().unstarted(() -> endAfter(time)))
                        .orElse(null);
    }

    /**
     * Begins to watch.
     *
     * @throws ControlException when the guest cannot be watched now
     */
    static LiveTrace start(Guest guest, TraceRequest request) throws ControlException {
        LiveTrace trace = new LiveTrace(guest, request);
        guest.trace().add(trace.viewer);
        if (trace.clock != null) {
            trace.clock.start();
        }
        return trace;
    }

    private void endAfter(Duration time) {
        try {
            Thread.sleep(time);
            end(End.TIME);
        } catch (InterruptedException closed) {
            Thread.currentThread().interrupt();
        }
    }

    private void end(End why) {
        if (end.compareAndSet(null, why)) {
            // In this order: what happens until the vCPUs stand is shown, or counts as lost.
            guest.trace().remove(viewer);
            sink.close();
            over = true;
        }
    }

    @Override
    public void stop(boolean hostEnds) {
        end(guest.hasEnded() ? End.GUEST : hostEnds ? End.HOST : End.READER);
    }

    @Override
    public void close() {
        end(End.READER);
        if (clock != null) {
            clock.interrupt();
        }
    }

    @Override
    public void pump(OutputStream out) throws IOException {
        StringBuilder text = new StringBuilder();
        TraceSink shown = timeline ? new TimelineSink(text) : new TextSink(text);
        boolean more = true;
        while (more) {
            more = !over; // looked at first: what came before is kept
            send(text, out);
            while (sink.drainTo(shown, BATCH) > 0) {
                send(text, out);
            }
            if (more) {
                await();
            }
        }
        sink.endTo(shown);
        shown.close();
        text.append(END_MARK).append(summary()).append('\n');
        send(text, out);
    }

    private void await() {
        if (guest.hasEnded()) {
            end(End.GUEST);
        } else {
            LockSupport.parkNanos(PAUSE_NANOS);
        }
    }

    private static void send(StringBuilder text, OutputStream out) throws IOException {
        if (!text.isEmpty()) {
            out.write(text.toString().getBytes(StandardCharsets.UTF_8));
            out.flush();
            text.setLength(0);
        }
    }

    private JsonObject summary() {
        JsonObject summary = new JsonObject();
        summary.addProperty("events", sink.accepted());
        summary.addProperty("lost", sink.lost());
        summary.addProperty("ended_by", end.get().word);
        return summary;
    }
}

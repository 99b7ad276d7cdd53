package org.xenolith.core.machine;

import com.google.gson.JsonObject;

import org.xenolith.core.control.ControlException;
import org.xenolith.core.control.Verbs;
import org.xenolith.core.domain.Domain;
import org.xenolith.core.trace.Happening;
import org.xenolith.core.trace.LossySink;
import org.xenolith.core.trace.TextSink;
import org.xenolith.core.trace.TimelineSink;
import org.xenolith.core.trace.TraceSink;
import org.xenolith.core.trace.Tracer;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Queue;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;

/**
 * One who watches a guest that runs, over a connection: until he has had enough, the guest has
 * ended for good, or he has what he wanted. Then the guest is left alone at once, whether or not he
 * reads on. A guest that reboots is watched on in its next life, from its first instruction.
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

    /**
     * Reboots that are kept for one who does not read: a guest may go on rebooting for days. The
     * next ones are not told.
     */
    private static final int MOST_REBOOTS = 1000;

    /** Between the trace and how it ended; text and timelines have none. */
    private static final char END_MARK = '\0';

    /**
     * A reboot.
     *
     * @param events that came before it
     * @param nanos system time of the life that ended
     */
    private record Reboot(long events, long nanos, int domId, int nextDomId) {}

    /** In the life that it has. */
    private volatile Guest guest;

    private volatile boolean hasNoNextLife;
    private final Queue<Reboot> reboots = new ArrayBlockingQueue<>(MOST_REBOOTS);
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
        // Not the sink itself: it is not over with one life of the guest.
        this.viewer = new Tracer.Viewer(request.filter(), this::keep);
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
        guest.nextLives().add(trace);
        try {
            guest.trace().add(trace.viewer);
        } catch (ControlException refused) {
            guest.nextLives().remove(trace);
            throw refused;
        }
        if (trace.clock != null) {
            trace.clock.start();
        }
        return trace;
    }

    private void keep(Happening happening) {
        synchronized (sink) {
            sink.accept(happening);
        }
    }

    /** A guest has been built and does not run yet: perhaps the next life of this one. */
    void goOnWith(Guest next) {
        Guest before = guest;
        if (end.get() != null || !before.isToStartAgain() || !before.name().equals(next.name())) {
            return;
        }
        Domain ended = before.domain();
        long nanos = ended.clock().systemTimeNanos(ended.retired());
        reboots.offer(new Reboot(sink.accepted(), nanos, before.id(), next.id()));
        guest = next;
        try {
            next.trace().add(viewer);
        } catch (ControlException tooManyWatchFromItsStart) {
            end(End.GUEST);
        }
        if (end.get() != null) { // who ended it meanwhile did not find it there
            next.trace().remove(viewer);
        }
    }

    /** No guest of a name starts any more. */
    void noNextLife(String name) {
        if (guest.name().equals(name)) {
            hasNoNextLife = true;
        }
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
            guest.nextLives().remove(this);
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
        long moved = 0;
        boolean more = true;
        while (more) {
            more = !over; // looked at first: what came before is kept
            send(text, out);
            for (int now = move(shown, moved); now > 0; now = move(shown, moved)) {
                moved += now;
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

    /**
     * Moves events that are kept, and tells of a reboot where it was.
     *
     * @param before so many were moved already
     */
    private int move(TraceSink shown, long before) {
        Reboot next = reboots.peek();
        while (next != null && next.events <= before) {
            reboots.remove();
            shown.rebooted(next.nanos, next.domId, next.nextDomId);
            next = reboots.peek();
        }
        return sink.drainTo(
                shown, next == null ? BATCH : (int) Math.min(BATCH, next.events - before));
    }

    private void await() {
        Guest now = guest;
        if (now.hasEnded() && (hasNoNextLife || !now.isToStartAgain())) {
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

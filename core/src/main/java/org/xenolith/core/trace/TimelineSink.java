package org.xenolith.core.trace;

import java.io.Closeable;
import java.io.Flushable;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.Set;

/**
 * Writes Chrome's trace event format, which Perfetto and chrome://tracing show: a process for each
 * domain, a track for each vCPU and one for the host. A vCPU's slices are bars, hypercalls are bars
 * within them, all else are points. Times are the domain's system time. A slice of which an end is
 * missing is no bar without one: what has begun ends where events are lost and with the trace, and
 * an end whose beginning is missing is left out.
 *
 * <p>The format: "Trace Event Format", JSON object form, phases B, E, X, i and M.
 */
public final class TimelineSink implements TraceSink {
    private static final int NANOS_PER_MICRO = 1000;

    /** The track of what happens on no vCPU. */
    private static final int HOST_TRACK = 0;

    private final Appendable out;
    private final StringBuilder text = new StringBuilder();
    private final Set<Long> named = new HashSet<>();

    /** Tracks with a bar that has not ended, as keys of {@link #named}. */
    private final Set<Long> open = new LinkedHashSet<>();

    /** Of all events so far. */
    private long latestNanos;

    private boolean first = true;

    /**
     * @param out closed with the sink, if it can be
     */
    public TimelineSink(Appendable out) {
        this.out = out;
        text.append("{\"displayTimeUnit\":\"ns\",\"traceEvents\":[");
        write();
    }

    @Override
    public void accept(Happening happening) {
        nameTrack(happening);
        latestNanos = Math.max(latestNanos, happening.nanos());
        if (!isWhole(happening)) {
            return;
        }
        switch (happening.event()) {
            case TraceEvent.Scheduled _ -> begin(happening, 'B', "runs", happening.nanos());
            case TraceEvent.Descheduled _ -> begin(happening, 'E', "runs", happening.nanos());
            case TraceEvent.Hypercalled call -> {
                begin(happening, 'X', TraceFields.title(call), happening.nanos() - call.nanos());
                text.append(",\"dur\":");
                micros(call.nanos());
            }
            default -> {
                begin(happening, 'i', TraceFields.title(happening.event()), happening.nanos());
                text.append(",\"s\":\"t\"");
            }
        }
        arguments(happening);
        text.append('}');
        write();
    }

    /** Keeps the set of open bars; false for the end of one that never began. */
    private boolean isWhole(Happening happening) {
        long key = key(happening.domId(), track(happening));
        return switch (happening.event()) {
            case TraceEvent.Scheduled _ -> open.add(key);
            case TraceEvent.Descheduled _ -> open.remove(key);
            default -> true;
        };
    }

    /** What runs may have stopped since: nobody can say. */
    private void endBars() {
        for (long key : open) {
            text.append(",\n{\"name\":\"runs\",\"cat\":\"");
            text.append(TraceTopic.SCHEDULE.label());
            text.append("\",\"ph\":\"E\",\"ts\":");
            micros(latestNanos);
            text.append(",\"pid\":").append(key >>> Integer.SIZE);
            text.append(",\"tid\":").append((int) key);
            text.append(",\"args\":{}}");
        }
        open.clear();
    }

    @Override
    public void lost(long events, Happening next) {
        endBars();
        nameTrack(next);
        text.append(",\n{\"name\":\"events lost\",\"cat\":\"lost\",\"ph\":\"i\",\"ts\":");
        micros(Math.max(0, next.nanos()));
        text.append(",\"pid\":").append(next.domId());
        text.append(",\"tid\":").append(HOST_TRACK);
        text.append(",\"s\":\"p\",\"args\":{\"events\":").append(events).append("}}");
        write();
    }

    @Override
    public void rebooted(long nanos, int domId, int nextDomId) {
        endBars();
        nameProcess(domId);
        text.append(",\n{\"name\":\"rebooted\",\"cat\":\"reboot\",\"ph\":\"i\",\"ts\":");
        micros(nanos);
        text.append(",\"pid\":").append(domId);
        text.append(",\"tid\":").append(HOST_TRACK);
        text.append(",\"s\":\"p\",\"args\":{\"next domain\":").append(nextDomId).append("}}");
        write();
        latestNanos = 0; // the next life has a clock of its own
    }

    /** Says once what the process and the track are called. */
    private void nameTrack(Happening happening) {
        nameProcess(happening.domId());
        if (named.add(key(happening.domId(), track(happening)))) {
            metadata(
                    "thread_name", happening.domId(), track(happening), "vCPU " + happening.vcpu());
        }
    }

    private void nameProcess(int domId) {
        if (named.add(key(domId, HOST_TRACK))) {
            metadata("process_name", domId, HOST_TRACK, "domain " + domId);
            metadata("thread_name", domId, HOST_TRACK, "host");
        }
    }

    private void metadata(String what, int process, int track, String name) {
        text.append(first ? "\n" : ",\n").append("{\"name\":\"").append(what);
        text.append("\",\"ph\":\"M\",\"pid\":").append(process);
        text.append(",\"tid\":").append(track);
        text.append(",\"args\":{\"name\":\"").append(name).append("\"}}");
        first = false;
        write();
    }

    private static long key(int domId, int track) {
        return (long) domId << Integer.SIZE | track;
    }

    private static int track(Happening happening) {
        return happening.vcpu() + 1;
    }

    private void begin(Happening happening, char phase, String name, long nanos) {
        text.append(first ? "\n" : ",\n").append("{\"name\":");
        first = false;
        string(name);
        text.append(",\"cat\":\"");
        text.append(happening.event().topic().label());
        text.append("\",\"ph\":\"").append(phase).append("\",\"ts\":");
        micros(Math.max(0, nanos));
        text.append(",\"pid\":").append(happening.domId());
        text.append(",\"tid\":").append(track(happening));
    }

    private void micros(long nanos) {
        text.append(nanos / NANOS_PER_MICRO).append('.');
        long rest = nanos % NANOS_PER_MICRO;
        text.append(rest < 100 ? "0" : "").append(rest < 10 ? "0" : "").append(rest);
    }

    private void arguments(Happening happening) {
        text.append(",\"args\":{");
        Members members = new Members();
        TraceFields.describe(happening.event(), members);
        if (happening.event() instanceof TraceEvent.Hypercalled call) {
            members.text("result", TraceFields.result(call.result()));
        }
        if (happening.vcpu() != Happening.OUTSIDE) {
            members.text("mode", happening.kernel() ? "kernel" : "user");
        }
        String function = happening.function();
        if (!function.isEmpty()) {
            members.text("function", function);
        }
        text.append('}');
    }

    /** Values as members of an object; numbers to be read in hexadecimal become strings. */
    private final class Members implements TraceFields.Receiver {
        private String next = "";

        private void name(String name) {
            text.append(next);
            string(name);
            text.append(':');
            next = ",";
        }

        @Override
        public void number(String name, long value, boolean hex) {
            name(name);
            if (hex) {
                text.append("\"0x").append(Long.toHexString(value)).append('"');
            } else {
                text.append(value);
            }
        }

        @Override
        public void text(String name, String value) {
            name(name);
            string(value);
        }
    }

    private void string(String value) {
        text.append('"');
        for (int i = 0; i < value.length(); i++) {
            char c = value.charAt(i);
            if (c == '"' || c == '\\') {
                text.append('\\').append(c);
            } else if (c < ' ') {
                text.append("\\u%04x".formatted((int) c));
            } else {
                text.append(c);
            }
        }
        text.append('"');
    }

    private void write() {
        try {
            out.append(text);
        } catch (IOException e) {
            throw new UncheckedIOException(e.getMessage(), e);
        }
        text.setLength(0);
    }

    @Override
    public void flush() {
        try {
            if (out instanceof Flushable file) {
                file.flush();
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e.getMessage(), e);
        }
    }

    @Override
    public void close() {
        endBars();
        text.append("\n]}\n");
        try {
            write();
        } finally {
            closeFile();
        }
    }

    private void closeFile() {
        try {
            if (out instanceof Closeable file) {
                file.close();
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e.getMessage(), e);
        }
    }
}

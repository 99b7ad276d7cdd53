package org.xenolith.core.trace;

import java.io.Closeable;
import java.io.Flushable;
import java.io.IOException;
import java.io.UncheckedIOException;

/** A line for each event: time, domain, vCPU, mode, what happened, which function. */
public final class TextSink implements TraceSink {
    private static final int NANOS_PER_MICRO = 1000;
    private static final int MICROS_PER_SECOND = 1_000_000;

    private final Appendable out;
    private final StringBuilder line = new StringBuilder();

    /**
     * @param out closed with the sink if it can be, unless it is a stream of the process
     */
    public TextSink(Appendable out) {
        this.out = out;
    }

    @Override
    public void accept(Happening happening) {
        line.setLength(0);
        appendTo(line, happening);
        write();
    }

    @Override
    public void lost(long events, Happening next) {
        line.setLength(0);
        appendPlace(line, next.nanos(), next.domId(), Happening.OUTSIDE, false);
        line.append(events).append(" events lost here");
        write();
    }

    @Override
    public void rebooted(long nanos, int domId, int nextDomId) {
        line.setLength(0);
        appendPlace(line, nanos, domId, Happening.OUTSIDE, false);
        line.append("rebooted, and is d").append(nextDomId).append(" from here on");
        write();
    }

    private void write() {
        line.append('\n');
        try {
            out.append(line);
        } catch (IOException e) {
            throw new UncheckedIOException(e.getMessage(), e);
        }
    }

    /** A line that was written can be read at once: somebody may be looking on. */
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
        try {
            flush();
        } finally {
            closeFile();
        }
    }

    private void closeFile() {
        try {
            if (out instanceof Closeable file && out != System.err) {
                file.close();
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e.getMessage(), e);
        }
    }

    static void appendTo(StringBuilder line, Happening happening) {
        appendPlace(
                line, happening.nanos(), happening.domId(), happening.vcpu(), happening.kernel());
        TraceText.append(line, happening.event());
        String function = happening.function();
        if (!function.isEmpty()) {
            line.append(" in ").append(function);
        }
    }

    private static void appendPlace(
            StringBuilder line, long nanos, int domId, int vcpu, boolean kernel) {
        long micros = nanos / NANOS_PER_MICRO;
        line.append('[');
        padded(line, micros / MICROS_PER_SECOND, 5, ' ');
        line.append('.');
        padded(line, micros % MICROS_PER_SECOND, 6, '0');
        line.append("] d").append(domId);
        if (vcpu == Happening.OUTSIDE) {
            line.append(" - ");
        } else {
            line.append('v').append(vcpu);
            line.append(kernel ? " k " : " u ");
        }
    }

    private static void padded(StringBuilder line, long number, int width, char fill) {
        String digits = Long.toString(number);
        for (int i = digits.length(); i < width; i++) {
            line.append(fill);
        }
        line.append(digits);
    }
}

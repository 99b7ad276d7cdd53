package org.xenolith.core.trace;

import java.util.Optional;

/**
 * Closes another sink once: when it is closed, or before that when the process ends by a signal. A
 * file that has an end, such as a timeline's, is whole then too.
 */
public final class ClosedAtExit implements TraceSink {
    private final TraceSink behind;
    private final Thread atExit = new Thread(this::closeOnce, "trace-at-exit");
    private boolean closed;

    private ClosedAtExit(TraceSink behind) {
        this.behind = behind;
    }

    /**
     * @param behind takes events while another thread closes it
     */
    public static ClosedAtExit of(TraceSink behind) {
        ClosedAtExit sink = new ClosedAtExit(behind);
        Runtime.getRuntime().addShutdownHook(sink.atExit);
        return sink;
    }

    @Override
    public void accept(Happening happening) {
        behind.accept(happening);
    }

    @Override
    public void flush() {
        behind.flush();
    }

    @Override
    public Optional<String> failure() {
        return behind.failure();
    }

    @Override
    public void close() {
        try {
            Runtime.getRuntime().removeShutdownHook(atExit);
        } catch (IllegalStateException ending) {
            // Then it runs, or has run.
        }
        closeOnce();
    }

    private synchronized void closeOnce() {
        if (!closed) {
            closed = true;
            behind.close();
        }
    }
}

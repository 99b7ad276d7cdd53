package org.xenolith.core.trace;

import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.locks.LockSupport;

/**
 * Has another sink work on a thread of its own, so that a vCPU only queues. A queue that is full
 * makes the vCPU wait: a trace has no gaps.
 */
public final class BackgroundSink implements TraceSink {
    private static final int QUEUED = 16 << 10;

    /**
     * The thread looks so often; to be woken by each event would cost the vCPU more than the event.
     */
    private static final long PAUSE_NANOS = 2_000_000;

    private final ArrayBlockingQueue<Happening> queue = new ArrayBlockingQueue<>(QUEUED);
    private final TraceSink behind;
    private final Thread thread;
    private volatile boolean closing;
    private volatile String failure; // null while all is written

    public BackgroundSink(TraceSink behind) {
        this.behind = behind;
        thread = Thread.ofPlatform().daemon().name("trace").start(this::run);
    }

    @Override
    public void accept(Happening happening) {
        if (failure == null && !closing) {
            uninterrupted(() -> queue.put(happening));
        }
    }

    /** What waits for the thread of this sink, which does not wait for anybody for ever. */
    private interface Waiting {
        void run() throws InterruptedException;
    }

    /** Whoever interrupts wants an end of something else: the trace has no gap for it. */
    private static void uninterrupted(Waiting waiting) {
        boolean interrupted = false;
        boolean done = false;
        while (!done) {
            try {
                waiting.run();
                done = true;
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private void run() {
        List<Happening> taken = new ArrayList<>(QUEUED);
        while (true) {
            boolean last = closing;
            taken.clear();
            if (queue.drainTo(taken) > 0) {
                write(taken);
            } else if (last) {
                return;
            } else {
                LockSupport.parkNanos(PAUSE_NANOS);
            }
        }
    }

    private void write(List<Happening> taken) {
        if (failure != null) {
            return; // a full disk is no reason to stop the guest, nor to say it a million times
        }
        try {
            taken.forEach(behind::accept);
            behind.flush();
        } catch (RuntimeException | Error e) {
            fail(e);
        }
    }

    /** An Error too: with this thread at its end, the vCPUs would wait at a full queue for ever. */
    private void fail(Throwable e) {
        if (failure == null) {
            failure = reason(e);
            System.err.println("vmm: the trace ends here: " + failure);
        }
    }

    private static String reason(Throwable e) {
        return e instanceof UncheckedIOException wrapped
                ? wrapped.getCause().getMessage()
                : String.valueOf(e.getMessage());
    }

    @Override
    public Optional<String> failure() {
        return Optional.ofNullable(failure);
    }

    /**
     * Returns when all that was queued is written. What cannot be written any more is told, not
     * thrown: it is no reason not to end the guest.
     */
    @Override
    public void close() {
        closing = true;
        LockSupport.unpark(thread);
        uninterrupted(thread::join);
        try {
            behind.close();
        } catch (RuntimeException | Error e) {
            fail(e);
        }
    }
}

package org.xenolith.core.backend;

import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Threads for calls that block, made when needed. Who may cause many calls gets a limited share, so
 * that a disk that hangs holds up nobody else's.
 */
public final class IoThreads implements AutoCloseable {
    private final ExecutorService pool = Executors.newCachedThreadPool(IoThreads::thread);

    private static Thread thread(Runnable work) {
        Thread thread = new Thread(work, "io");
        thread.setDaemon(true);
        return thread;
    }

    Executor unlimited() {
        return pool;
    }

    /** An executor that uses so many of the threads at most, and keeps the rest of its work. */
    Executor limited(int threads) {
        return new Limited(pool, threads);
    }

    /** Takes no more work; what is under way ends. */
    @Override
    public void close() {
        pool.shutdown();
    }

    static final class Limited implements Executor {
        private final Executor pool;
        private final int limit;
        private final AtomicInteger threads = new AtomicInteger();
        private final Queue<Runnable> waiting = new ConcurrentLinkedQueue<>();

        Limited(Executor pool, int limit) {
            this.pool = pool;
            this.limit = limit;
        }

        @Override
        public void execute(Runnable work) {
            waiting.add(work);
            startThread();
        }

        private void startThread() {
            int now = threads.get();
            while (now < limit) {
                if (threads.compareAndSet(now, now + 1)) {
                    startCounted();
                    return;
                }
                now = threads.get();
            }
        }

        /** A host that is out of threads has some later: then it must not look as if all ran. */
        private void startCounted() {
            boolean started = false;
            try {
                pool.execute(this::work);
                started = true;
            } finally {
                if (!started) {
                    threads.decrementAndGet();
                }
            }
        }

        private void work() {
            try {
                Runnable next;
                while ((next = waiting.poll()) != null) {
                    next.run();
                }
            } finally {
                threads.decrementAndGet();
                // What came between the last look and the decrement found all threads busy; or
                // work has thrown, and what waits behind it needs another thread.
                if (!waiting.isEmpty()) {
                    startThread();
                }
            }
        }
    }
}

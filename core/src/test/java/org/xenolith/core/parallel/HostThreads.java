package org.xenolith.core.parallel;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.atomic.AtomicReference;

/** Runs the parts of a test on host threads of their own, all from the same moment on. */
public final class HostThreads {
    private static final long PATIENCE_MILLIS = 60_000;

    private HostThreads() {}

    /** What one thread does; what it throws fails the test. */
    @FunctionalInterface
    public interface Part {
        void run() throws Exception;
    }

    /**
     * Returns when all parts have ended.
     *
     * @throws AssertionError when one failed, or did not end: with the stacks of those that hang
     */
    public static void together(Part... parts) {
        AtomicReference<Throwable> failure = new AtomicReference<>();
        CyclicBarrier start = new CyclicBarrier(parts.length);
        List<Thread> threads = new ArrayList<>();
        for (Part part : parts) {
            // Daemons: two that wait for each other must not keep the JVM.
            threads.add(Thread.ofPlatform().daemon().start(() -> run(part, start, failure)));
        }
        long end = System.nanoTime() + PATIENCE_MILLIS * 1_000_000;
        for (Thread thread : threads) {
            join(thread, Math.max(1, (end - System.nanoTime()) / 1_000_000), threads);
        }
        if (failure.get() != null) {
            throw new AssertionError("a part failed", failure.get());
        }
    }

    private static void run(Part part, CyclicBarrier start, AtomicReference<Throwable> failure) {
        try {
            start.await();
            part.run();
        } catch (BrokenBarrierException | InterruptedException e) {
            failure.compareAndSet(null, e);
        } catch (Exception | Error e) {
            failure.compareAndSet(null, e);
        }
    }

    private static void join(Thread thread, long millis, List<Thread> all) {
        try {
            thread.join(millis);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        if (thread.isAlive()) {
            AssertionError hangs = new AssertionError("parts that do not end");
            for (Thread one : all) {
                Throwable where = new Throwable("stack of " + one.getName());
                where.setStackTrace(one.getStackTrace());
                hangs.addSuppressed(where);
            }
            throw hangs;
        }
    }
}

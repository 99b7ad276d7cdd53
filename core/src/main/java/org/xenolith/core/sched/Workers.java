package org.xenolith.core.sched;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;

/**
 * The host threads that run vCPUs, and how they wait for work: one at most sleeps by the clock.
 *
 * <p>Called with the scheduler's lock held, but for {@link #start} and {@link #stop}; a thread that
 * waits lets the lock go.
 */
final class Workers {
    private final ReentrantLock lock;
    private final Condition work;
    private final Deadlines deadlines;
    private final VirtualTime virtualTime;

    /** None comes any more once {@link #stopped}. */
    private final List<Thread> threads = new ArrayList<>();

    private boolean stopped;
    private int waiting;

    /** Host time until which some thread sleeps at most; {@link Task#NEVER} when none watches. */
    private long watchedUntil = Task.NEVER;

    /**
     * @param lock the scheduler's
     */
    Workers(ReentrantLock lock, Deadlines deadlines, VirtualTime virtualTime) {
        this.lock = lock;
        this.work = lock.newCondition();
        this.deadlines = deadlines;
        this.virtualTime = virtualTime;
    }

    /**
     * Starts threads, unless all were ended; without the lock.
     *
     * @param hostThreads how many there are to be, unless there are more
     * @param runNext runs the vCPU whose turn it is, called with the lock held; false when there is
     *     none
     */
    void start(int hostThreads, BooleanSupplier runNext) {
        lock.lock();
        try {
            while (!stopped && threads.size() < hostThreads) {
                Thread thread = new Thread(() -> work(runNext), "vcpu-runner-" + threads.size());
                thread.setDaemon(true);
                threads.add(thread);
                thread.start();
            }
        } finally {
            lock.unlock();
        }
    }

    /** Ends the threads and waits for them, but for the caller's own; without the lock. */
    void stop() {
        lock.lock();
        try {
            stopped = true;
            work.signalAll();
        } finally {
            lock.unlock();
        }
        for (Thread thread : threads) {
            if (thread != Thread.currentThread()) {
                joinQuietly(thread);
            }
        }
    }

    private static void joinQuietly(Thread thread) {
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void work(BooleanSupplier runNext) {
        lock.lock();
        try {
            while (!stopped) {
                if (!runNext.getAsBoolean()) {
                    sleep();
                }
            }
        } finally {
            lock.unlock();
        }
    }

    /**
     * Sleeps until there is work. Virtual time jumps to the next deadline instead when nobody runs.
     */
    private void sleep() {
        if (virtualTime.skipToNextDeadline()) {
            return;
        }
        long wait = deadlines.nanosToNext();
        if (wait <= 0) {
            return;
        }
        waiting++;
        try {
            long until = deadlines.next();
            if (until < watchedUntil) {
                watchedUntil = until;
                work.awaitNanos(wait);
                watchedUntil = Task.NEVER;
            } else {
                work.await();
            }
        } catch (InterruptedException e) {
            stopped = true;
        } finally {
            waiting--;
        }
    }

    /** How many threads wait for work. */
    int waiting() {
        return waiting;
    }

    /** There is work for so many threads more. */
    void signal(int count) {
        for (int i = 0; i < count; i++) {
            work.signal();
        }
    }

    /** There may be work for all threads. */
    void signalAll() {
        work.signalAll();
    }

    /** Whether no thread wakes in time for a deadline; host time. */
    boolean wouldOversleep(long wakeAt) {
        return wakeAt < watchedUntil;
    }

    /** The caller has found a vCPU to run: another thread watches the timers if it was the one. */
    void passWatchOn() {
        if (watchedUntil == Task.NEVER && waiting > 0 && !deadlines.isEmpty()) {
            work.signal();
        }
    }
}

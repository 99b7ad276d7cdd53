package org.xenolith.core.sched;

import org.xenolith.core.domain.Domain;
import org.xenolith.core.domain.VirtualCpu;
import org.xenolith.core.domain.VirtualCpu.State;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Shares host threads among vCPUs. Each vCPU is charged the time it ran; the runnable one with the
 * least runs next, so that all get the same share. One that slept starts no further behind than the
 * least that is runnable: sleeping saves up no credit.
 *
 * <p>States of vCPUs change under this object's lock only.
 */
public final class Scheduler {
    /** Runs one vCPU until its slice is over or it has nothing to do. */
    @FunctionalInterface
    public interface Runner {
        /**
         * @param sliceNanos how long it may run
         * @return the state in which it stopped, not {@code RUNNING}
         */
        State run(VirtualCpu vcpu, long sliceNanos);
    }

    private static final long SLICE_NANOS = 5_000_000;
    private static final long MAX_WAIT_NANOS = 1_000_000_000;

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition work = lock.newCondition();
    private final Condition idle = lock.newCondition();
    private final List<Task> tasks = new ArrayList<>();
    private final List<Thread> threads = new ArrayList<>();
    private final Runner runner;
    private boolean stopped;
    private int waitingThreads;

    private static final class Task {
        final VirtualCpu vcpu;
        long charged;

        /** A wake-up came while the vCPU ran: it must look again before it sleeps. */
        boolean wakeRequested;

        Task(VirtualCpu vcpu) {
            this.vcpu = vcpu;
        }
    }

    public Scheduler(Runner runner) {
        this.runner = runner;
    }

    /** Starts host threads that run vCPUs. */
    public void start(int hostThreads) {
        for (int i = 0; i < hostThreads; i++) {
            Thread thread = new Thread(this::work, "vcpu-runner-" + i);
            thread.setDaemon(true);
            threads.add(thread);
            thread.start();
        }
    }

    /** Ends the host threads; vCPUs stay where they are. */
    public void stop() {
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

    /** Adds a vCPU in its present state. */
    public void add(VirtualCpu vcpu) {
        lock.lock();
        try {
            tasks.add(new Task(vcpu));
        } finally {
            lock.unlock();
        }
    }

    /** Removes the vCPUs of a domain that has ended; returns when none of them runs any more. */
    public void remove(Domain domain) {
        lock.lock();
        try {
            while (isRunning(domain)) {
                idle.awaitUninterruptibly();
            }
            tasks.removeIf(task -> task.vcpu.domain() == domain);
        } finally {
            lock.unlock();
        }
    }

    private boolean isRunning(Domain domain) {
        for (Task task : tasks) {
            if (task.vcpu.domain() == domain && task.vcpu.state == State.RUNNING) {
                return true;
            }
        }
        return false;
    }

    // ---- wake-ups
    // ----------------------------------------------------------------------------------------

    /** An offline vCPU may run. */
    public void online(VirtualCpu vcpu) {
        lock.lock();
        try {
            vcpu.waiting = VirtualCpu.Waiting.NOTHING;
            makeRunnable(taskOf(vcpu));
        } finally {
            lock.unlock();
        }
    }

    /** A vCPU is taken down by another one; takes effect when its slice ends. */
    public void offline(VirtualCpu vcpu) {
        lock.lock();
        try {
            vcpu.waiting = VirtualCpu.Waiting.ONLINE;
            if (vcpu.state != State.RUNNING) {
                vcpu.state = State.OFFLINE;
            }
        } finally {
            lock.unlock();
        }
    }

    /** Wakes a vCPU that waits; one that runs looks again before it sleeps. */
    public void wake(VirtualCpu vcpu) {
        lock.lock();
        try {
            Task task = taskOf(vcpu);
            if (task == null) {
                return;
            }
            switch (vcpu.state) {
                case BLOCKED, POLLING -> makeRunnable(task);
                case RUNNING -> task.wakeRequested = true;
                case RUNNABLE, OFFLINE -> {}
            }
        } finally {
            lock.unlock();
        }
    }

    /** Something was posted to a domain: some vCPU of it must come to a poll point. */
    public void attend(Domain domain) {
        lock.lock();
        try {
            Task sleeping = null;
            for (Task task : tasks) {
                if (task.vcpu.domain() != domain) {
                    continue;
                }
                switch (task.vcpu.state) {
                    case RUNNING -> {
                        task.wakeRequested = true;
                        return;
                    }
                    case RUNNABLE -> {
                        return;
                    }
                    case BLOCKED, POLLING -> sleeping = sleeping == null ? task : sleeping;
                    case OFFLINE -> {}
                }
            }
            if (sleeping != null) {
                makeRunnable(sleeping);
            }
        } finally {
            lock.unlock();
        }
    }

    /** A domain has ended: its vCPUs run no more. */
    public void ended(Domain domain) {
        lock.lock();
        try {
            for (Task task : tasks) {
                if (task.vcpu.domain() == domain && task.vcpu.state != State.RUNNING) {
                    task.vcpu.state = State.OFFLINE;
                }
            }
            work.signalAll();
            idle.signalAll();
        } finally {
            lock.unlock();
        }
    }

    private Task taskOf(VirtualCpu vcpu) {
        for (Task task : tasks) {
            if (task.vcpu == vcpu) {
                return task;
            }
        }
        return null;
    }

    private void makeRunnable(Task task) {
        long least = Long.MAX_VALUE;
        for (Task other : tasks) {
            if (other.vcpu.state == State.RUNNABLE || other.vcpu.state == State.RUNNING) {
                least = Math.min(least, other.charged);
            }
        }
        if (least != Long.MAX_VALUE) {
            task.charged = Math.max(task.charged, least);
        }
        task.vcpu.state = State.RUNNABLE;
        work.signal();
    }

    // ---- the host threads
    // --------------------------------------------------------------------------------

    private void work() {
        lock.lock();
        try {
            while (!stopped) {
                Task task = next();
                if (task == null) {
                    await();
                } else {
                    run(task);
                }
            }
        } finally {
            lock.unlock();
        }
    }

    private Task next() {
        expireTimers();
        Task best = null;
        for (Task task : tasks) {
            if (task.vcpu.state == State.RUNNABLE
                    && (best == null || task.charged < best.charged)) {
                best = task;
            }
        }
        return best;
    }

    private void run(Task task) {
        VirtualCpu vcpu = task.vcpu;
        vcpu.state = State.RUNNING;
        task.wakeRequested = false;
        lock.unlock();
        long start = System.nanoTime();
        State stopped;
        try {
            stopped = runner.run(vcpu, SLICE_NANOS);
        } finally {
            lock.lock();
        }
        task.charged += System.nanoTime() - start;
        boolean sleeps = stopped == State.BLOCKED || stopped == State.POLLING;
        boolean again = sleeps && (task.wakeRequested || vcpu.domain().hasPosted());
        vcpu.state = vcpu.domain().hasEnded() ? State.OFFLINE : again ? State.RUNNABLE : stopped;
        idle.signalAll();
    }

    private void expireTimers() {
        for (Task task : tasks) {
            VirtualCpu vcpu = task.vcpu;
            if (isWaiting(vcpu) && vcpu.nextDeadline() <= vcpu.systemTime()) {
                makeRunnable(task);
            }
        }
    }

    private static boolean isWaiting(VirtualCpu vcpu) {
        return vcpu.state == State.BLOCKED || vcpu.state == State.POLLING;
    }

    /** Sleeps until the next timer; virtual time jumps there instead when nobody runs. */
    private void await() {
        long wait = MAX_WAIT_NANOS;
        VirtualCpu earliest = null;
        for (Task task : tasks) {
            VirtualCpu vcpu = task.vcpu;
            if (!isWaiting(vcpu)) {
                continue;
            }
            long left = vcpu.nextDeadline() - vcpu.systemTime();
            if (vcpu.nextDeadline() != VirtualCpu.NEVER && left < wait) {
                wait = left;
                earliest = vcpu;
            }
        }
        if (earliest != null
                && !earliest.domain().clock().isLive()
                && !isRunning(earliest.domain())) {
            Domain domain = earliest.domain();
            domain.clock().skipTo(earliest.nextDeadline(), domain.retired());
            return;
        }
        if (wait > 0) {
            waitingThreads++;
            try {
                work.awaitNanos(wait);
            } catch (InterruptedException e) {
                stopped = true;
            } finally {
                waitingThreads--;
            }
        }
    }

    /** Whether no vCPU runs or could run now. */
    public boolean isIdle() {
        lock.lock();
        try {
            return waitingThreads == threads.size();
        } finally {
            lock.unlock();
        }
    }
}

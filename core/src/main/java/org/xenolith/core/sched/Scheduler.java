package org.xenolith.core.sched;

import org.xenolith.core.domain.Domain;
import org.xenolith.core.domain.VirtualCpu;
import org.xenolith.core.domain.VirtualCpu.State;

import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;

/**
 * Shares host threads among vCPUs. Each vCPU is charged the time it ran; the runnable one with the
 * least runs next, so that all get the same share. One that slept starts no further behind than the
 * vCPU that ran last: sleeping saves up no credit.
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
    private static final long NEVER = Long.MAX_VALUE;

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition work = lock.newCondition();
    private final Condition idle = lock.newCondition();
    private final List<Task> tasks = new ArrayList<>();
    private final Map<VirtualCpu, Task> taskOf = new IdentityHashMap<>();
    private final List<Thread> threads = new ArrayList<>();
    private final Runner runner;
    private final LongSupplier nanoTime;
    private boolean stopped;
    private int waitingThreads;

    /** Charge of the vCPU that was chosen last; never falls. */
    private long floor;

    /**
     * Host time until which some thread sleeps at most; {@link #NEVER} when none watches timers.
     */
    private long watchedUntil = NEVER;

    private static final class Task {
        final VirtualCpu vcpu;
        long charged;

        /** A wake-up came while the vCPU ran: it must look again before it sleeps. */
        boolean wakeRequested;

        /** It lets any other runnable vCPU go first, once. */
        boolean yields;

        Task(VirtualCpu vcpu) {
            this.vcpu = vcpu;
        }

        boolean goesBefore(Task other) {
            return yields == other.yields ? charged < other.charged : !yields;
        }
    }

    public Scheduler(Runner runner) {
        this(runner, System::nanoTime);
    }

    /**
     * @param nanoTime what live domains' vCPUs are charged by
     */
    Scheduler(Runner runner, LongSupplier nanoTime) {
        this.runner = runner;
        this.nanoTime = nanoTime;
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
            Task task = new Task(vcpu);
            tasks.add(task);
            taskOf.put(vcpu, task);
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
            taskOf.keySet().removeIf(vcpu -> vcpu.domain() == domain);
        } finally {
            lock.unlock();
        }
    }

    /**
     * Holds a domain still; returns when none of its vCPUs runs any more. Not for its own threads.
     */
    public void pause(Domain domain) {
        lock.lock();
        try {
            domain.setPaused(true);
            while (isRunning(domain)) {
                idle.awaitUninterruptibly();
            }
        } finally {
            lock.unlock();
        }
    }

    /** Lets a paused domain go on. */
    public void unpause(Domain domain) {
        lock.lock();
        try {
            domain.setPaused(false);
            work.signalAll();
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

    /** A vCPU that is down may run; one that is about to go down stays up. */
    public void online(VirtualCpu vcpu) {
        lock.lock();
        try {
            vcpu.down = false;
            if (vcpu.state == State.OFFLINE) {
                makeRunnable(taskOf.get(vcpu));
            }
        } finally {
            lock.unlock();
        }
    }

    /** A vCPU goes down; if it runs, at its next poll point. */
    public void offline(VirtualCpu vcpu) {
        lock.lock();
        try {
            vcpu.down = true;
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
            Task task = taskOf.get(vcpu);
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

    private void makeRunnable(Task task) {
        task.charged = Math.max(task.charged, floor);
        task.vcpu.state = State.RUNNABLE;
        work.signal();
    }

    // ---- the host threads
    // --------------------------------------------------------------------------------

    private void work() {
        lock.lock();
        try {
            while (!stopped) {
                if (!runNextLocked()) {
                    sleep();
                }
            }
        } finally {
            lock.unlock();
        }
    }

    /**
     * Runs the vCPU whose turn it is, on the calling thread.
     *
     * @return false when there is none
     */
    boolean runNext() {
        lock.lock();
        try {
            return runNextLocked();
        } finally {
            lock.unlock();
        }
    }

    /** With the lock held once: a vCPU runs without it, or siblings could not. */
    private boolean runNextLocked() {
        Task task = next();
        if (task == null) {
            return false;
        }
        run(task);
        return true;
    }

    private Task next() {
        expireTimers();
        Task best = null;
        for (Task task : tasks) {
            if (task.vcpu.state == State.RUNNABLE
                    && (best == null || task.goesBefore(best))
                    && mayRun(task.vcpu.domain())) {
                best = task;
            }
        }
        if (best != null) {
            for (Task task : tasks) {
                task.yields = false;
            }
            floor = Math.max(floor, best.charged);
        }
        return best;
    }

    /** A domain in virtual time runs one vCPU at a time, so that its runs can be repeated. */
    private boolean mayRun(Domain domain) {
        return !domain.isPaused() && (domain.clock().isLive() || !isRunning(domain));
    }

    private void run(Task task) {
        VirtualCpu vcpu = task.vcpu;
        vcpu.state = State.RUNNING;
        task.wakeRequested = false;
        if (watchedUntil == NEVER && waitingThreads > 0 && nanosToNextDeadline() != NEVER) {
            // This thread was the one that watched the timers.
            work.signal();
        }
        long start = consumed(vcpu);
        State stoppedIn = State.OFFLINE;
        lock.unlock();
        try {
            stoppedIn = runner.run(vcpu, SLICE_NANOS);
        } finally {
            lock.lock();
            task.charged += consumed(vcpu) - start;
            settle(task, stoppedIn);
        }
    }

    /** What a vCPU is charged by: instructions in virtual time, so that turns can be repeated. */
    private long consumed(VirtualCpu vcpu) {
        return vcpu.domain().clock().isLive() ? nanoTime.getAsLong() : vcpu.cpu().retired();
    }

    private void settle(Task task, State stoppedIn) {
        VirtualCpu vcpu = task.vcpu;
        boolean sleeps = stoppedIn == State.BLOCKED || stoppedIn == State.POLLING;
        boolean lookAgain = sleeps && (task.wakeRequested || vcpu.domain().hasPosted());
        // Another vCPU's up may have come while this one was on its way down.
        boolean isUpAgain = stoppedIn == State.OFFLINE && !vcpu.down;
        if (vcpu.domain().hasEnded() || vcpu.down) {
            vcpu.state = State.OFFLINE;
        } else if (lookAgain || isUpAgain) {
            vcpu.state = State.RUNNABLE;
        } else {
            vcpu.state = stoppedIn;
        }
        if (vcpu.yielded) {
            vcpu.yielded = false;
            task.yields = true;
        }
        boolean siblingMayRun = !vcpu.domain().clock().isLive();
        if (waitingThreads > 0 && (siblingMayRun || isWaiting(vcpu) && isDueBeforeWatch(vcpu))) {
            work.signal();
        }
        idle.signalAll();
    }

    // ---- timers
    // ------------------------------------------------------------------------------------------

    private void expireTimers() {
        for (Task task : tasks) {
            VirtualCpu vcpu = task.vcpu;
            if (isWaiting(vcpu) && vcpu.nextDeadline() <= vcpu.systemTime()) {
                makeRunnable(task);
            }
        }
    }

    private static boolean isWaiting(VirtualCpu vcpu) {
        boolean sleeps = vcpu.state == State.BLOCKED || vcpu.state == State.POLLING;
        return sleeps && !vcpu.domain().isPaused();
    }

    private boolean isDueBeforeWatch(VirtualCpu vcpu) {
        long deadline = vcpu.nextDeadline();
        return deadline != NEVER && hostTimeIn(deadline - vcpu.systemTime()) < watchedUntil;
    }

    private long hostTimeIn(long nanos) {
        return nanos == NEVER ? NEVER : VirtualCpu.after(nanoTime.getAsLong(), nanos);
    }

    /** The waiting vCPU that wakes by itself first, or null. */
    private VirtualCpu nextByDeadline() {
        VirtualCpu earliest = null;
        long least = NEVER;
        for (Task task : tasks) {
            VirtualCpu vcpu = task.vcpu;
            if (isWaiting(vcpu) && vcpu.nextDeadline() != NEVER) {
                long left = vcpu.nextDeadline() - vcpu.systemTime();
                if (left < least) {
                    least = left;
                    earliest = vcpu;
                }
            }
        }
        return earliest;
    }

    private long nanosToNextDeadline() {
        VirtualCpu earliest = nextByDeadline();
        return earliest == null ? NEVER : earliest.nextDeadline() - earliest.systemTime();
    }

    /**
     * Sleeps until there is work. One thread at most sleeps by the clock; virtual time jumps to the
     * next deadline instead when nobody runs.
     */
    private void sleep() {
        if (skipToNextDeadline()) {
            return;
        }
        long wait = nanosToNextDeadline();
        if (wait <= 0) {
            return;
        }
        waitingThreads++;
        try {
            long until = hostTimeIn(wait);
            if (until < watchedUntil) {
                watchedUntil = until;
                work.awaitNanos(wait);
                watchedUntil = NEVER;
            } else {
                work.await();
            }
        } catch (InterruptedException e) {
            stopped = true;
        } finally {
            waitingThreads--;
        }
    }

    /**
     * Lets a domain in virtual time jump over the time in which all its vCPUs sleep.
     *
     * @return false when the next to wake lives in the host's time, or a sibling still runs
     */
    boolean skipToNextDeadline() {
        lock.lock();
        try {
            VirtualCpu earliest = nextByDeadline();
            if (earliest == null
                    || earliest.domain().clock().isLive()
                    || isRunning(earliest.domain())) {
                return false;
            }
            Domain domain = earliest.domain();
            domain.clock().skipTo(earliest.nextDeadline(), domain.retired());
            return true;
        } finally {
            lock.unlock();
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

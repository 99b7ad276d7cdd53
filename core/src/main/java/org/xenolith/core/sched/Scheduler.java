package org.xenolith.core.sched;

import org.xenolith.core.domain.Domain;
import org.xenolith.core.domain.VirtualCpu;
import org.xenolith.core.domain.VirtualCpu.State;

import java.util.IdentityHashMap;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;

/**
 * Shares host threads among vCPUs. Each vCPU is charged the time it ran; the runnable one with the
 * least runs next, so that all get the same share. One that slept starts no further behind than the
 * vCPU that ran last: sleeping saves up no credit. When it wakes and every host thread is busy, it
 * takes the place of one that has had {@link Slices#WAKEUP_GRANULARITY_NANOS} more: whoever only
 * answers the network does not wait for others' slices.
 *
 * <p>A domain that is paused keeps its states: its vCPUs are woken as ever, but none is run.
 *
 * <p>All of it is under one lock, which the parts share: states of vCPUs change under it only. It
 * is held for no longer than a few look-ups, and let go while a vCPU runs.
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

    private final ReentrantLock lock = new ReentrantLock();
    private final Map<VirtualCpu, Task> taskOf = new IdentityHashMap<>();
    private final Map<Domain, DomainTasks> domains = new IdentityHashMap<>();
    private final VirtualTime virtualTime = new VirtualTime();
    private final LongSupplier nanoTime;
    private final Deadlines deadlines;
    private final Turns turns;
    private final Workers workers;
    private final Slices slices;
    private long nextOrder;

    /**
     * A vCPU's place among others, for a copy of its domain.
     *
     * @param charged time that it was charged more than whose turn came last; below 0 for less
     * @param yields whether it lets others go first
     */
    public record Turn(long charged, boolean yields) {
        /** More than any slice that is not disturbed. */
        private static final long MOST = 1_000_000_000;

        /** Whether {@link #turnOf} can have said it: a copy may come from anywhere. */
        public boolean isPossible() {
            return charged >= -MOST && charged <= MOST;
        }
    }

    public Scheduler(Runner runner) {
        this(runner, System::nanoTime);
    }

    /**
     * @param nanoTime what live domains' vCPUs are charged by
     */
    Scheduler(Runner runner, LongSupplier nanoTime) {
        this.nanoTime = nanoTime;
        deadlines = new Deadlines(nanoTime);
        turns = new Turns(deadlines);
        workers = new Workers(lock, deadlines, virtualTime);
        slices = new Slices(lock, turns, deadlines, virtualTime, workers, runner, nanoTime);
    }

    /**
     * Starts host threads that run vCPUs.
     *
     * @param hostThreads how many there are to be, unless there are more
     */
    public void start(int hostThreads) {
        workers.start(hostThreads, slices::runNext);
    }

    /** How many vCPUs wait for a host thread; below 0 when so many threads have none to run. */
    public int queueLength() {
        lock.lock();
        try {
            return turns.ready() - workers.waiting();
        } finally {
            lock.unlock();
        }
    }

    /** Ends the host threads; vCPUs stay where they are. */
    public void stop() {
        workers.stop();
    }

    /** Adds a vCPU in its present state. */
    public void add(VirtualCpu vcpu) {
        lock.lock();
        try {
            DomainTasks siblings = domains.computeIfAbsent(vcpu.domain(), this::newDomain);
            Task task = new Task(vcpu, siblings, nextOrder++);
            siblings.tasks.add(task);
            taskOf.put(vcpu, task);
            turns.place(task);
        } finally {
            lock.unlock();
        }
    }

    private DomainTasks newDomain(Domain domain) {
        DomainTasks tasks = new DomainTasks(domain, nanoTime.getAsLong());
        if (!tasks.isLive()) {
            virtualTime.add(tasks);
        }
        return tasks;
    }

    /** Removes the vCPUs of a domain that has ended; returns when none of them runs any more. */
    public void remove(Domain domain) {
        lock.lock();
        try {
            DomainTasks tasks = domains.get(domain);
            if (tasks == null) {
                return;
            }
            slices.awaitNoneRuns(tasks);
            for (Task task : tasks.tasks) {
                turns.displace(task);
                taskOf.remove(task.vcpu);
            }
            domains.remove(domain);
            virtualTime.remove(tasks);
        } finally {
            lock.unlock();
        }
    }

    // ---- pauses
    // ------------------------------------------------------------------------------------------

    /** Lets no vCPU of a domain run any more; those that run stop at their next poll point. */
    public void beginPause(Domain domain) {
        lock.lock();
        try {
            DomainTasks tasks = domains.get(domain);
            if (tasks != null && !tasks.paused) {
                tasks.tasks.forEach(turns::displace);
                tasks.paused = true;
            }
            domain.setPaused(true);
            if (tasks != null) {
                tasks.kickRunning();
            }
        } finally {
            lock.unlock();
        }
    }

    /**
     * Pauses a domain and returns when none of its vCPUs runs: what it is made of is data now. Not
     * to be called by a thread that runs one of them.
     */
    public void pause(Domain domain) {
        beginPause(domain);
        lock.lock();
        try {
            DomainTasks tasks = domains.get(domain);
            if (tasks != null) {
                slices.awaitNoneRuns(tasks);
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
            DomainTasks tasks = domains.get(domain);
            if (tasks != null && tasks.paused) {
                tasks.paused = false;
                tasks.slack.stir(nanoTime.getAsLong());
                tasks.tasks.forEach(turns::placeAfterPause);
                workers.signalAll();
                // Of a restored domain it may have come before its vCPUs were known here.
                Task sleeping = domain.hasPosted() ? tasks.whoMustAttend() : null;
                if (sleeping != null) {
                    slices.wake(sleeping);
                }
            }
        } finally {
            lock.unlock();
        }
    }

    /** The place of a vCPU of a paused domain among others. */
    public Turn turnOf(VirtualCpu vcpu) {
        lock.lock();
        try {
            Task task = taskOf.get(vcpu);
            long charged = task.charged - turns.floor();
            // Who sleeps starts no further behind than whose turn it is when it wakes.
            boolean isReady = vcpu.state == State.RUNNABLE;
            // The host may have stood still for long while it ran.
            return new Turn(Math.clamp(charged, isReady ? -Turn.MOST : 0, Turn.MOST), task.yields);
        } finally {
            lock.unlock();
        }
    }

    /** Gives a vCPU of a paused domain the state and the place that another one had. */
    public void restore(VirtualCpu vcpu, State state, Turn turn) {
        lock.lock();
        try {
            Task task = taskOf.get(vcpu);
            turns.displace(task);
            task.charged = turns.floor() + turn.charged();
            task.yields = turn.yields();
            task.isInterrupted = vcpu.isSliceInterrupted();
            vcpu.state = state;
            turns.place(task);
        } finally {
            lock.unlock();
        }
    }

    // ---- wake-ups
    // ----------------------------------------------------------------------------------------

    /**
     * A vCPU that is down may run; one that is about to go down stays up. Nothing happens to one
     * that was removed.
     */
    public void online(VirtualCpu vcpu) {
        lock.lock();
        try {
            vcpu.down = false;
            Task task = taskOf.get(vcpu);
            if (task != null && vcpu.state == State.OFFLINE) {
                slices.wake(task);
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
            Task task = taskOf.get(vcpu);
            if (vcpu.state == State.RUNNING) {
                vcpu.kick();
            } else if (task != null) {
                turns.change(task, State.OFFLINE);
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
                case BLOCKED, POLLING -> slices.wake(task);
                case RUNNING -> {
                    task.wakeRequested = true;
                    vcpu.kick();
                }
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
            DomainTasks tasks = domains.get(domain);
            if (tasks == null) {
                return;
            }
            slices.stir(tasks);
            Task sleeping = tasks.whoMustAttend();
            if (sleeping != null) {
                slices.wake(sleeping);
            }
        } finally {
            lock.unlock();
        }
    }

    /** A domain's timers may be later than before, or less late: those that wait already too. */
    public void timerSlackChanged(Domain domain) {
        lock.lock();
        try {
            DomainTasks tasks = domains.get(domain);
            if (tasks != null && tasks.isLive()) {
                slices.wakeOnTime(tasks);
            }
        } finally {
            lock.unlock();
        }
    }

    /** A domain has ended: its vCPUs run no more. */
    public void ended(Domain domain) {
        lock.lock();
        try {
            DomainTasks tasks = domains.get(domain);
            if (tasks != null) {
                tasks.kickRunning();
                for (Task task : tasks.tasks) {
                    if (task.vcpu.state != State.RUNNING) {
                        turns.change(task, State.OFFLINE);
                    }
                }
            }
            workers.signalAll();
        } finally {
            lock.unlock();
        }
    }

    // ---- for tests, in the place of host threads
    // ---------------------------------------------------------

    /**
     * Runs the vCPU whose turn it is, on the calling thread.
     *
     * @return false when there is none
     */
    boolean runNext() {
        lock.lock();
        try {
            return slices.runNext();
        } finally {
            lock.unlock();
        }
    }

    /**
     * Lets domains in virtual time jump over the time in which all their vCPUs sleep.
     *
     * @return whether any did
     */
    boolean skipToNextDeadline() {
        lock.lock();
        try {
            return virtualTime.skipToNextDeadline();
        } finally {
            lock.unlock();
        }
    }
}

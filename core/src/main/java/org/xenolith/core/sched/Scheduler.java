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
 * vCPU that ran last: sleeping saves up no credit. When it wakes and every host thread is busy, it
 * takes the place of one that has had {@link #WAKEUP_GRANULARITY_NANOS} more: whoever only answers
 * the network does not wait for others' slices.
 *
 * <p>A domain that is paused keeps its states: its vCPUs are woken as ever, but none is run.
 *
 * <p>States of vCPUs change under this object's lock only; {@link Turns} keeps their order.
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

    /** As much ahead of one that wakes a vCPU may run on; shorter turns would only cost. */
    static final long WAKEUP_GRANULARITY_NANOS = 500_000;

    private static final long NEVER = Task.NEVER;

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition work = lock.newCondition();
    private final Condition idle = lock.newCondition();
    private final Map<VirtualCpu, Task> taskOf = new IdentityHashMap<>();
    private final Map<Domain, DomainTasks> domains = new IdentityHashMap<>();

    /** Those whose time the scheduler itself moves on. */
    private final List<DomainTasks> virtualDomains = new ArrayList<>();

    private final Turns turns;
    private final List<Task> running = new ArrayList<>();
    private final List<Thread> threads = new ArrayList<>();
    private final Runner runner;
    private final LongSupplier nanoTime;
    private boolean stopped;
    private int waitingThreads;
    private long nextOrder;

    /** Charge of the vCPU that was chosen last; never falls. */
    private long floor;

    /**
     * Host time until which some thread sleeps at most; {@link #NEVER} when none watches timers.
     */
    private long watchedUntil = NEVER;

    /**
     * A vCPU's place among others, for a copy of its domain.
     *
     * @param charged time that it was charged more than whose turn came last; below 0 for less
     * @param yields whether it lets others go first
     */
    public record Turn(long charged, boolean yields) {}

    public Scheduler(Runner runner) {
        this(runner, System::nanoTime);
    }

    /**
     * @param nanoTime what live domains' vCPUs are charged by
     */
    Scheduler(Runner runner, LongSupplier nanoTime) {
        this.runner = runner;
        this.nanoTime = nanoTime;
        this.turns = new Turns(nanoTime);
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
        DomainTasks tasks = new DomainTasks(domain);
        if (!tasks.isLive()) {
            virtualDomains.add(tasks);
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
            while (tasks.running > 0) {
                idle.awaitUninterruptibly();
            }
            for (Task task : tasks.tasks) {
                turns.displace(task);
                taskOf.remove(task.vcpu);
            }
            domains.remove(domain);
            virtualDomains.remove(tasks);
        } finally {
            lock.unlock();
        }
    }

    private void change(Task task, State state) {
        turns.displace(task);
        task.vcpu.state = state;
        turns.place(task);
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
            while (tasks != null && tasks.running > 0) {
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
            DomainTasks tasks = domains.get(domain);
            if (tasks != null && tasks.paused) {
                tasks.paused = false;
                tasks.tasks.forEach(turns::place);
                work.signalAll();
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
            long charged = task.charged - floor;
            // Who sleeps starts no further behind than whose turn it is when it wakes.
            boolean isReady = vcpu.state == State.RUNNABLE;
            return new Turn(isReady ? charged : Math.max(0, charged), task.yields);
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
            task.charged = floor + turn.charged();
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
            if (vcpu.state == State.RUNNING) {
                vcpu.kick();
            } else {
                change(taskOf.get(vcpu), State.OFFLINE);
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
            Task sleeping = tasks == null ? null : tasks.whoMustAttend();
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
            DomainTasks tasks = domains.get(domain);
            if (tasks != null) {
                tasks.kickRunning();
                for (Task task : tasks.tasks) {
                    if (task.vcpu.state != State.RUNNING) {
                        change(task, State.OFFLINE);
                    }
                }
            }
            work.signalAll();
            idle.signalAll();
        } finally {
            lock.unlock();
        }
    }

    private void makeRunnable(Task task) {
        getReady(task);
        if (turns.ready() > waitingThreads) {
            makeWayFor(task);
        }
    }

    private void getReady(Task task) {
        turns.displace(task);
        task.charged = Math.max(task.charged, floor);
        task.vcpu.state = State.RUNNABLE;
        turns.place(task);
        work.signal();
    }

    /** No thread is free: ends the slice of who has had most, if that is noticeably more. */
    private void makeWayFor(Task woken) {
        long most = woken.charged + WAKEUP_GRANULARITY_NANOS;
        Task ahead = null;
        for (Task task : running) {
            // In virtual time slices end where they always ended, and charges are instructions.
            if (!task.siblings.isLive() || !woken.siblings.isLive()) {
                continue;
            }
            if (task.vcpu.isSliceCut()) {
                return; // its thread is on its way to whose turn it is
            }
            long charge = task.charged + consumed(task.vcpu) - task.startedAt;
            if (charge > most) {
                most = charge;
                ahead = task;
            }
        }
        if (ahead != null) {
            ahead.vcpu.cutSlice();
        }
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
        Task best = turns.first();
        if (best == null) {
            return null;
        }
        turns.displace(best);
        if (!best.isInterrupted) {
            best.yields = false;
            turns.nobodyYields();
            floor = Math.max(floor, best.charged);
        }
        return best;
    }

    private void run(Task task) {
        VirtualCpu vcpu = task.vcpu;
        vcpu.state = State.RUNNING;
        task.siblings.running++;
        task.wakeRequested = false;
        if (watchedUntil == NEVER && waitingThreads > 0 && turns.hasSleepers()) {
            // This thread was the one that watched the timers.
            work.signal();
        }
        task.startedAt = consumed(vcpu);
        vcpu.beginSlice();
        running.add(task);
        long slice = sliceOf(task);
        State stoppedIn = State.OFFLINE;
        lock.unlock();
        try {
            stoppedIn = runner.run(vcpu, slice);
        } finally {
            lock.lock();
            running.remove(task);
            task.siblings.running--;
            task.charged += consumed(vcpu) - task.startedAt;
            settle(task, stoppedIn);
        }
    }

    /** Shorter when nobody else is free to see a sleeper's deadline pass. */
    private long sliceOf(Task task) {
        if (!task.siblings.isLive() || waitingThreads > 0 || !turns.hasSleepers()) {
            return SLICE_NANOS;
        }
        return Math.clamp(nanosToNextDeadline(), WAKEUP_GRANULARITY_NANOS, SLICE_NANOS);
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
        task.isInterrupted = vcpu.isSliceInterrupted();
        turns.place(task);
        handOnPosted(task);
        boolean siblingMayRun = !task.siblings.isLive();
        if (waitingThreads > 0 && (siblingMayRun || task.wakeAt < watchedUntil)) {
            work.signal();
        }
        idle.signalAll();
    }

    /** What was posted to a vCPU that went down meanwhile waits for a sibling. */
    private static boolean leavesPosted(Task task) {
        VirtualCpu vcpu = task.vcpu;
        return vcpu.state == State.OFFLINE
                && vcpu.domain().hasPosted()
                && !vcpu.domain().hasEnded();
    }

    private void handOnPosted(Task task) {
        Task sleeping = leavesPosted(task) ? task.siblings.whoMustAttend() : null;
        if (sleeping != null) {
            makeRunnable(sleeping);
        }
    }

    // ---- timers
    // ------------------------------------------------------------------------------------------

    private void expireTimers() {
        // The thread that looks at the clock is free.
        for (Task task = turns.due(); task != null; task = turns.due()) {
            getReady(task);
        }
        for (DomainTasks tasks : virtualDomains) {
            if (!tasks.sleepers.isEmpty()) {
                long now = tasks.tasks.getFirst().vcpu.systemTime();
                while (!tasks.sleepers.isEmpty() && tasks.sleepers.first().wakeAt <= now) {
                    getReady(tasks.sleepers.first());
                }
            }
        }
    }

    private long nanosToNextDeadline() {
        long wakeAt = turns.nextWakeAt();
        return wakeAt == NEVER ? NEVER : wakeAt - nanoTime.getAsLong();
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
            long until = turns.nextWakeAt();
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
     * Lets domains in virtual time jump over the time in which all their vCPUs sleep.
     *
     * @return whether any did
     */
    boolean skipToNextDeadline() {
        lock.lock();
        try {
            boolean skipped = false;
            for (DomainTasks tasks : virtualDomains) {
                if (!tasks.sleepers.isEmpty() && tasks.running == 0) {
                    long deadline = tasks.sleepers.first().wakeAt;
                    tasks.domain.clock().skipTo(deadline, tasks.domain.retired());
                    skipped = true;
                }
            }
            return skipped;
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

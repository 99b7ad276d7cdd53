package org.xenolith.core.sched;

import org.xenolith.core.domain.VirtualCpu;
import org.xenolith.core.domain.VirtualCpu.State;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;

/**
 * Runs vCPUs on the calling thread, a slice each: how long it may be, what it costs, when it ends
 * early for one that wakes, and the vCPU's state after it.
 *
 * <p>Called with the scheduler's lock held, by {@link #runNext} held once: it lets the lock go
 * while the vCPU runs.
 */
final class Slices {
    /** As much ahead of one that wakes a vCPU may run on; shorter turns would only cost. */
    static final long WAKEUP_GRANULARITY_NANOS = 500_000;

    private static final long SLICE_NANOS = 5_000_000;

    private final ReentrantLock lock;

    /** Some vCPU has stopped running. */
    private final Condition stoppedRunning;

    private final Turns turns;
    private final Deadlines deadlines;
    private final VirtualTime virtualTime;
    private final Workers workers;
    private final Scheduler.Runner runner;
    private final LongSupplier nanoTime;
    private final List<Task> running = new ArrayList<>();

    /**
     * @param lock the scheduler's
     * @param nanoTime what live domains' vCPUs are charged by
     */
    Slices(
            ReentrantLock lock,
            Turns turns,
            Deadlines deadlines,
            VirtualTime virtualTime,
            Workers workers,
            Scheduler.Runner runner,
            LongSupplier nanoTime) {
        this.lock = lock;
        this.stoppedRunning = lock.newCondition();
        this.turns = turns;
        this.deadlines = deadlines;
        this.virtualTime = virtualTime;
        this.workers = workers;
        this.runner = runner;
        this.nanoTime = nanoTime;
    }

    /**
     * Runs the vCPU whose turn it is. With the lock held once, or siblings could not run meanwhile.
     *
     * @return false when there is none
     */
    boolean runNext() {
        assert lock.getHoldCount() == 1;
        // The thread that looks at the clock is free: nobody has to make way.
        workers.signal(deadlines.wakeDue(turns) + virtualTime.wakeDue(turns));
        Task task = turns.takeNext();
        if (task == null) {
            return false;
        }
        run(task);
        return true;
    }

    private void run(Task task) {
        VirtualCpu vcpu = task.vcpu;
        vcpu.state = State.RUNNING;
        task.siblings.running++;
        task.wakeRequested = false;
        workers.passWatchOn();
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
            charge(task);
            settle(task, stoppedIn);
        }
    }

    /** Shorter when nobody else is free to see a sleeper's deadline pass. */
    private long sliceOf(Task task) {
        if (!task.siblings.isLive() || workers.waiting() > 0 || deadlines.isEmpty()) {
            return SLICE_NANOS;
        }
        return Math.clamp(deadlines.nanosToNext(), WAKEUP_GRANULARITY_NANOS, SLICE_NANOS);
    }

    /** What a vCPU is charged by: instructions in virtual time, so that turns can be repeated. */
    private long consumed(VirtualCpu vcpu) {
        return vcpu.domain().clock().isLive() ? nanoTime.getAsLong() : vcpu.cpu().retired();
    }

    private void charge(Task task) {
        long now = consumed(task.vcpu);
        long ran = now - task.startedAt;
        task.charged += ran;
        if (task.siblings.isLive() && task.siblings.slack.ran(ran, now)) {
            wakeOnTime(task.siblings);
        }
    }

    /** Something was posted for a domain: its timers are on time, those too that wait already. */
    void stir(DomainTasks tasks) {
        if (tasks.slack.stir(nanoTime.getAsLong()) && tasks.isLive()) {
            wakeOnTime(tasks);
        }
    }

    /** Has those who sleep wake when their timers want it now, and not when they wanted it then. */
    void wakeOnTime(DomainTasks tasks) {
        if (tasks.paused) {
            return; // they stand nowhere, and are asked again when the pause is over
        }
        for (Task task : tasks.tasks) {
            if (task.vcpu.state == State.BLOCKED) {
                deadlines.remove(task);
                deadlines.add(task);
            }
        }
        if (workers.wouldOversleep(deadlines.next())) {
            workers.signal(1);
        }
    }

    private void settle(Task task, State stoppedIn) {
        VirtualCpu vcpu = task.vcpu;
        vcpu.state = stateAfter(task, stoppedIn);
        if (vcpu.state == State.RUNNABLE && stoppedIn != State.RUNNABLE) {
            Turns.waitsForATurn(vcpu);
        }
        if (vcpu.yielded) {
            vcpu.yielded = false;
            task.yields = true;
        }
        task.isInterrupted = vcpu.isSliceInterrupted();
        turns.place(task);
        handOnPosted(task);
        boolean siblingMayRun = !task.siblings.isLive();
        if (siblingMayRun || workers.wouldOversleep(task.wakeAt)) {
            workers.signal(1);
        }
        stoppedRunning.signalAll();
    }

    private static State stateAfter(Task task, State stoppedIn) {
        VirtualCpu vcpu = task.vcpu;
        if (vcpu.domain().hasEnded() || vcpu.down) {
            return State.OFFLINE;
        }
        boolean sleeps = stoppedIn == State.BLOCKED || stoppedIn == State.POLLING;
        boolean lookAgain = sleeps && (task.wakeRequested || vcpu.domain().hasPosted());
        // Another vCPU's up may have come while this one was on its way down.
        boolean isUpAgain = stoppedIn == State.OFFLINE;
        return lookAgain || isUpAgain ? State.RUNNABLE : stoppedIn;
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
            wake(sleeping);
        }
    }

    /** Waits until none of a domain's vCPUs runs; the lock is let go meanwhile. */
    void awaitNoneRuns(DomainTasks tasks) {
        while (tasks.running > 0) {
            stoppedRunning.awaitUninterruptibly();
        }
    }

    // ---- wake-ups
    // ----------------------------------------------------------------------------------------

    /** Lets a vCPU run that slept or was down, on a thread that waits or in another's place. */
    void wake(Task task) {
        turns.wake(task);
        workers.signal(1);
        if (turns.ready() > workers.waiting()) {
            makeWayFor(task);
        }
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
}

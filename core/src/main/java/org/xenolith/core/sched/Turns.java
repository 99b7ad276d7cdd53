package org.xenolith.core.sched;

import org.xenolith.core.domain.VirtualCpu;

import java.util.TreeSet;
import java.util.function.LongSupplier;

/**
 * Who may run, in the order of turns, and who sleeps, in that of deadlines: hundreds of idle guests
 * cost nothing. Touched under the scheduler's lock only.
 */
final class Turns {
    /** Who may run. */
    private final TreeSet<Task> ready = new TreeSet<>(Task.BY_TURN);

    /** Who may run, but lets all of {@link #ready} go first. */
    private final TreeSet<Task> yielding = new TreeSet<>(Task.BY_TURN);

    /** Who waits for a deadline in a domain that lives in the host's time. */
    private final TreeSet<Task> sleepers = new TreeSet<>(Task.BY_DEADLINE);

    private final LongSupplier nanoTime;

    Turns(LongSupplier nanoTime) {
        this.nanoTime = nanoTime;
    }

    /** Puts a task, which stands nowhere, to where its state belongs. */
    void place(Task task) {
        if (task.siblings.paused) {
            return;
        }
        switch (task.vcpu.state) {
            case RUNNABLE -> (task.yields ? yielding : ready).add(task);
            case BLOCKED, POLLING -> {
                task.wakeAt = wakeTime(task);
                if (task.wakeAt != Task.NEVER) {
                    sleepersOf(task).add(task);
                }
            }
            case RUNNING, OFFLINE -> {}
        }
    }

    /** Takes a task from wherever it stands. */
    void displace(Task task) {
        ready.remove(task);
        yielding.remove(task);
        if (task.wakeAt != Task.NEVER) {
            sleepersOf(task).remove(task);
            task.wakeAt = Task.NEVER;
        }
    }

    private TreeSet<Task> sleepersOf(Task task) {
        return task.siblings.isLive() ? sleepers : task.siblings.sleepers;
    }

    private long wakeTime(Task task) {
        VirtualCpu vcpu = task.vcpu;
        long deadline = vcpu.nextDeadline();
        if (deadline == Task.NEVER || !task.siblings.isLive()) {
            return deadline;
        }
        long left = Math.max(0, deadline - vcpu.systemTime());
        return VirtualCpu.after(nanoTime.getAsLong(), left);
    }

    /** How many may run and do not let others go first. */
    int ready() {
        return ready.size();
    }

    /**
     * Whose turn it is; null when nobody may run.
     *
     * @return a task that still stands where it stood
     */
    Task first() {
        Task best = firstThatMayRun(ready);
        return best != null ? best : firstThatMayRun(yielding);
    }

    /** A domain in virtual time runs one vCPU at a time, so that its runs can be repeated. */
    private static Task firstThatMayRun(TreeSet<Task> tasks) {
        for (Task task : tasks) {
            if (task.siblings.isLive() || task.siblings.running == 0) {
                return task;
            }
        }
        return null;
    }

    /** Somebody's turn has come: whoever let others go first has done so. */
    void nobodyYields() {
        for (Task task : yielding) {
            task.yields = false;
        }
        ready.addAll(yielding);
        yielding.clear();
    }

    // ---- deadlines in the host's time
    // --------------------------------------------------------------------

    boolean hasSleepers() {
        return !sleepers.isEmpty();
    }

    /** When the first sleeper wakes; {@link Task#NEVER} when none does. */
    long nextWakeAt() {
        return sleepers.isEmpty() ? Task.NEVER : sleepers.first().wakeAt;
    }

    /** Who wakes first, if the time for it has come; else null. */
    Task due() {
        return hasSleepers() && nextWakeAt() <= nanoTime.getAsLong() ? sleepers.first() : null;
    }
}

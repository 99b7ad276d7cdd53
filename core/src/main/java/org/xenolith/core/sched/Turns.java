package org.xenolith.core.sched;

import org.xenolith.core.domain.Runstate;
import org.xenolith.core.domain.VirtualCpu;
import org.xenolith.core.domain.VirtualCpu.State;

import java.util.TreeSet;

/**
 * Who may run, in the order of turns: hundreds of idle guests cost nothing. Who waits stands among
 * the sleepers of {@link Deadlines} instead. Touched under the scheduler's lock only.
 */
final class Turns {
    /** Who may run. */
    private final TreeSet<Task> ready = new TreeSet<>(Task.BY_TURN);

    /** Who may run, but lets all of {@link #ready} go first. */
    private final TreeSet<Task> yielding = new TreeSet<>(Task.BY_TURN);

    private final Deadlines deadlines;

    /** Charge of the vCPU that was chosen last; never falls. */
    private long floor;

    Turns(Deadlines deadlines) {
        this.deadlines = deadlines;
    }

    /** Puts a task, which stands nowhere, to where its state belongs. */
    void place(Task task) {
        if (task.siblings.paused) {
            return;
        }
        switch (task.vcpu.state) {
            case RUNNABLE -> (task.yields ? yielding : ready).add(task);
            case BLOCKED, POLLING -> deadlines.add(task);
            case RUNNING, OFFLINE -> {}
        }
    }

    /**
     * The same when a pause is over: nobody owes it the time for which it stood still. In virtual
     * time a pause leaves no trace.
     */
    void placeAfterPause(Task task) {
        if (task.siblings.isLive() && task.vcpu.state == State.RUNNABLE) {
            task.charged = Math.max(task.charged, floor);
        }
        place(task);
    }

    /** Takes a task from wherever it stands. */
    void displace(Task task) {
        ready.remove(task);
        yielding.remove(task);
        deadlines.remove(task);
    }

    /** Gives a vCPU that does not run another state. */
    void change(Task task, State state) {
        displace(task);
        task.vcpu.state = state;
        place(task);
    }

    /**
     * Lets a vCPU run that slept or was down: it starts no further behind than whose turn it is.
     */
    void wake(Task task) {
        displace(task);
        task.charged = Math.max(task.charged, floor);
        task.vcpu.state = State.RUNNABLE;
        waitsForATurn(task.vcpu);
        place(task);
    }

    /** From now on its guest sees that it waits for a processor; guest memory is not touched. */
    static void waitsForATurn(VirtualCpu vcpu) {
        vcpu.runstate.set(Runstate.RUNNABLE, vcpu.systemTime());
    }

    /** How many may run and do not let others go first. */
    int ready() {
        return ready.size();
    }

    /** What whose turn came last had been charged, at least. */
    long floor() {
        return floor;
    }

    /** Takes whose turn it is from where it stands; null when nobody may run. */
    Task takeNext() {
        Task best = first();
        if (best == null) {
            return null;
        }
        displace(best);
        if (!best.isInterrupted) {
            best.yields = false;
            nobodyYields();
            floor = Math.max(floor, best.charged);
        }
        return best;
    }

    private Task first() {
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
    private void nobodyYields() {
        for (Task task : yielding) {
            task.yields = false;
        }
        ready.addAll(yielding);
        yielding.clear();
    }
}

package org.xenolith.core.sched;

import org.xenolith.core.domain.VirtualCpu;
import org.xenolith.core.domain.VirtualCpu.State;
import org.xenolith.core.time.GuestClock;

import java.util.TreeSet;
import java.util.function.LongSupplier;

/**
 * Who sleeps until when, in domains that live in the host's time; sleepers of the others stand with
 * their domain. Touched under the scheduler's lock only.
 */
final class Deadlines {
    private final TreeSet<Task> sleepers = new TreeSet<>(Task.BY_DEADLINE);
    private final LongSupplier nanoTime;

    /**
     * @param nanoTime the host's time
     */
    Deadlines(LongSupplier nanoTime) {
        this.nanoTime = nanoTime;
    }

    /** Puts a task among sleepers if its vCPU, which waits, wakes by itself. */
    void add(Task task) {
        task.wakeAt = wakeTime(task);
        if (task.wakeAt != Task.NEVER) {
            sleepersOf(task).add(task);
        }
    }

    /** Takes a task from among sleepers if it stands there. */
    void remove(Task task) {
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
        if (!task.siblings.isLive()) {
            return deadline > GuestClock.LAST_VIRTUAL_DEADLINE ? Task.NEVER : deadline;
        }
        if (deadline == Task.NEVER) {
            return Task.NEVER;
        }
        long left = Math.max(0, deadline - vcpu.systemTime());
        long now = nanoTime.getAsLong();
        long wakeAt = VirtualCpu.after(now, left);
        // Who polls waits for another vCPU or a device, and the deadline is its patience.
        return vcpu.state == State.BLOCKED ? task.siblings.slack.wakeTime(wakeAt, now) : wakeAt;
    }

    boolean isEmpty() {
        return sleepers.isEmpty();
    }

    /** Host time at which the first sleeper wakes; {@link Task#NEVER} when none does. */
    long next() {
        return isEmpty() ? Task.NEVER : sleepers.first().wakeAt;
    }

    /** Nanoseconds until then, 0 or less when it is over; {@link Task#NEVER} when none wakes. */
    long nanosToNext() {
        return isEmpty() ? Task.NEVER : next() - nanoTime.getAsLong();
    }

    /**
     * Wakes whose time has come.
     *
     * @return how many
     */
    int wakeDue(Turns turns) {
        int woken = 0;
        long now;
        while (!isEmpty() && next() <= (now = nanoTime.getAsLong())) {
            sleepers.first().siblings.slack.wake(now);
            turns.wake(sleepers.first());
            woken++;
        }
        return woken;
    }
}

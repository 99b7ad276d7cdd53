package org.xenolith.core.sched;

import org.xenolith.core.domain.VirtualCpu;

import java.util.Comparator;

/** A vCPU in the scheduler's books; touched under its lock only. */
final class Task {
    /** {@link #wakeAt} of who does not wake by itself. */
    static final long NEVER = Long.MAX_VALUE;

    static final Comparator<Task> BY_TURN =
            Comparator.<Task, Boolean>comparing(task -> !task.isInterrupted)
                    .thenComparingLong(task -> task.charged)
                    .thenComparingLong(task -> task.order);

    static final Comparator<Task> BY_DEADLINE =
            Comparator.<Task>comparingLong(task -> task.wakeAt)
                    .thenComparingLong(task -> task.order);

    final VirtualCpu vcpu;
    final DomainTasks siblings;

    /** Breaks ties: who was added first goes first. */
    final long order;

    // The keys of the sorted sets: not changed while the task stands in one.
    long charged;

    /** What the vCPU had consumed when its slice began, of use while it runs. */
    long startedAt;

    /** A pause interrupted its slice: it goes on before anybody else's turn comes. */
    boolean isInterrupted;

    /**
     * When it wakes by itself, {@link #NEVER} unless it stands among sleepers. Host time, or system
     * time in a domain whose time is virtual.
     */
    long wakeAt = NEVER;

    /** A wake-up came while the vCPU ran: it must look again before it sleeps. */
    boolean wakeRequested;

    /** It lets any other runnable vCPU go first, once. */
    boolean yields;

    Task(VirtualCpu vcpu, DomainTasks siblings, long order) {
        this.vcpu = vcpu;
        this.siblings = siblings;
        this.order = order;
    }
}

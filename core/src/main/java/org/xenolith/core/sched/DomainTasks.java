package org.xenolith.core.sched;

import org.xenolith.core.domain.Domain;
import org.xenolith.core.domain.VirtualCpu.State;

import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;

/** The vCPUs of one domain; touched under the scheduler's lock only. */
final class DomainTasks {
    final Domain domain;
    final List<Task> tasks = new ArrayList<>();
    final TimerSlack slack;

    /** Who waits for a deadline, if the domain's time is virtual. */
    final TreeSet<Task> sleepers = new TreeSet<>(Task.BY_DEADLINE);

    int running;
    boolean paused;

    /**
     * @param now host time
     */
    DomainTasks(Domain domain, long now) {
        this.domain = domain;
        this.slack = new TimerSlack(domain, now);
    }

    boolean isLive() {
        return domain.clock().isLive();
    }

    /** Whether a vCPU runs, or was interrupted by a pause and goes on with the same slice. */
    boolean isWithinSlice() {
        return running > 0
                || tasks.stream()
                        .anyMatch(task -> task.isInterrupted && task.vcpu.state == State.RUNNABLE);
    }

    /** Brings those that run to their poll points. */
    void kickRunning() {
        for (Task task : tasks) {
            if (task.vcpu.state == State.RUNNING) {
                task.vcpu.kick();
            }
        }
    }

    /** A sleeping vCPU to wake for what was posted, null when one comes to a poll point anyway. */
    Task whoMustAttend() {
        Task sleeping = null;
        for (Task task : tasks) {
            switch (task.vcpu.state) {
                case RUNNING -> {
                    task.wakeRequested = true;
                    task.vcpu.kick();
                    return null;
                }
                case RUNNABLE -> {
                    return null;
                }
                case BLOCKED, POLLING -> sleeping = sleeping == null ? task : sleeping;
                case OFFLINE -> {}
            }
        }
        return sleeping;
    }
}

package org.xenolith.core.sched;

import java.util.ArrayList;
import java.util.List;

/**
 * Domains whose time is the number of their instructions: the scheduler itself moves it on when
 * they sleep. Touched under the scheduler's lock only.
 */
final class VirtualTime {
    private final List<DomainTasks> domains = new ArrayList<>();

    void add(DomainTasks tasks) {
        domains.add(tasks);
    }

    void remove(DomainTasks tasks) {
        domains.remove(tasks);
    }

    /**
     * Wakes whose time has come.
     *
     * @return how many
     */
    int wakeDue(Turns turns) {
        int woken = 0;
        for (DomainTasks tasks : domains) {
            if (!tasks.sleepers.isEmpty()) {
                long now = tasks.tasks.getFirst().vcpu.systemTime();
                while (!tasks.sleepers.isEmpty() && tasks.sleepers.first().wakeAt <= now) {
                    turns.wake(tasks.sleepers.first());
                    woken++;
                }
            }
        }
        return woken;
    }

    /**
     * Lets domains jump over the time in which all their vCPUs sleep.
     *
     * @return whether any did
     */
    boolean skipToNextDeadline() {
        boolean skipped = false;
        for (DomainTasks tasks : domains) {
            if (!tasks.sleepers.isEmpty() && tasks.running == 0) {
                long deadline = tasks.sleepers.first().wakeAt;
                tasks.domain.clock().skipTo(deadline, tasks.domain.retired());
                skipped = true;
            }
        }
        return skipped;
    }
}

package org.xenolith.core.sched;

import org.xenolith.core.domain.Domain;

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
     * Wakes whose time has come, between two slices: where within one somebody looked, or a pause
     * came, must not show.
     *
     * @return how many
     */
    int wakeDue(Turns turns) {
        int woken = 0;
        for (DomainTasks tasks : domains) {
            if (!tasks.sleepers.isEmpty() && !tasks.isWithinSlice()) {
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
     * @return whether time has moved for any: another try without that would find the same
     */
    boolean skipToNextDeadline() {
        boolean skipped = false;
        for (DomainTasks tasks : domains) {
            if (!tasks.sleepers.isEmpty() && tasks.running == 0) {
                skipped |= skip(tasks.domain, tasks.sleepers.first().wakeAt);
            }
        }
        return skipped;
    }

    private static boolean skip(Domain domain, long deadline) {
        long retired = domain.retired();
        long before = domain.clock().systemTimeNanos(retired);
        domain.clock().skipTo(deadline, retired);
        return domain.clock().systemTimeNanos(retired) > before;
    }
}

package org.xenolith.core.sched;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.xenolith.core.domain.PvGuest;
import org.xenolith.core.domain.VirtualCpu.State;
import org.xenolith.core.time.GuestClock;

/** Who sleeps until when: the guest's deadlines in the host's time. */
class DeadlinesTest {
    /** The host has run for longer than the guest, which counts from its own start. */
    private static final long HOST_AHEAD = 1_000_000;

    private final PvGuest.FakeClock clock = new PvGuest.FakeClock();
    private final Deadlines deadlines = new Deadlines(() -> clock.now + HOST_AHEAD);
    private final Turns turns = new Turns(deadlines);
    private final PvGuest guest = new PvGuest(3, clock);
    private final DomainTasks siblings = new DomainTasks(guest.domain, 0);

    private Task sleeper(int vcpu, long deadline) {
        Task task = new Task(guest.vcpu(vcpu), siblings, vcpu);
        siblings.tasks.add(task);
        task.vcpu.timers.setOneShot(deadline);
        task.vcpu.state = State.BLOCKED;
        turns.place(task);
        return task;
    }

    @Test
    void nobodyWakesFromNothing() {
        sleeper(0, Task.NEVER);
        assertThat(deadlines.isEmpty()).isTrue();
        assertThat(deadlines.next()).isEqualTo(Task.NEVER);
        assertThat(deadlines.nanosToNext()).isEqualTo(Task.NEVER);
        assertThat(deadlines.wakeDue(turns)).isZero();
    }

    @Test
    void deadlineOfTheGuestIsKeptInTheHostsTime() {
        clock.now = 40;
        sleeper(0, 100);
        assertThat(deadlines.next()).isEqualTo(HOST_AHEAD + 100);
        assertThat(deadlines.nanosToNext()).isEqualTo(60);
    }

    @Test
    void deadlineInThePastIsNow() {
        clock.now = 40;
        sleeper(0, 10);
        assertThat(deadlines.nanosToNext()).isZero();
        assertThat(deadlines.wakeDue(turns)).isEqualTo(1);
    }

    @Test
    void deadlineBeyondTheHostsTimeIsNone() {
        sleeper(0, Task.NEVER - 1);
        assertThat(deadlines.isEmpty()).isTrue();
    }

    @Test
    void whoseTimeHasComeAreWokenAndNobodyElse() {
        Task late = sleeper(0, 300);
        Task early = sleeper(1, 100);
        Task next = sleeper(2, 200);
        clock.now = 99;
        assertThat(deadlines.wakeDue(turns)).isZero();
        clock.now = 200;
        assertThat(deadlines.wakeDue(turns)).isEqualTo(2);
        assertThat(early.vcpu.state).isEqualTo(State.RUNNABLE);
        assertThat(next.vcpu.state).isEqualTo(State.RUNNABLE);
        assertThat(late.vcpu.state).isEqualTo(State.BLOCKED);
        assertThat(deadlines.nanosToNext()).isEqualTo(100);
    }

    @Test
    void sleeperThatIsTakenAwayIsNotWoken() {
        Task task = sleeper(0, 100);
        deadlines.remove(task);
        assertThat(task.wakeAt).isEqualTo(Task.NEVER);
        clock.now = 100;
        assertThat(deadlines.wakeDue(turns)).isZero();
    }

    @Test
    void deadlineInVirtualTimeIsNoneOfTheHosts() {
        PvGuest virtual = new PvGuest(1, GuestClock.virtual());
        DomainTasks tasks = new DomainTasks(virtual.domain, 0);
        Task task = new Task(virtual.vcpu(0), tasks, 0);
        task.vcpu.timers.setOneShot(70);
        task.vcpu.state = State.BLOCKED;
        deadlines.add(task);
        assertThat(deadlines.isEmpty()).isTrue();
        assertThat(tasks.sleepers).containsExactly(task);
        assertThat(task.wakeAt).as("the guest's own time").isEqualTo(70);
    }
}

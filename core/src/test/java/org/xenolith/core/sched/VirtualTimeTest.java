package org.xenolith.core.sched;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.xenolith.core.domain.PvGuest;
import org.xenolith.core.domain.VirtualCpu.State;
import org.xenolith.core.time.GuestClock;

/** Domains whose time is instructions, and jumps while they sleep. */
class VirtualTimeTest {
    private final VirtualTime virtualTime = new VirtualTime();
    private final Turns turns = new Turns(new Deadlines(() -> 0));
    private final PvGuest guest = new PvGuest(2, GuestClock.virtual());
    private final DomainTasks tasks = domain(guest);

    /** Both vCPUs are down. */
    private DomainTasks domain(PvGuest of) {
        DomainTasks made = new DomainTasks(of.domain, 0);
        for (int i = 0; i < 2; i++) {
            made.tasks.add(new Task(of.vcpu(i), made, i));
        }
        virtualTime.add(made);
        return made;
    }

    private void sleep(Task task, long deadline) {
        task.vcpu.timers.setOneShot(deadline);
        turns.change(task, State.BLOCKED);
    }

    @Test
    void timeJumpsToTheFirstDeadlineAndItsSleeperWakes() {
        Task late = tasks.tasks.get(0);
        Task early = tasks.tasks.get(1);
        sleep(late, 900);
        sleep(early, 500);
        assertThat(virtualTime.wakeDue(turns)).as("before the jump").isZero();
        assertThat(virtualTime.skipToNextDeadline()).isTrue();
        assertThat(early.vcpu.systemTime()).isEqualTo(500);
        assertThat(virtualTime.wakeDue(turns)).isEqualTo(1);
        assertThat(early.vcpu.state).isEqualTo(State.RUNNABLE);
        assertThat(late.vcpu.state).isEqualTo(State.BLOCKED);
    }

    @Test
    void instructionsAreTime() {
        Task sleeper = tasks.tasks.get(0);
        sleep(sleeper, 500);
        guest.vcpu(1).cpu().setRetired(499);
        assertThat(virtualTime.wakeDue(turns)).isZero();
        guest.vcpu(1).cpu().setRetired(500);
        assertThat(virtualTime.wakeDue(turns)).isEqualTo(1);
    }

    @Test
    void sleeperWhoseTimeComesWithinASliceWakesBehindIt() {
        sleep(tasks.tasks.get(0), 500);
        Task running = tasks.tasks.get(1);
        guest.vcpu(1).cpu().setRetired(600);
        tasks.running = 1;
        assertThat(virtualTime.wakeDue(turns)).as("a sibling runs").isZero();
        tasks.running = 0;
        running.isInterrupted = true;
        turns.change(running, State.RUNNABLE);
        assertThat(virtualTime.wakeDue(turns)).as("a pause interrupted it").isZero();
        running.isInterrupted = false;
        assertThat(virtualTime.wakeDue(turns)).isEqualTo(1);
    }

    @Test
    void timeDoesNotJumpWhileASiblingRuns() {
        sleep(tasks.tasks.get(0), 500);
        tasks.running = 1;
        assertThat(virtualTime.skipToNextDeadline()).isFalse();
        assertThat(guest.vcpu(0).systemTime()).isZero();
    }

    @Test
    void timeDoesNotJumpWhenNobodyWakesByHimself() {
        sleep(tasks.tasks.get(0), Task.NEVER);
        assertThat(virtualTime.skipToNextDeadline()).isFalse();
    }

    /** A guest that asks for such a one would else take time to where it turns negative. */
    @Test
    void deadlineBeyondTheEndOfVirtualTimeIsNone() {
        Task sleeper = tasks.tasks.get(0);
        sleep(sleeper, Task.NEVER - 1);
        assertThat(virtualTime.skipToNextDeadline()).isFalse();
        assertThat(sleeper.vcpu.systemTime()).isZero();
    }

    /** Or the host thread would try again for ever, with the scheduler's lock. */
    @Test
    void jumpThatMovesNoTimeIsNone() {
        sleep(tasks.tasks.get(0), 500);
        assertThat(virtualTime.skipToNextDeadline()).isTrue();
        assertThat(virtualTime.skipToNextDeadline()).isFalse();
    }

    @Test
    void eachDomainHasItsOwnTime() {
        PvGuest other = new PvGuest(2, GuestClock.virtual());
        DomainTasks others = domain(other);
        sleep(tasks.tasks.get(0), 500);
        sleep(others.tasks.get(0), 70);
        assertThat(virtualTime.skipToNextDeadline()).isTrue();
        assertThat(guest.vcpu(0).systemTime()).isEqualTo(500);
        assertThat(other.vcpu(0).systemTime()).isEqualTo(70);
    }

    @Test
    void domainThatIsGoneIsNotMovedOn() {
        sleep(tasks.tasks.get(0), 500);
        virtualTime.remove(tasks);
        assertThat(virtualTime.skipToNextDeadline()).isFalse();
        assertThat(virtualTime.wakeDue(turns)).isZero();
    }
}

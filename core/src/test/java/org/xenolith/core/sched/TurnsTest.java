package org.xenolith.core.sched;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.xenolith.core.domain.PvGuest;
import org.xenolith.core.domain.VirtualCpu.State;
import org.xenolith.core.time.GuestClock;

/** Whose turn it is, without slices or threads. */
class TurnsTest {
    private final Deadlines deadlines = new Deadlines(() -> 0);
    private final Turns turns = new Turns(deadlines);

    /** Tasks of a new domain, in the order of the charges given, which may run. */
    private Task[] runnable(GuestClock clock, long... charges) {
        PvGuest guest = new PvGuest(charges.length, clock);
        DomainTasks siblings = new DomainTasks(guest.domain, 0);
        Task[] tasks = new Task[charges.length];
        for (int i = 0; i < charges.length; i++) {
            tasks[i] = new Task(guest.vcpu(i), siblings, i);
            siblings.tasks.add(tasks[i]);
            tasks[i].charged = charges[i];
            tasks[i].vcpu.state = State.RUNNABLE;
            turns.place(tasks[i]);
        }
        return tasks;
    }

    private Task[] live(long... charges) {
        return runnable(new PvGuest.FakeClock(), charges);
    }

    @Test
    void leastChargedGoesFirstAndOfEqualsWhoWasAddedFirst() {
        Task[] tasks = live(20, 10, 10);
        assertThat(turns.takeNext()).isSameAs(tasks[1]);
        assertThat(turns.takeNext()).isSameAs(tasks[2]);
        assertThat(turns.takeNext()).isSameAs(tasks[0]);
        assertThat(turns.takeNext()).isNull();
    }

    @Test
    void whoYieldsLetsAllOthersGoFirstOnce() {
        Task[] tasks = live(10, 20, 30);
        turns.displace(tasks[0]);
        tasks[0].yields = true;
        turns.place(tasks[0]);
        assertThat(turns.ready()).as("without the one that yields").isEqualTo(2);
        assertThat(turns.takeNext()).isSameAs(tasks[1]);
        assertThat(turns.takeNext()).as("has let another go first").isSameAs(tasks[0]);
        assertThat(tasks[0].yields).isFalse();
    }

    @Test
    void whoYieldsGoesOnWhenNobodyElseMayRun() {
        Task[] tasks = live(10);
        turns.displace(tasks[0]);
        tasks[0].yields = true;
        turns.place(tasks[0]);
        assertThat(turns.takeNext()).isSameAs(tasks[0]);
        assertThat(tasks[0].yields).isFalse();
    }

    @Test
    void interruptedSliceGoesOnBeforeAllTurnsAndIsNone() {
        Task[] tasks = live(10, 20, 90);
        turns.displace(tasks[2]);
        tasks[2].isInterrupted = true;
        turns.place(tasks[2]);
        turns.displace(tasks[0]);
        tasks[0].yields = true;
        turns.place(tasks[0]);
        assertThat(turns.takeNext()).isSameAs(tasks[2]);
        assertThat(turns.floor()).as("charge of whose turn came last").isZero();
        assertThat(turns.takeNext()).as("the first still yields").isSameAs(tasks[1]);
    }

    @Test
    void whoWakesStartsNoFurtherBehindThanWhoseTurnItIs() {
        Task[] tasks = live(10, 500, 700);
        turns.change(tasks[0], State.BLOCKED);
        turns.change(tasks[2], State.BLOCKED);
        assertThat(turns.takeNext()).isSameAs(tasks[1]);
        assertThat(turns.floor()).isEqualTo(500);
        turns.wake(tasks[0]);
        turns.wake(tasks[2]);
        assertThat(tasks[0].charged).isEqualTo(500);
        assertThat(tasks[2].charged).as("one that is ahead").isEqualTo(700);
        assertThat(tasks[0].vcpu.state).isEqualTo(State.RUNNABLE);
        assertThat(turns.ready()).isEqualTo(2);
    }

    @Test
    void floorNeverFalls() {
        Task[] tasks = live(500, 10);
        turns.change(tasks[1], State.BLOCKED);
        turns.takeNext();
        turns.change(tasks[1], State.RUNNABLE);
        assertThat(turns.takeNext()).isSameAs(tasks[1]);
        assertThat(turns.floor()).isEqualTo(500);
    }

    @Test
    void onlyWhoMayRunHasATurn() {
        Task[] tasks = live(1, 2, 3, 4);
        turns.change(tasks[0], State.BLOCKED);
        turns.change(tasks[1], State.POLLING);
        turns.change(tasks[2], State.OFFLINE);
        assertThat(turns.takeNext()).isSameAs(tasks[3]);
        assertThat(turns.takeNext()).isNull();
    }

    @Test
    void pausedDomainStandsNowhere() {
        Task[] tasks = live(1, 2);
        for (Task task : tasks) {
            turns.displace(task);
        }
        tasks[0].siblings.paused = true;
        tasks[1].vcpu.timers.setOneShot(5);
        turns.wake(tasks[0]);
        turns.change(tasks[1], State.BLOCKED);
        assertThat(turns.takeNext()).isNull();
        assertThat(deadlines.isEmpty()).isTrue();
        assertThat(tasks[0].vcpu.state).as("keeps its state").isEqualTo(State.RUNNABLE);
    }

    @Test
    void domainInVirtualTimeRunsOneVcpuAtATime() {
        Task[] tasks = runnable(GuestClock.virtual(), 10, 20);
        assertThat(turns.takeNext()).isSameAs(tasks[0]);
        tasks[0].siblings.running = 1;
        assertThat(turns.takeNext()).isNull();
        Task[] others = live(99);
        assertThat(turns.takeNext()).as("another domain's").isSameAs(others[0]);
        tasks[0].siblings.running = 0;
        assertThat(turns.takeNext()).isSameAs(tasks[1]);
    }
}

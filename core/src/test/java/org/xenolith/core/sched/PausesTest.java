package org.xenolith.core.sched;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.xenolith.core.domain.PvGuest;
import org.xenolith.core.domain.VirtualCpu;
import org.xenolith.core.domain.VirtualCpu.State;
import org.xenolith.core.time.GuestClock;

/** What a paused domain keeps, and what a copy of it takes over. */
class PausesTest extends ScriptedVcpus {
    @Test
    void pausedDomainIsPassedOverUntilItGoesOn() {
        PvGuest guest = guest(1);
        scheduler.pause(guest.domain);
        assertThat(scheduler.runNext()).isFalse();
        scheduler.unpause(guest.domain);
        assertThat(scheduler.runNext()).isTrue();
    }

    @Test
    void pausedDomainIsWokenButNotRunAndItsSleepersKeepTheirDeadlines() {
        PvGuest guest = guest(2);
        guest.vcpu(1).timers.setOneShot(100);
        script.add(() -> State.BLOCKED);
        script.add(() -> State.BLOCKED);
        runSlices(2);
        scheduler.pause(guest.domain);
        scheduler.wake(guest.vcpu(0));
        clock.now = 200;
        assertThat(scheduler.runNext()).isFalse();
        scheduler.unpause(guest.domain);
        ran.clear();
        runSlices(2);
        assertThat(ran).containsExactlyInAnyOrder(0, 1);
    }

    @Test
    void domainThatWasPausedForTenMinutesDoesNotKeepOthersWaitingForTen() {
        PvGuest paused = guest(1);
        PvGuest other = new PvGuest(2, clock, scheduler);
        scheduler.online(other.vcpu(1));
        scheduler.pause(paused.domain);
        runSlices(1000);
        scheduler.unpause(paused.domain);
        ran.clear();
        runSlices(20);
        assertThat(ran.stream().filter(id -> id == 0).count()).isBetween(9L, 11L);
    }

    @Test
    void sliceThatAPauseInterruptedGoesOnBeforeAnybodyElsesTurn() {
        PvGuest guest = new PvGuest(3, GuestClock.virtual(), scheduler);
        for (int i = 0; i < 3; i++) {
            scheduler.online(guest.vcpu(i));
        }
        script.add(
                () -> {
                    VirtualCpu vcpu = guest.vcpu(ran.getLast());
                    vcpu.cpu().setRetired(1000);
                    vcpu.interruptSlice(SLICE);
                    return State.RUNNABLE;
                });
        runSlices(2);
        assertThat(ran.get(1)).isEqualTo(ran.get(0));
    }

    @Test
    void copyOfAVcpuHasTheSamePlaceAmongItsSiblings() {
        PvGuest guest = guest(2);
        runSlices(1);
        int first = ran.getFirst();
        scheduler.pause(guest.domain);
        Scheduler.Turn turn = scheduler.turnOf(guest.vcpu(first));
        assertThat(turn).isEqualTo(new Scheduler.Turn(SLICE, false));
        assertThat(scheduler.turnOf(guest.vcpu(1 - first)).charged()).isZero();
        scheduler.restore(guest.vcpu(1 - first), State.RUNNABLE, new Scheduler.Turn(SLICE, true));
        scheduler.restore(guest.vcpu(first), State.RUNNABLE, turn);
        scheduler.unpause(guest.domain);
        runSlices(1);
        assertThat(ran.getLast()).as("the other one yields").isEqualTo(first);
    }

    /** As of a snapshot: whoever posts finds no vCPU that could be woken yet. */
    @Test
    void sleeperThatIsRestoredBehindWhatWasPostedLooksAtItWhenItGoesOn() {
        PvGuest guest = guest(1);
        scheduler.pause(guest.domain);
        Scheduler.Turn turn = scheduler.turnOf(guest.vcpu(0));
        guest.domain.post(() -> {});
        scheduler.restore(guest.vcpu(0), State.BLOCKED, turn);
        scheduler.unpause(guest.domain);
        assertThat(scheduler.runNext()).isTrue();
    }

    /** The host slept meanwhile, or somebody stopped its process. */
    @Test
    void vcpuWithASliceOfAnHourHasAPlaceThatACopyCanTake() {
        PvGuest guest = guest(2);
        script.add(
                () -> {
                    clock.now += 3_600_000_000_000L;
                    return State.RUNNABLE;
                });
        runSlices(1);
        scheduler.beginPause(guest.domain);
        assertThat(scheduler.turnOf(guest.vcpu(ran.getFirst())).isPossible()).isTrue();
    }
}

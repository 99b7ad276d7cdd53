package org.xenolith.core.sched;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.xenolith.core.domain.PvGuest;
import org.xenolith.core.domain.VirtualCpu;
import org.xenolith.core.domain.VirtualCpu.State;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** Timers of a guest that nobody has anything for may be late; those of others may not. */
class TimerSlackTest extends ScriptedVcpus {
    private static final long SECOND = 1_000_000_000;
    private static final long TENTH = SECOND / 10;

    private PvGuest guest;
    private VirtualCpu vcpu;

    @BeforeEach
    void guestWithFourSecondsOfSlack() {
        guest = guest(1);
        guest.domain.setTimerSlack(Duration.ofSeconds(4));
        vcpu = guest.vcpu(0);
    }

    /** Runs the vCPU, which then sleeps for a tenth of a second; it ran for so long. */
    private void runsFor(long nanos) {
        script.add(
                () -> {
                    clock.now += nanos;
                    vcpu.timers.setOneShot(clock.now + TENTH);
                    return State.BLOCKED;
                });
        runSlices(1);
    }

    /** Times at which its timer, set for a tenth of a second later each time, wakes the vCPU. */
    private List<Long> tenthsOfWakeUps(long seconds) {
        List<Long> wakeUps = new ArrayList<>();
        for (long until = clock.now + seconds * SECOND; clock.now < until; clock.now += TENTH) {
            script.add(
                    () -> {
                        wakeUps.add(clock.now / TENTH);
                        vcpu.timers.setOneShot(clock.now + TENTH);
                        return State.BLOCKED;
                    });
            if (!scheduler.runNext()) {
                script.clear();
            }
        }
        return wakeUps;
    }

    @Test
    void timersOfAStillGuestWakeItOnceInItsSlack() {
        runsFor(0);
        tenthsOfWakeUps(1);
        assertThat(tenthsOfWakeUps(20)).hasSizeBetween(4, 6);
    }

    @Test
    void timersAreOnTimeForASecondBehindWhatIsPosted() {
        runsFor(0);
        tenthsOfWakeUps(10);
        scheduler.attend(guest.domain);
        assertThat(tenthsOfWakeUps(1)).hasSize(10);
    }

    @Test
    void whatIsPostedWakesAStillGuestAtOnce() {
        runsFor(0);
        tenthsOfWakeUps(10);
        guest.domain.post(() -> {});
        assertThat(vcpu.state).isEqualTo(State.RUNNABLE);
    }

    /**
     * Two vCPUs of a still guest sleep for a tenth of a second, longer than the slack lets them.
     */
    private PvGuest stillGuestWithTwoVcpus() {
        PvGuest two = guest(2);
        two.domain.setTimerSlack(Duration.ofSeconds(4));
        clock.now += TimerSlack.STILL_AFTER_NANOS;
        for (int i = 0; i < 2; i++) {
            script.add(
                    () -> {
                        VirtualCpu each = two.vcpu(ran.getLast());
                        each.timers.setOneShot(clock.now + TENTH);
                        return State.BLOCKED;
                    });
        }
        scheduler.offline(vcpu);
        runSlices(2);
        return two;
    }

    /** It came late by the whole slack: only the vCPU that was woken looked at its timer again. */
    @Test
    void timerOfASleepingSiblingIsOnTimeBehindWhatIsPosted() {
        PvGuest two = stillGuestWithTwoVcpus();
        scheduler.attend(two.domain);
        int woken = two.vcpu(0).state == State.RUNNABLE ? 0 : 1;
        script.add(
                () -> {
                    two.vcpu(woken).timers.stopOneShot();
                    return State.BLOCKED;
                });
        runSlices(1);
        clock.now += TENTH;
        assertThat(scheduler.runNext()).isTrue();
        assertThat(ran.getLast()).isEqualTo(1 - woken);
    }

    @Test
    void timerOfASleepingSiblingIsOnTimeWhenTheGuestWorks() {
        PvGuest two = stillGuestWithTwoVcpus();
        scheduler.wake(two.vcpu(0));
        script.add(
                () -> {
                    clock.now += TimerSlack.WORK_NANOS;
                    two.vcpu(0).timers.stopOneShot();
                    return State.BLOCKED;
                });
        runSlices(1);
        clock.now += TENTH;
        assertThat(scheduler.runNext()).isTrue();
        assertThat(ran.getLast()).isEqualTo(1);
    }

    @Test
    void whatIsPostedForAPausedGuestWakesNobody() {
        PvGuest two = stillGuestWithTwoVcpus();
        scheduler.pause(two.domain);
        two.domain.post(() -> {});
        clock.now += 10 * SECOND;
        assertThat(scheduler.runNext()).isFalse();
    }

    /** A timer that comes once in an hour is not kept waiting for others to come along. */
    @Test
    void loneTimerIsOnTime() {
        script.add(
                () -> {
                    vcpu.timers.setOneShot(100 * SECOND);
                    return State.BLOCKED;
                });
        runSlices(1);
        clock.now = 100 * SECOND - 1;
        assertThat(scheduler.runNext()).isFalse();
        clock.now++;
        assertThat(scheduler.runNext()).isTrue();
    }

    /** As one that boots and waits for its devices. */
    @Test
    void guestThatWorksBetweenItsSleepsIsNotStill() {
        runsFor(0);
        tenthsOfWakeUps(10);
        guest.domain.post(() -> {});
        for (int i = 0; i < 30; i++) {
            runsFor(TimerSlack.WORK_NANOS / 5);
            clock.now += TENTH;
        }
        assertThat(scheduler.runNext()).as("on time after three seconds").isTrue();
    }

    @Test
    void guestThatIsIdleBehindItsWorkIsStill() {
        runsFor(2 * TimerSlack.WORK_NANOS);
        tenthsOfWakeUps(3);
        assertThat(tenthsOfWakeUps(20)).hasSizeBetween(4, 6);
    }

    @Test
    void guestWithoutSlackIsAlwaysOnTime() {
        guest.domain.setTimerSlack(Duration.ZERO);
        runsFor(0);
        assertThat(tenthsOfWakeUps(20)).hasSizeBetween(199, 200);
    }

    /** It waits for another vCPU or a device; the deadline says for how long. */
    @Test
    void vcpuThatPollsIsOnTime() {
        runsFor(0);
        tenthsOfWakeUps(10);
        guest.domain.post(() -> {});
        clock.now += TimerSlack.STILL_AFTER_NANOS;
        script.add(
                () -> {
                    vcpu.timers.setOneShot(clock.now + TENTH);
                    return State.POLLING;
                });
        runSlices(1);
        clock.now += TENTH;
        assertThat(scheduler.runNext()).isTrue();
    }

    @Test
    void timerThatWaitsIsOnTimeWhenTheSlackIsTakenAway() {
        PvGuest two = stillGuestWithTwoVcpus();
        clock.now += TENTH;
        assertThat(scheduler.runNext()).isFalse();
        two.domain.setTimerSlack(Duration.ZERO);
        assertThat(scheduler.runNext()).isTrue();
    }
}

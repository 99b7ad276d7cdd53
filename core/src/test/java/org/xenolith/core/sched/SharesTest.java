package org.xenolith.core.sched;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.xenolith.core.domain.PvGuest;
import org.xenolith.core.domain.VirtualCpu;
import org.xenolith.core.domain.VirtualCpu.State;

/** How much each vCPU gets, and whose turn it is. */
class SharesTest extends ScriptedVcpus {
    @Test
    void busyVcpusGetEqualShares() {
        guest(3);
        runSlices(300);
        for (int vcpu = 0; vcpu < 3; vcpu++) {
            int wanted = vcpu;
            assertThat(ran.stream().filter(id -> id == wanted).count()).isEqualTo(100);
        }
    }

    @Test
    void vcpuThatUsesAThirdOfItsSlicesRunsThreeTimesAsOften() {
        guest(2);
        for (int i = 0; i < 400; i++) {
            script.add(
                    () -> {
                        clock.now += ran.getLast() == 0 ? SLICE / 3 : SLICE;
                        return State.RUNNABLE;
                    });
        }
        runSlices(400);
        assertThat(ran.stream().filter(id -> id == 0).count()).isBetween(295L, 305L);
    }

    @Test
    void sleepingSavesUpNoCredit() {
        PvGuest guest = guest(2);
        script.add(() -> State.BLOCKED);
        runSlices(1);
        int sleeper = ran.getFirst();
        runSlices(1000);
        ran.clear();
        scheduler.wake(guest.vcpu(sleeper));
        runSlices(20);
        assertThat(ran.stream().filter(id -> id == sleeper).count()).isBetween(9L, 11L);
    }

    @Test
    void sleeperThatWokeWhileNobodyElseRanHasNoCreditEither() {
        PvGuest guest = guest(2);
        script.add(() -> State.BLOCKED);
        runSlices(1);
        int sleeper = ran.getFirst();
        int busy = 1 - sleeper;
        runSlices(1000);
        script.add(() -> State.BLOCKED);
        runSlices(1);
        scheduler.wake(guest.vcpu(sleeper));
        scheduler.wake(guest.vcpu(busy));
        ran.clear();
        runSlices(20);
        assertThat(ran.stream().filter(id -> id == busy).count()).isBetween(9L, 11L);
    }

    /** A vCPU sleeps, another one runs for a while, and then the sleeper is woken. */
    private boolean isCutWhenASleeperWakesAfter(long nanos) {
        PvGuest guest = guest(2);
        script.add(() -> State.BLOCKED);
        runSlices(1);
        int sleeper = ran.getFirst();
        VirtualCpu busy = guest.vcpu(1 - sleeper);
        boolean[] cut = new boolean[1];
        script.add(
                () -> {
                    clock.now += nanos;
                    scheduler.wake(guest.vcpu(sleeper));
                    cut[0] = busy.isSliceCut();
                    return State.RUNNABLE;
                });
        runSlices(2);
        assertThat(ran).containsExactly(sleeper, 1 - sleeper, sleeper);
        return cut[0];
    }

    @Test
    void vcpuThatWakesEndsTheSliceOfOneThatHasHadMore() {
        assertThat(isCutWhenASleeperWakesAfter(Slices.WAKEUP_GRANULARITY_NANOS + 1)).isTrue();
    }

    @Test
    void vcpuThatHasHardlyRunKeepsItsSliceWhenAnotherWakes() {
        assertThat(isCutWhenASleeperWakesAfter(Slices.WAKEUP_GRANULARITY_NANOS)).isFalse();
    }

    @Test
    void sliceEndsWhenASleepersDeadlinePassesIfNoThreadIsFreeToSeeIt() {
        PvGuest guest = guest(2);
        script.add(
                () -> {
                    guest.vcpu(ran.getFirst()).timers.setOneShot(clock.now + SLICE / 2);
                    return State.BLOCKED;
                });
        runSlices(3);
        int sleeper = ran.getFirst();
        assertThat(clock.now)
                .as("one slice to the deadline, and a whole one")
                .isEqualTo(3 * SLICE / 2);
        assertThat(ran).containsExactly(sleeper, 1 - sleeper, sleeper);
    }

    @Test
    void cutSliceSaysNothingAboutTheNextOne() {
        PvGuest guest = guest(1);
        guest.vcpu(0).cutSlice();
        boolean[] cut = new boolean[1];
        script.add(
                () -> {
                    cut[0] = guest.vcpu(0).isSliceCut();
                    return State.RUNNABLE;
                });
        runSlices(1);
        assertThat(cut[0]).isFalse();
    }

    @Test
    void yieldLetsASiblingGoFirstAndStarvesNobody() {
        PvGuest guest = guest(2);
        for (int i = 0; i < 10; i++) {
            script.add(
                    () -> {
                        // Spins without using up time to speak of, as a boot CPU that waits does.
                        if (ran.getLast() == 0) {
                            guest.vcpu(0).yielded = true;
                        } else {
                            clock.now += SLICE;
                        }
                        return State.RUNNABLE;
                    });
        }
        runSlices(10);
        assertThat(ran).containsSubsequence(0, 1, 0, 1, 0, 1);
    }

    @Test
    void yieldOfTheOnlyRunnableVcpuReturnsAtOnce() {
        PvGuest guest = guest(1);
        script.add(
                () -> {
                    guest.vcpu(0).yielded = true;
                    return State.RUNNABLE;
                });
        runSlices(2);
        assertThat(guest.vcpu(0).yielded).isFalse();
        assertThat(ran).containsExactly(0, 0);
    }
}

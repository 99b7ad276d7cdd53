package org.xenolith.core.sched;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.xenolith.core.domain.DomainEnd;
import org.xenolith.core.domain.PvGuest;
import org.xenolith.core.domain.VirtualCpu;
import org.xenolith.core.domain.VirtualCpu.State;
import org.xenolith.core.time.GuestClock;
import org.xenolith.cpu.Cpu;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;

/** vCPUs that do what the test says, on the test's own thread and clock. */
class SchedulerTest {
    private static final long SLICE = 5_000_000;

    private final PvGuest.FakeClock clock = new PvGuest.FakeClock();
    private final Deque<Supplier<State>> script = new ArrayDeque<>();
    private final List<Integer> ran = new ArrayList<>();
    private final Scheduler scheduler = new Scheduler(this::run, () -> clock.now);

    private State run(VirtualCpu vcpu, long slice) {
        ran.add(vcpu.vcpuId());
        Supplier<State> step = script.poll();
        if (step == null) {
            clock.now += slice;
            return State.RUNNABLE;
        }
        return step.get();
    }

    private PvGuest guest(int vcpus) {
        PvGuest guest = new PvGuest(vcpus, clock, scheduler);
        for (int i = 0; i < vcpus; i++) {
            scheduler.online(guest.vcpu(i));
        }
        return guest;
    }

    private void runSlices(int count) {
        for (int i = 0; i < count; i++) {
            assertThat(scheduler.runNext()).isTrue();
        }
    }

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
    void whatPostedWorkPostsKicksNobodyAndWhatOthersPostDoes() {
        PvGuest guest = guest(1);
        Cpu cpu = guest.vcpu(0).cpu();
        List<Boolean> kicked = new ArrayList<>();
        script.add(
                () -> {
                    guest.domain.post(() -> guest.domain.post(() -> {}));
                    kicked.add(cpu.isKicked());
                    cpu.unkick();
                    guest.domain.applyPosted();
                    kicked.add(cpu.isKicked());
                    return State.RUNNABLE;
                });
        runSlices(1);
        assertThat(kicked).containsExactly(true, false);
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

    @Test
    void blockedVcpuIsNotRunUntilItIsWoken() {
        PvGuest guest = guest(1);
        script.add(() -> State.BLOCKED);
        runSlices(1);
        assertThat(scheduler.runNext()).isFalse();
        clock.now += 1_000_000_000_000L;
        assertThat(scheduler.runNext()).isFalse();
        scheduler.wake(guest.vcpu(0));
        assertThat(scheduler.runNext()).isTrue();
    }

    @Test
    void wakeThatComesBetweenTheLastLookAndTheSleepIsNotLost() {
        PvGuest guest = guest(1);
        script.add(
                () -> {
                    scheduler.wake(guest.vcpu(0));
                    return State.BLOCKED;
                });
        runSlices(1);
        assertThat(guest.vcpu(0).state).isEqualTo(State.RUNNABLE);
    }

    @Test
    void workPostedWhileAVcpuFallsAsleepIsAttendedTo() {
        PvGuest guest = guest(1);
        script.add(
                () -> {
                    guest.domain.post(() -> {});
                    return State.POLLING;
                });
        runSlices(1);
        assertThat(guest.vcpu(0).state).isEqualTo(State.RUNNABLE);
    }

    @Test
    void workPostedToASleepingDomainWakesOneOfItsVcpus() {
        PvGuest guest = guest(2);
        script.add(() -> State.BLOCKED);
        script.add(() -> State.BLOCKED);
        runSlices(2);
        guest.domain.post(() -> {});
        guest.domain.post(() -> {});
        assertThat(guest.domain.vcpus().stream().filter(v -> v.state == State.RUNNABLE)).hasSize(1);
    }

    @Test
    void timersWakeTheirVcpusInTheOrderOfDeadlines() {
        PvGuest guest = guest(3);
        long[] deadlines = {300, 100, 200};
        for (int i = 0; i < 3; i++) {
            guest.vcpu(i).timers.setOneShot(deadlines[i]);
            script.add(() -> State.BLOCKED);
        }
        runSlices(3);
        ran.clear();
        for (clock.now = 0; clock.now <= 400; clock.now += 10) {
            script.add(
                    () -> {
                        guest.vcpu(ran.getLast()).timers.setOneShot(VirtualCpu.NEVER);
                        return State.BLOCKED;
                    });
            boolean due = clock.now % 100 == 0 && clock.now >= 100 && clock.now <= 300;
            assertThat(scheduler.runNext()).as("at %d ns", clock.now).isEqualTo(due);
            script.clear();
        }
        assertThat(ran).containsExactly(1, 2, 0);
    }

    @Test
    void pollTimeoutWakesAPollingVcpuOnly() {
        PvGuest guest = guest(1);
        guest.vcpu(0).waits.forPorts(new int[0], 50);
        script.add(() -> State.POLLING);
        runSlices(1);
        clock.now = 49;
        assertThat(scheduler.runNext()).isFalse();
        clock.now = 50;
        script.add(() -> State.BLOCKED);
        assertThat(scheduler.runNext()).isTrue();
        assertThat(scheduler.runNext()).as("blocked: the poll's timeout is none of its").isFalse();
    }

    @Test
    void vcpuThatGoesDownStopsAndComesBackWithUp() {
        PvGuest guest = guest(1);
        script.add(
                () -> {
                    scheduler.offline(guest.vcpu(0));
                    return State.OFFLINE;
                });
        runSlices(1);
        assertThat(scheduler.runNext()).isFalse();
        scheduler.wake(guest.vcpu(0));
        assertThat(scheduler.runNext()).as("an event does not bring it up").isFalse();
        scheduler.online(guest.vcpu(0));
        assertThat(scheduler.runNext()).isTrue();
    }

    @Test
    void upThatCrossesADownOnItsWayIsNotLost() {
        PvGuest guest = guest(1);
        script.add(
                () -> {
                    scheduler.offline(guest.vcpu(0));
                    scheduler.online(guest.vcpu(0));
                    return State.OFFLINE;
                });
        runSlices(1);
        assertThat(guest.vcpu(0).state).isEqualTo(State.RUNNABLE);
    }

    @Test
    void endedDomainRunsNoMore() {
        PvGuest guest = guest(2);
        script.add(
                () -> {
                    guest.domain.shutdown(DomainEnd.SHUTDOWN_POWEROFF);
                    return State.RUNNABLE;
                });
        runSlices(1);
        assertThat(scheduler.runNext()).isFalse();
        scheduler.remove(guest.domain);
    }

    @Test
    void virtualTimeJumpsOverAnHourOfSleep() {
        PvGuest guest = new PvGuest(1, GuestClock.virtual(), scheduler);
        scheduler.online(guest.vcpu(0));
        long hour = 3_600_000_000_000L;
        guest.vcpu(0).timers.setOneShot(hour);
        script.add(() -> State.BLOCKED);
        runSlices(1);
        assertThat(scheduler.runNext()).isFalse();
        assertThat(scheduler.skipToNextDeadline()).isTrue();
        assertThat(guest.vcpu(0).systemTime()).isEqualTo(hour);
        assertThat(scheduler.runNext()).isTrue();
    }

    @Test
    void hostThreadsRunAndStop() throws InterruptedException {
        PvGuest guest = new PvGuest(4, clock, scheduler);
        CountDownLatch all = new CountDownLatch(4);
        Scheduler threaded =
                new Scheduler(
                        (vcpu, slice) -> {
                            all.countDown();
                            return State.BLOCKED;
                        });
        guest.domain.vcpus().forEach(threaded::add);
        threaded.start(2);
        guest.domain.vcpus().forEach(threaded::online);
        all.await();
        threaded.stop();
        assertThat(guest.domain.vcpus()).noneMatch(vcpu -> vcpu.state == State.RUNNING);
    }

    @Test
    void siblingsRunAtTheSameTimeOnTwoHostThreads() throws Exception {
        PvGuest guest = new PvGuest(2, GuestClock.live());
        CyclicBarrier meeting = new CyclicBarrier(2);
        CountDownLatch met = new CountDownLatch(2);
        Scheduler threaded =
                new Scheduler(
                        (vcpu, slice) -> {
                            if (meet(meeting)) {
                                met.countDown();
                            }
                            return State.BLOCKED;
                        });
        guest.domain.vcpus().forEach(threaded::add);
        threaded.start(2);
        guest.domain.vcpus().forEach(threaded::online);
        assertThat(met.await(10, TimeUnit.SECONDS)).as("both inside their slice").isTrue();
        threaded.stop();
    }

    private static boolean meet(CyclicBarrier meeting) {
        try {
            meeting.await(5, TimeUnit.SECONDS);
            return true;
        } catch (InterruptedException | BrokenBarrierException | TimeoutException alone) {
            return false;
        }
    }

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

    @Test
    void workPostedToAVcpuOnItsWayDownIsDoneByASleepingSibling() {
        PvGuest guest = guest(2);
        script.add(() -> State.BLOCKED);
        runSlices(1);
        VirtualCpu sleeper = guest.vcpu(ran.getFirst());
        VirtualCpu goingDown = guest.vcpu(1 - ran.getFirst());
        script.add(
                () -> {
                    scheduler.offline(goingDown);
                    guest.domain.post(() -> {});
                    return State.OFFLINE;
                });
        runSlices(1);
        assertThat(goingDown.state).isEqualTo(State.OFFLINE);
        assertThat(sleeper.state).isEqualTo(State.RUNNABLE);
    }
}

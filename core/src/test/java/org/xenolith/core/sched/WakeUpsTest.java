package org.xenolith.core.sched;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.xenolith.core.domain.DomainEnd;
import org.xenolith.core.domain.PvGuest;
import org.xenolith.core.domain.Runstate;
import org.xenolith.core.domain.VirtualCpu;
import org.xenolith.core.domain.VirtualCpu.State;
import org.xenolith.core.time.GuestClock;
import org.xenolith.cpu.Cpu;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/** vCPUs that sleep, go down, and are woken. */
class WakeUpsTest extends ScriptedVcpus {
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

    /** Guests call the time for which they wait for a processor stolen. */
    @Test
    void vcpuThatIsAwakeAndDoesNotRunYetIsRunnableToItsGuest() {
        PvGuest guest = guest(1);
        VirtualCpu vcpu = guest.vcpu(0);
        script.add(() -> asleepAt(100, vcpu));
        runSlices(1);
        clock.now = 300;
        scheduler.wake(vcpu);
        assertThat(timesAt(450, vcpu)).containsExactly(100L, 150L, 200L, 0L);
    }

    @Test
    void vcpuThatMustLookAgainBeforeItSleepsIsRunnableToItsGuest() {
        PvGuest guest = guest(1);
        VirtualCpu vcpu = guest.vcpu(0);
        script.add(
                () -> {
                    scheduler.wake(vcpu);
                    return asleepAt(100, vcpu);
                });
        runSlices(1);
        assertThat(timesAt(450, vcpu)).containsExactly(100L, 350L, 0L, 0L);
    }

    /** What the vCPU's runner does for a slice from now on, at the end of which the vCPU waits. */
    private State asleepAt(long end, VirtualCpu vcpu) {
        vcpu.runstate.set(Runstate.RUNNING, clock.now);
        clock.now = end;
        vcpu.runstate.set(Runstate.BLOCKED, clock.now);
        return State.BLOCKED;
    }

    /** How long it has been running, runnable, blocked and offline; nanoseconds. */
    private static List<Long> timesAt(long now, VirtualCpu vcpu) {
        ByteBuffer in = ByteBuffer.wrap(vcpu.runstate.recordAt(now)).order(ByteOrder.LITTLE_ENDIAN);
        return IntStream.range(0, 4).mapToObj(state -> in.getLong(16 + 8 * state)).toList();
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
    void whatPostedWorkPostsKicksNobodyAndWhatOthersPostDoes() {
        PvGuest guest = guest(1);
        Cpu cpu = guest.vcpu(0).cpu();
        List<Boolean> kicked = new ArrayList<>();
        script.add(
                () -> {
                    guest.domain.post(() -> guest.domain.post(() -> {}));
                    kicked.add(cpu.isKicked());
                    cpu.unkick();
                    guest.domain.applyPosted(guest.vcpu(0).turn);
                    kicked.add(cpu.isKicked());
                    return State.RUNNABLE;
                });
        runSlices(1);
        assertThat(kicked).containsExactly(true, false);
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

    /** Its guest was closed, by Ctrl-C for one, while somebody else was about to start it. */
    @Test
    void vcpuOfADomainThatIsGoneDoesNotComeUp() {
        PvGuest guest = guest(1);
        guest.domain.destroy();
        scheduler.remove(guest.domain);
        scheduler.online(guest.vcpu(0));
        scheduler.offline(guest.vcpu(0));
        assertThat(scheduler.runNext()).isFalse();
        assertThat(guest.vcpu(0).state).isEqualTo(State.OFFLINE);
    }
}

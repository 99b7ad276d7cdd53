package org.xenolith.core.domain;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.xenolith.core.parallel.HostThreads;

import java.util.concurrent.atomic.AtomicInteger;

class VcpuTimersTest {
    private static final int ROUNDS = 20_000;

    private final VcpuTimers timers = new VcpuTimers();

    @Test
    void timersThatAreNotSetNeverComeDue() {
        assertThat(timers.nextDeadline()).isEqualTo(VirtualCpu.NEVER);
        assertThat(timers.takeDue(VirtualCpu.NEVER - 1)).isFalse();
    }

    @Test
    void oneShotTimerComesDueOnceAtItsDeadline() {
        timers.setOneShot(100);
        assertThat(timers.takeDue(99)).isFalse();
        assertThat(timers.takeDue(100)).isTrue();
        assertThat(timers.oneShotDeadline()).isEqualTo(VirtualCpu.NEVER);
        assertThat(timers.takeDue(101)).isFalse();
    }

    @Test
    void deadlineBelowZeroIsLongAgo() {
        timers.setOneShot(-1);
        assertThat(timers.oneShotDeadline()).isZero();
        assertThat(timers.takeDue(0)).isTrue();
    }

    @Test
    void periodsThatWereMissedAreMadeUpForByOne() {
        timers.startPeriodic(1000, 50);
        assertThat(timers.periodicDeadline()).isEqualTo(1050);
        assertThat(timers.takeDue(1320)).isTrue();
        assertThat(timers.periodicDeadline()).as("a period from now").isEqualTo(1370);
        assertThat(timers.takeDue(1369)).isFalse();
    }

    @Test
    void periodThatOverflowsNeverComesDue() {
        timers.startPeriodic(10, Long.MAX_VALUE);
        assertThat(timers.periodicDeadline()).isEqualTo(VirtualCpu.NEVER);
    }

    @Test
    void nextDeadlineIsThatOfWhicheverComesFirst() {
        timers.setOneShot(300);
        timers.startPeriodic(0, 200);
        assertThat(timers.nextDeadline()).isEqualTo(200);
        timers.takeDue(200);
        assertThat(timers.nextDeadline()).isEqualTo(300);
        timers.stopOneShot();
        assertThat(timers.nextDeadline()).isEqualTo(400);
        timers.stopPeriodic();
        assertThat(timers.nextDeadline()).isEqualTo(VirtualCpu.NEVER);
    }

    @Test
    void timerThatASiblingStopsAsItComesDueStaysStopped() {
        AtomicInteger arrived = new AtomicInteger();
        AtomicInteger goOn = new AtomicInteger();
        HostThreads.together(
                () -> {
                    for (int i = 0; i < ROUNDS; i++) {
                        timers.startPeriodic(0, 50);
                        meet(arrived);
                        timers.stopPeriodic();
                        meet(arrived);
                        if (timers.periodicDeadline() != VirtualCpu.NEVER) {
                            goOn.incrementAndGet();
                        }
                    }
                },
                () -> {
                    for (int i = 0; i < ROUNDS; i++) {
                        meet(arrived);
                        timers.takeDue(100);
                        meet(arrived);
                    }
                });
        assertThat(goOn).as("timers that go on").hasValue(0);
    }

    /** Both threads go on at nearly the same moment: they spin. */
    private static void meet(AtomicInteger arrived) {
        int place = arrived.getAndIncrement() | 1;
        while (arrived.get() <= place) {
            Thread.onSpinWait();
        }
    }
}

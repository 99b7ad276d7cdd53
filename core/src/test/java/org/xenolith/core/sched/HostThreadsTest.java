package org.xenolith.core.sched;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.xenolith.core.domain.PvGuest;
import org.xenolith.core.domain.VirtualCpu.State;
import org.xenolith.core.time.GuestClock;

import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** vCPUs on host threads. */
class HostThreadsTest extends ScriptedVcpus {
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
}

package org.xenolith.core.sched;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.xenolith.core.domain.PvGuest;
import org.xenolith.core.domain.VirtualCpu;
import org.xenolith.core.domain.VirtualCpu.State;
import org.xenolith.core.time.GuestClock;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;

/** Host threads that wait: one of them watches the timers, whatever the others do. */
class WorkersTest {
    private static final long SECONDS = 1_000_000_000L;
    private static final long SOON = 200_000_000;

    private final PvGuest guest = new PvGuest(2, GuestClock.live());
    private final VirtualCpu sleeper = guest.vcpu(0);
    private final VirtualCpu busy = guest.vcpu(1);

    /** The sleeper's deadline was seen. */
    private final CountDownLatch awake = new CountDownLatch(1);

    private volatile boolean wokeInTime;
    private final Scheduler scheduler = new Scheduler(this::run);

    private State run(VirtualCpu vcpu, long slice) {
        if (vcpu == busy) {
            wokeInTime = await(awake);
            return State.OFFLINE;
        }
        if (sleeper.timers.oneShotDeadline() == Task.NEVER) {
            sleeper.timers.setOneShot(sleeper.systemTime() + SOON);
        } else {
            sleeper.timers.setOneShot(Task.NEVER);
            awake.countDown();
        }
        return State.BLOCKED;
    }

    private static boolean await(CountDownLatch latch) {
        try {
            return latch.await(10, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            return false;
        }
    }

    @Test
    void threadThatWatchesTheTimersAndFindsAVcpuToRunPassesTheWatchOn() {
        guest.domain.vcpus().forEach(scheduler::add);
        scheduler.start(2);
        scheduler.online(sleeper);
        while (sleeper.state != State.BLOCKED) {
            Thread.onSpinWait();
        }
        // The lock is free when the thread that ran the sleeper waits for its deadline.
        scheduler.online(busy);
        assertThat(await(awake)).isTrue();
        scheduler.stop();
        assertThat(wokeInTime).as("while the other vCPU ran").isTrue();
    }

    @Test
    void deadlineIsWatchedByOneOfTheThreadsThatWait() {
        ReentrantLock lock = new ReentrantLock();
        Deadlines deadlines = new Deadlines(System::nanoTime);
        Workers workers = new Workers(lock, deadlines, new VirtualTime());
        Task task = new Task(sleeper, new DomainTasks(guest.domain, 0), 0);
        sleeper.timers.setOneShot(sleeper.systemTime() + 3600 * SECONDS);
        deadlines.add(task);
        workers.start(2, () -> false);
        while (waiting(lock, workers) < 2) {
            Thread.onSpinWait();
        }
        assertThat(wouldOversleep(lock, workers, task.wakeAt)).as("is watched").isFalse();
        assertThat(wouldOversleep(lock, workers, task.wakeAt - 1)).as("is earlier").isTrue();
        workers.stop();
    }

    @Test
    void moreThreadsAreStartedAndNoneAfterTheEnd() {
        ReentrantLock lock = new ReentrantLock();
        Workers workers = new Workers(lock, new Deadlines(System::nanoTime), new VirtualTime());
        workers.start(2, () -> false);
        workers.start(1, () -> false);
        workers.start(3, () -> false);
        while (waiting(lock, workers) < 3) {
            Thread.onSpinWait();
        }
        workers.stop();
        workers.start(4, () -> false);
        assertThat(waiting(lock, workers)).isZero();
    }

    private static int waiting(ReentrantLock lock, Workers workers) {
        lock.lock();
        try {
            return workers.waiting();
        } finally {
            lock.unlock();
        }
    }

    private static boolean wouldOversleep(ReentrantLock lock, Workers workers, long wakeAt) {
        lock.lock();
        try {
            return workers.wouldOversleep(wakeAt);
        } finally {
            lock.unlock();
        }
    }
}

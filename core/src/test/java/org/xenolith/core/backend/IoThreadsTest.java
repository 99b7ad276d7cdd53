package org.xenolith.core.backend;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

@Timeout(60)
class IoThreadsTest {
    @Test
    void diskThatHangsHoldsUpNoOther() throws InterruptedException {
        try (IoThreads threads = new IoThreads()) {
            CountDownLatch repaired = new CountDownLatch(1);
            Executor hanging = threads.limited(4);
            AtomicInteger begun = new AtomicInteger();
            CountDownLatch done = new CountDownLatch(100);
            for (int i = 0; i < 100; i++) {
                hanging.execute(
                        () -> {
                            begun.incrementAndGet();
                            await(repaired);
                            done.countDown();
                        });
            }
            CountDownLatch other = new CountDownLatch(100);
            Executor healthy = threads.limited(4);
            for (int i = 0; i < 100; i++) {
                healthy.execute(other::countDown);
            }
            other.await();
            assertThat(begun.get()).as("calls of the disk that hangs").isLessThanOrEqualTo(4);
            repaired.countDown();
            done.await();
        }
    }

    @Test
    void noWorkIsForgottenHoweverTheThreadsComeAndGo() throws InterruptedException {
        try (IoThreads threads = new IoThreads()) {
            Executor one = threads.limited(1);
            int tasks = 100_000;
            CountDownLatch done = new CountDownLatch(tasks);
            for (int i = 0; i < tasks; i++) {
                one.execute(done::countDown);
            }
            assertThat(done.await(50, TimeUnit.SECONDS)).isTrue();
        }
    }

    @Test
    void callThatThrowsAnErrorTakesNoThreadFromItsDisk() throws InterruptedException {
        try (IoThreads threads = new IoThreads()) {
            Executor one = threads.limited(1);
            for (int i = 0; i < 10; i++) {
                one.execute(
                        () -> {
                            Thread.currentThread().setUncaughtExceptionHandler((t, e) -> {});
                            throw new OutOfMemoryError("a test's");
                        });
            }
            CountDownLatch done = new CountDownLatch(1);
            one.execute(done::countDown);
            assertThat(done.await(50, TimeUnit.SECONDS)).isTrue();
        }
    }

    @Test
    void hostThatIsOutOfThreadsForAMomentDoesNotStopADiskForEver() {
        Queue<Runnable> started = new ArrayDeque<>();
        boolean[] outOfThreads = {true};
        Executor disk =
                new IoThreads.Limited(
                        thread -> {
                            if (outOfThreads[0]) {
                                throw new OutOfMemoryError("unable to create native thread");
                            }
                            started.add(thread);
                        },
                        1);
        List<String> done = new ArrayList<>();
        assertThatThrownBy(() -> disk.execute(() -> done.add("first")))
                .isInstanceOf(OutOfMemoryError.class);

        outOfThreads[0] = false;
        disk.execute(() -> done.add("second"));
        started.forEach(Runnable::run);
        assertThat(done).containsExactly("first", "second");
    }

    private static void await(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}

package org.xenolith.core.domain;

import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * A guest's wish to be suspended, which it makes known by sched_op shutdown and then stands still
 * for, and who answers it. public/sched.h, {@code SHUTDOWN_suspend}.
 *
 * <p>Any thread.
 */
public final class DomainSuspend {
    private final Domain domain;
    private Runnable listener;
    private volatile Optional<Suspension> pending = Optional.empty();

    /** Of who awaits the guest's suspend, null for nobody. */
    private volatile CountDownLatch awaited;

    DomainSuspend(Domain domain) {
        this.domain = domain;
    }

    /**
     * The guest has suspended itself and waits for an answer.
     *
     * @param vcpu which of its vCPUs asked
     * @param startInfoMfn the page with {@code start_info}
     */
    public record Suspension(int vcpu, long startInfoMfn) {}

    /**
     * Sets who answers when the guest suspends itself, null for nobody: then it goes on at once.
     *
     * @param hearer called on the guest's thread, with the domain paused; it must not wait
     */
    public synchronized void onRequest(Runnable hearer) {
        listener = hearer;
    }

    /**
     * Asks the guest to suspend itself and waits until it has, or has ended. Called while nobody
     * else answers. Linux drops a request that comes while it goes on from the last suspend, and
     * gives up when a process waits for a device: it is asked again.
     *
     * @param ask what asks it
     * @param askAgain after which it is asked once more
     * @return whether it waits for an answer now; if not, nobody answers any more
     * @throws InterruptedException when the thread is interrupted: the guest goes on then
     */
    public boolean await(Runnable ask, Duration askAgain, Duration patience)
            throws InterruptedException {
        CountDownLatch stands = new CountDownLatch(1);
        onRequest(stands::countDown);
        awaited = stands;
        boolean waited = false;
        try {
            long end = System.nanoTime() + patience.toNanos();
            long left = patience.toNanos();
            boolean stood = false;
            // Who ends it from now on finds the latch.
            while (!stood && left >= 0 && !domain.hasEnded()) {
                ask.run();
                stood = stands.await(Math.min(left, askAgain.toNanos()), TimeUnit.NANOSECONDS);
                left = end - System.nanoTime();
            }
            waited = true;
        } finally {
            awaited = null;
            onRequest(null);
            if (!waited && isPending()) {
                answered();
                domain.unpause();
            }
        }
        return isPending(); // it may have come after the time, but before nobody answered
    }

    /** The guest suspends itself: all its vCPUs stop, if there is anybody to let them go on. */
    public synchronized void request(Suspension by) {
        Runnable hearer = listener;
        if (hearer != null) {
            pending = Optional.of(by);
            domain.scheduler().beginPause(domain);
            hearer.run();
        }
    }

    /** The domain has ended: it suspends itself no more. */
    void ended() {
        CountDownLatch stands = awaited;
        if (stands != null) {
            stands.countDown();
        }
    }

    /** As {@link Domain#unpause}. No request comes between the question and the deed. */
    synchronized void unpause() {
        if (!isPending()) {
            domain.scheduler().unpause(domain);
        }
    }

    boolean isPending() {
        return pending.isPresent();
    }

    /** Set while the guest waits for the answer to its suspend. */
    public Optional<Suspension> pending() {
        return pending;
    }

    /** The suspend is answered; the domain is the caller's to unpause. */
    public void answered() {
        pending = Optional.empty();
    }

    /** Takes over the suspend that the domain which this one continues was in. */
    public void restore(Optional<Suspension> saved) {
        pending = saved;
    }
}

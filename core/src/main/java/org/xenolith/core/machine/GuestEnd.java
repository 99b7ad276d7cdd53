package org.xenolith.core.machine;

import org.xenolith.core.boot.Outcome;
import org.xenolith.core.domain.Domain;
import org.xenolith.core.domain.DomainEnd;

import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * What those wait for who follow a guest: its end, by itself or by somebody, and that its user has
 * no use for it any more. Then tells how it ended.
 *
 * <p>Any thread.
 */
final class GuestEnd {
    private final Domain domain;
    private final CountDownLatch ended = new CountDownLatch(1);
    private final CountDownLatch destroyed = new CountDownLatch(1);

    /** Counts down when its user has no use for it any more. */
    private final CountDownLatch dismissed = new CountDownLatch(1);

    private volatile boolean left;
    private volatile Path savedTo;

    GuestEnd(Domain domain) {
        this.domain = domain;
        domain.ending().onEnd(ended::countDown);
    }

    /** As {@link Guest#destroy}. */
    void destroy() {
        domain.destroy();
        destroyed.countDown();
        dismissed.countDown();
    }

    /** As {@link Guest#isDestroyed}. */
    boolean isDestroyed() {
        return destroyed.getCount() == 0;
    }

    /** As {@link #destroy}, after a save that the guest lives on in. */
    void destroySaved(Path file) {
        savedTo = file;
        destroy();
    }

    /** As {@link Guest#leave}. */
    void leave() {
        left = true;
        ended.countDown();
        dismissed.countDown();
    }

    /**
     * Waits until the guest has ended or was left.
     *
     * @return false when the time is over, or the thread was interrupted
     */
    boolean await(Duration patience) {
        return await(ended, patience);
    }

    /** As {@link Guest#awaitDismissal}. */
    boolean awaitDismissal(Duration patience) {
        return await(dismissed, patience);
    }

    /** As {@link Guest#awaitDestroy}. */
    void awaitDestroy() {
        try {
            destroyed.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static boolean await(CountDownLatch latch, Duration patience) {
        try {
            return latch.await(patience.toNanos(), TimeUnit.NANOSECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    /**
     * How the guest, which stands, has ended.
     *
     * @param over what {@link #await(Duration)} returned
     */
    Outcome.Ending ending(boolean over) {
        if (left) {
            return new Outcome.Left();
        }
        if (!over) {
            return new Outcome.TimedOut();
        }
        int reason = domain.ending().reason();
        if (reason > DomainEnd.SHUTDOWN_SOFT_RESET) {
            return new Outcome.PoweredOff(reason);
        }
        return switch (reason) {
            case DomainEnd.SHUTDOWN_POWEROFF -> new Outcome.PoweredOff();
            case DomainEnd.SHUTDOWN_REBOOT -> new Outcome.Rebooted();
            case DomainEnd.DESTROYED ->
                    savedTo == null ? new Outcome.Destroyed() : new Outcome.Saved(savedTo);
            default -> new Outcome.Crashed(CrashReport.of(domain));
        };
    }
}

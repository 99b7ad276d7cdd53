package org.xenolith.core.domain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.xenolith.core.domain.DomainSuspend.Suspension;

import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;

class DomainSuspendTest {
    private static final Duration PATIENCE = Duration.ofMinutes(1);

    private final Domain domain = new TestGuest(1).domain;
    private final DomainSuspend suspend = domain.suspending();
    private boolean pausedWhenTold;

    @Test
    void guestStandsUntilItIsAnswered() {
        suspend.onRequest(() -> pausedWhenTold = domain.isPaused());
        suspend.request(new Suspension(0, 77));
        assertThat(pausedWhenTold).isTrue();
        assertThat(suspend.pending()).contains(new Suspension(0, 77));
        assertThat(suspend.isPending()).isTrue();
        suspend.answered();
        assertThat(suspend.pending()).isEmpty();
        assertThat(domain.isPaused()).as("whoever answers unpauses it").isTrue();
    }

    /** Somebody else had paused it, or looked at it: their unpause is no answer. */
    @Test
    void guestThatWaitsForAnAnswerDoesNotGoOnBecauseAPauseEnds() {
        suspend.onRequest(() -> {});
        domain.scheduler().pause(domain);
        suspend.request(new Suspension(0, 77));
        domain.unpause();
        assertThat(domain.isPaused()).isTrue();
        suspend.answered();
        domain.unpause();
        assertThat(domain.isPaused()).isFalse();
    }

    @Test
    void guestThatNobodyAnswersDoesNotStand() {
        suspend.onRequest(() -> pausedWhenTold = true);
        suspend.onRequest(null);
        suspend.request(new Suspension(0, 77));
        assertThat(pausedWhenTold).isFalse();
        assertThat(suspend.isPending()).isFalse();
        assertThat(domain.isPaused()).isFalse();
    }

    @Test
    void guestWhoseSuspendNobodyAwaitsAnyMoreDoesNotStand() {
        Thread.currentThread().interrupt();
        assertThatThrownBy(() -> suspend.await(() -> {}, PATIENCE, PATIENCE))
                .isInstanceOf(InterruptedException.class);
        suspend.request(new Suspension(0, 77));
        assertThat(suspend.isPending()).isFalse();
        assertThat(domain.isPaused()).isFalse();
    }

    @Test
    void guestThatSuspendsItselfForOneWhoIsInterruptedGoesOn() {
        assertThatThrownBy(
                        () ->
                                suspend.await(
                                        () -> {
                                            suspend.request(new Suspension(0, 77));
                                            Thread.currentThread().interrupt();
                                        },
                                        PATIENCE,
                                        PATIENCE))
                .isInstanceOf(InterruptedException.class);
        assertThat(suspend.isPending()).isFalse();
        assertThat(domain.isPaused()).isFalse();
    }

    @Test
    void guestThatSuspendsItselfStandsForWhoAwaitsIt() throws InterruptedException {
        assertThat(suspend.await(() -> suspend.request(new Suspension(0, 77)), PATIENCE, PATIENCE))
                .isTrue();
        assertThat(domain.isPaused()).isTrue();
        suspend.answered();
        assertThat(suspend.await(() -> {}, PATIENCE, Duration.ZERO)).isFalse();
    }

    /** Linux drops what comes while it goes on from its last suspend. */
    @Test
    void guestThatHasNotHeardTheRequestIsAskedAgain() throws InterruptedException {
        AtomicInteger asked = new AtomicInteger();
        Runnable hardOfHearing =
                () -> {
                    if (asked.incrementAndGet() == 3) {
                        suspend.request(new Suspension(0, 77));
                    }
                };
        assertThat(suspend.await(hardOfHearing, Duration.ofMillis(1), PATIENCE)).isTrue();
        assertThat(asked).hasValue(3);
    }

    @Test
    void suspendOfASavedDomainIsPendingInTheRestoredOne() {
        suspend.restore(Optional.of(new Suspension(0, 5)));
        assertThat(suspend.pending()).contains(new Suspension(0, 5));
    }

    @Test
    @Timeout(20)
    void domainThatEndsIsNotWaitedFor() throws InterruptedException {
        assertThat(suspend.await(domain::destroy, PATIENCE, PATIENCE)).isFalse();
        assertThat(suspend.await(() -> pausedWhenTold = true, PATIENCE, PATIENCE)).isFalse();
        assertThat(pausedWhenTold).as("it is not asked any more").isFalse();
    }
}

package org.xenolith.core.domain;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** A pause at a number of instructions. */
class DomainPauseTest {
    private final Domain domain = new TestGuest(2).domain;
    private int paused;

    private void retire(int vcpu, long instructions) {
        domain.vcpu(vcpu).cpu().setRetired(instructions);
    }

    @Test
    void domainPausesWhenItsVcpusTogetherHaveRetiredSoMany() {
        domain.pauseAt(1000, () -> paused++);
        retire(0, 500);
        retire(1, 499);
        assertThat(domain.mustPause()).isFalse();
        retire(1, 500);
        assertThat(domain.mustPause()).isTrue();
        assertThat(domain.isPaused()).isTrue();
        assertThat(paused).isEqualTo(1);
    }

    @Test
    void pauseWaitsUntilWhatWasPostedIsApplied() {
        domain.pauseAt(1000, () -> paused++);
        retire(0, 2000);
        domain.post(() -> {});
        assertThat(domain.mustPause()).isFalse();
        domain.applyPosted(domain.vcpu(0).turn);
        assertThat(domain.mustPause()).isTrue();
    }

    @Test
    void domainThatGoesOnIsNotPausedThereAgain() {
        domain.pauseAt(0, () -> paused++);
        domain.mustPause();
        domain.scheduler().unpause(domain);
        assertThat(domain.mustPause()).isFalse();
        assertThat(paused).isEqualTo(1);
    }

    @Test
    void vcpuStopsForAPauseOfTheHostsToo() {
        domain.scheduler().beginPause(domain);
        assertThat(domain.mustPause()).isTrue();
        assertThat(paused).isZero();
    }
}

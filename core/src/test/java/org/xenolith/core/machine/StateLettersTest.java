package org.xenolith.core.machine;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.xenolith.core.domain.Domain;
import org.xenolith.core.domain.DomainEnd;
import org.xenolith.core.domain.PvGuest;
import org.xenolith.core.domain.VirtualCpu.State;

/** The column of xl list. */
class StateLettersTest {
    private final Domain domain = new PvGuest(2, new PvGuest.FakeClock()).domain;

    private String lettersWith(State first, State second) {
        domain.vcpu(0).state = first;
        domain.vcpu(1).state = second;
        return StateLetters.of(domain);
    }

    @Test
    void domainRunsWhenOneOfItsVcpusDoesOrCould() {
        assertThat(lettersWith(State.BLOCKED, State.RUNNING)).isEqualTo("r-----");
        assertThat(lettersWith(State.RUNNABLE, State.OFFLINE)).isEqualTo("r-----");
        assertThat(lettersWith(State.BLOCKED, State.POLLING)).isEqualTo("-b----");
    }

    @Test
    void pausedDomainSaysWhatItWouldDo() {
        domain.setPaused(true);
        assertThat(lettersWith(State.BLOCKED, State.BLOCKED)).isEqualTo("-bp---");
        assertThat(lettersWith(State.RUNNABLE, State.BLOCKED)).isEqualTo("r-p---");
    }

    @Test
    void endedDomainSaysHow() {
        domain.setPaused(true);
        domain.shutdown(DomainEnd.SHUTDOWN_POWEROFF);
        assertThat(StateLetters.of(domain)).isEqualTo("---s--");
    }

    @Test
    void crashedDomainIsNotShutDown() {
        domain.crash(domain.vcpu(0), "");
        assertThat(StateLetters.of(domain)).isEqualTo("----c-");
    }

    @Test
    void destroyedDomainIsDying() {
        domain.destroy();
        assertThat(StateLetters.of(domain)).isEqualTo("---s-d");
    }
}

package org.xenolith.core.domain;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.xenolith.core.domain.VirtualCpu.State;

class DomainEndTest {
    private final Domain domain = new TestGuest(2).domain;
    private final DomainEnd end = domain.ending();
    private int told;

    @Test
    void domainThatRunsHasNoReasonToHaveEnded() {
        assertThat(domain.hasEnded()).isFalse();
        assertThat(end.reason()).isEqualTo(DomainEnd.NOT_SHUT_DOWN);
        assertThat(end.crash()).isEmpty();
        assertThat(end.crashedVcpu()).isNull();
    }

    @Test
    void firstReasonStaysAndIsToldOnce() {
        end.onEnd(() -> told++);
        domain.shutdown(DomainEnd.SHUTDOWN_REBOOT);
        domain.crash(domain.vcpu(1), "too late");
        domain.destroy();
        assertThat(domain.hasEnded()).isTrue();
        assertThat(end.reason()).isEqualTo(DomainEnd.SHUTDOWN_REBOOT);
        assertThat(end.crash()).isEmpty();
        assertThat(end.crashedVcpu()).isNull();
        assertThat(told).isEqualTo(1);
    }

    @Test
    void crashKeepsItsVcpuAndItsReason() {
        domain.crash(domain.vcpu(1), "an ill deed");
        assertThat(end.reason()).isEqualTo(DomainEnd.SHUTDOWN_CRASH);
        assertThat(end.crash()).isEqualTo("an ill deed");
        assertThat(end.crashedVcpu()).isSameAs(domain.vcpu(1));
    }

    @Test
    void firstLatchedCodeTakesThePlaceOfAShutdownsReasonOnly() {
        end.latchCode(77);
        end.latchCode(99);
        assertThat(domain.hasEnded()).isFalse();
        domain.shutdown(DomainEnd.SHUTDOWN_POWEROFF);
        assertThat(end.reason()).isEqualTo(77);

        Domain other = new TestGuest(1).domain;
        other.ending().latchCode(77);
        other.destroy();
        assertThat(other.ending().reason()).isEqualTo(DomainEnd.DESTROYED);
    }

    @Test
    void vcpusAreDownBeforeAnybodyIsTold() {
        domain.scheduler().online(domain.vcpu(0));
        end.onEnd(() -> assertThat(domain.vcpu(0).state).isEqualTo(State.OFFLINE));
        assertThat(domain.vcpu(0).state).isEqualTo(State.RUNNABLE);
        domain.destroy();
    }
}

package org.xenolith.core.domain;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class VcpuRunnerTest {
    @Test
    void defectOfTheVmmEndsTheDomainButNotTheHostThread() {
        Domain domain = new TestGuest(1).domain;
        VcpuRunner runner = new VcpuRunner(vcpu -> {}, null);
        domain.post(
                () -> {
                    throw new IllegalStateException("frame freed twice");
                });

        assertThat(runner.run(domain.vcpu(0), 1000)).isEqualTo(VirtualCpu.State.OFFLINE);

        assertThat(domain.ending().reason()).isEqualTo(DomainEnd.SHUTDOWN_CRASH);
        assertThat(domain.ending().crash())
                .contains("frame freed twice")
                .contains("VcpuRunnerTest");
        assertThat(domain.ending().crashedVcpu()).isSameAs(domain.vcpu(0));
    }
}

package org.xenolith.core.domain;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.xenolith.core.abi.Hypercall;
import org.xenolith.core.domain.VcpuCounts.Call;

class VcpuCountsTest {
    private final VcpuCounts counts = new VcpuCounts();

    @Test
    void hypercallsAreCountedByTheirNumbers() {
        counts.hypercall(Hypercall.IRET, 0);
        counts.hypercall(Hypercall.MMU_UPDATE, 0x1000);
        counts.hypercall(Hypercall.IRET, 0);
        assertThat(counts.hypercalls()).isEqualTo(3);
        assertThat(counts.hypercalls(Hypercall.IRET)).isEqualTo(2);
        assertThat(counts.hypercalls(Hypercall.MMU_UPDATE)).isEqualTo(1);
    }

    @Test
    void numbersThatMeanNothingAreCountedInTheSumOnly() {
        counts.hypercall(-1, 0);
        counts.hypercall(Hypercall.COUNT, 7);
        counts.hypercall(Integer.MAX_VALUE, 0);
        assertThat(counts.hypercalls()).isEqualTo(3);
        assertThat(counts.lastHypercalls(2))
                .containsExactly(new Call(Hypercall.COUNT, 7), new Call(Integer.MAX_VALUE, 0));
    }

    @Test
    void lastHypercallsComeNewestLastHoweverManyThereWere() {
        assertThat(counts.lastHypercalls(8)).isEmpty();
        for (int i = 0; i < 100; i++) {
            counts.hypercall(i % 60, 1000 + i);
        }
        assertThat(counts.lastHypercalls(3))
                .containsExactly(new Call(37, 1097), new Call(38, 1098), new Call(39, 1099));
        assertThat(counts.lastHypercalls(32)).hasSize(32).first().isEqualTo(new Call(8, 1068));
    }
}

package org.xenolith.core.boot;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.xenolith.cpu.translate.Tier;

import java.nio.file.Path;

final class TierUnfitTest {
    private static BootOptions guest(Tier tier, int vcpus) {
        return BootOptions.of("web", Path.of("vmlinuz"), 1 << 20).vcpus(vcpus).tier(tier).build();
    }

    /** However a guest comes to be, from options or from a file that was saved. */
    @Test
    void guestOfTwoVcpusIsNeverVerified() {
        assertThatThrownBy(() -> guest(Tier.VERIFY, 2))
                .isInstanceOf(TierUnfit.class)
                .hasMessage("web has 2 vCPUs: --tier=verify is for guests with one.");
        assertThat(guest(Tier.VERIFY, 1).tier()).isEqualTo(Tier.VERIFY);
        assertThat(guest(Tier.JIT, 32).vcpus()).isEqualTo(32);
    }
}

package org.xenolith.pv.ring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class RingIndicesTest {
    @Test
    void pendingIsRightAcrossTheWrapOfTheIndices() {
        assertThat(RingIndices.pending("ring", 3, -2, 8)).isEqualTo(5);
        assertThat(RingIndices.pending("ring", Integer.MIN_VALUE + 1, Integer.MAX_VALUE, 8))
                .isEqualTo(2);
    }

    @Test
    void aFullRingIsSoundAndOneMoreIsNot() {
        assertThat(RingIndices.pending("ring", 108, 100, 8)).isEqualTo(8);
        assertThatThrownBy(() -> RingIndices.pending("vbd 51712", 109, 100, 8))
                .isInstanceOf(RingCorrupt.class)
                .hasMessage(
                        "vbd 51712: producer index 109 is 9 ahead of consumer index 100, but the"
                                + " ring holds 8");
    }

    @Test
    void aProducerBehindTheConsumerIsCorrupt() {
        assertThatThrownBy(() -> RingIndices.pending("ring", 99, 100, 8))
                .isInstanceOf(RingCorrupt.class)
                .hasMessageContaining("4294967295 ahead");
    }

    @Test
    void theConsumerIsNotifiedOnlyWhenTheIndexItAskedForIsPassed() {
        assertThat(RingIndices.mustNotify(4, 5, 5)).isTrue();
        assertThat(RingIndices.mustNotify(4, 5, 6)).isFalse();
        assertThat(RingIndices.mustNotify(4, 5, 4)).isFalse();
        assertThat(RingIndices.mustNotify(-2, 2, 0)).as("across the wrap").isTrue();
    }
}

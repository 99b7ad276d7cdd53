package org.xenolith.core.machine;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

import java.util.List;

class LossesTest {
    private final Losses losses = new Losses();

    @Test
    void guestThatFailsInEachOfItsLivesFillsNoHeap() {
        losses.add(List.of("first", "second"));
        for (int life = 0; life < 1000; life++) {
            losses.add(List.of("life " + life, "the same"));
        }
        assertThat(losses.all()).hasSize(Losses.MOST).startsWith("first", "second", "life 0");
    }

    @Test
    void nothingIsLostWhereNothingFailed() {
        losses.add(List.of());
        assertThat(losses.all()).isEmpty();
    }
}

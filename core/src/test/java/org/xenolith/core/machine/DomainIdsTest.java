package org.xenolith.core.machine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.xenolith.core.abi.DomId;
import org.xenolith.core.boot.BootFailed;

final class DomainIdsTest {
    private static final int LAST = DomId.FIRST_RESERVED - 1;

    private final DomainIds ids = new DomainIds();

    /** A saved guest of a reserved number could not be restored, and its save ends it. */
    @Test
    void numberAfterTheLastIsTheFirstThatNoGuestHas() {
        for (int i = 1; i <= LAST; i++) {
            assertThat(ids.take()).isEqualTo(i);
            if (i > 2) {
                ids.giveBack(i);
            }
        }
        assertThat(ids.take()).isEqualTo(3);
    }

    @Test
    void numberGivenBackIsNotTheNext() {
        ids.giveBack(ids.take());
        assertThat(ids.take()).isEqualTo(2);
    }

    @Test
    void restoredGuestHasItsNumberUnlessItIsAnothers() {
        assertThat(ids.take(7)).isEqualTo(7);
        assertThat(ids.take(7)).isEqualTo(1);
        assertThat(ids.take(0)).as("domain 0 is the host").isEqualTo(2);
    }

    @Test
    void hostWithAsManyGuestsAsThereAreNumbersSaysSo() {
        for (int i = 1; i <= LAST; i++) {
            ids.take();
        }
        assertThatThrownBy(ids::take)
                .isInstanceOf(BootFailed.class)
                .hasMessage(
                        "There are 32751 guests on this host, and no number is left for another"
                                + " one");
        ids.giveBack(20_000);
        assertThat(ids.take()).isEqualTo(20_000);
    }
}

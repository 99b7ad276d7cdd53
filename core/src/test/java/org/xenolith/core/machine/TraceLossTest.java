package org.xenolith.core.machine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatNoException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.xenolith.core.boot.EndedWithLosses;
import org.xenolith.core.boot.Outcome;

import java.io.IOException;
import java.util.List;

final class TraceLossTest {
    private static void requireWhole(Outcome.Ending ending, String... losses) throws IOException {
        VmmMachine.requireWholeTrace(new Outcome(ending, ""), List.of(losses));
    }

    @Test
    void guestThatEndedWellHasFailedIfItsTraceIsNotWhole() {
        assertThatThrownBy(() -> requireWhole(new Outcome.PoweredOff(), "web: No space left"))
                .isInstanceOf(IOException.class)
                .hasMessage("The trace is not whole: web: No space left");
        assertThatNoException().isThrownBy(() -> requireWhole(new Outcome.PoweredOff()));
    }

    /** How it ended is the more important thing to tell. */
    @Test
    void guestThatCrashedIsToldToHaveCrashed() {
        assertThatNoException()
                .isThrownBy(() -> requireWhole(new Outcome.Crashed("It crashed."), "web: full"));
    }

    @Test
    void guestWhoseTraceIsNotWholeKeepsItsStatistics() {
        Outcome outcome = new Outcome(new Outcome.PoweredOff(), "hypercalls 7\n");
        assertThatThrownBy(() -> VmmMachine.requireWholeTrace(outcome, List.of("web: full")))
                .isInstanceOfSatisfying(
                        EndedWithLosses.class,
                        lost -> assertThat(lost.statistics()).isEqualTo("hypercalls 7\n"));
    }
}

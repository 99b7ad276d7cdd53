package org.xenolith.core.boot;

import java.time.Duration;

/** Hears of a guest's lives but the last, and of those of its copies. */
@FunctionalInterface
public interface Restarts {
    /** Nobody is told. */
    Restarts UNTOLD = (_, _) -> {};

    /**
     * The guest has ended and starts again, as its {@link EventActions} want it.
     *
     * @param delay before it does
     */
    void startsAgain(Outcome.Ending ending, Duration delay);

    /**
     * The guest has ended for good, by itself, and copies of it go on: returns when they are to be
     * waited for no more. What then still runs is destroyed.
     *
     * @param outcome of the guest, which has given back all it had
     */
    default void copiesGoOn(Outcome outcome, LastingCopies copies) {
        copies.await();
    }

    /** As {@link #startsAgain}, of a copy. */
    default void copyStartsAgain(String name, Outcome.Ending ending, Duration delay) {}

    /** A copy has ended for good and given back all it had. */
    default void copyEnded(String name, Outcome.Ending ending) {}

    /**
     * A copy should have started again and could not, or was asked to power off and did not.
     *
     * @param why a sentence, with or without its full stop
     */
    default void copyFailed(String name, String why) {}
}

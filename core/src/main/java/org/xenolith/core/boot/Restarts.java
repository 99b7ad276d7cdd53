package org.xenolith.core.boot;

import java.time.Duration;

/** Hears of a guest's lives but the last. */
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
}

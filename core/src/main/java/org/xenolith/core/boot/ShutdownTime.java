package org.xenolith.core.boot;

import java.time.Duration;

/** How long guests that are asked to power off together may take, if nobody says otherwise. */
public final class ShutdownTime {
    private static final Duration LEAST = Duration.ofSeconds(20);

    /** Processor time that a guest with a database to close may take, and some more. */
    private static final Duration OF_A_GUEST = Duration.ofSeconds(5);

    private ShutdownTime() {}

    /** On this host. */
    public static Duration of(int guests) {
        return of(guests, Runtime.getRuntime().availableProcessors());
    }

    /**
     * @param processors that they share
     */
    public static Duration of(int guests, int processors) {
        return LEAST.plus(OF_A_GUEST.multipliedBy(Math.max(0, guests - 1)).dividedBy(processors));
    }
}

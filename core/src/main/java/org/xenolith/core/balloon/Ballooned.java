package org.xenolith.core.balloon;

import java.util.OptionalLong;

/** A guest as the balloon policy sees it. Sizes are in KiB, as in xenstore. */
public interface Ballooned {
    String name();

    /** Below this the guest is never asked to shrink. */
    long minKib();

    /** Above this the guest cannot grow. */
    long maxKib();

    /** What it has now. */
    long currentKib();

    /** What it was asked to have. */
    long targetKib();

    /** What it could use at once without pressure, by its own word; empty if it does not say. */
    OptionalLong availableKib();

    /** Asks it to have so much, {@link #minKib} to {@link #maxKib}. */
    void setTargetKib(long kib);
}

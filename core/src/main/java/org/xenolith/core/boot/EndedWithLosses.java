package org.xenolith.core.boot;

import java.io.IOException;

/**
 * A guest ended well, and then something could not be written that should be on a disk or in a
 * file.
 */
public final class EndedWithLosses extends IOException {
    private static final long serialVersionUID = 1L;

    private final String statistics;

    public EndedWithLosses(String sentence, Outcome outcome) {
        super(sentence);
        statistics = outcome.statistics();
    }

    /** As {@link Outcome#statistics}, of the guest that ended. */
    public String statistics() {
        return statistics;
    }
}

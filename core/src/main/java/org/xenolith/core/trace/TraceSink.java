package org.xenolith.core.trace;

import java.util.Optional;

/** Where trace events go. Not thread-safe: who calls it does so from one thread at a time. */
public interface TraceSink extends AutoCloseable {
    void accept(Happening happening);

    /**
     * Events are missing.
     *
     * @param next the first behind them, which comes too; at the end of a trace the last of them
     */
    default void lost(long events, Happening next) {}

    /**
     * The domain has rebooted: what follows is of its next life, whose time begins anew.
     *
     * @param nanos system time of the life that ended
     * @param nextDomId number of the domain from here on
     */
    default void rebooted(long nanos, int domId, int nextDomId) {}

    /** Nothing more comes for a moment: what is held back may go out. */
    default void flush() {}

    /** Why events were not written; empty if all were. All is known after {@link #close}. */
    default Optional<String> failure() {
        return Optional.empty();
    }

    @Override
    default void close() {}
}

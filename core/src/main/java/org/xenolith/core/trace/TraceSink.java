package org.xenolith.core.trace;

/** Where trace events go. Not thread-safe: who calls it does so from one thread at a time. */
public interface TraceSink extends AutoCloseable {
    void accept(Happening happening);

    /**
     * Events are missing.
     *
     * @param next the first behind them, which comes too; at the end of a trace the last of them
     */
    default void lost(long events, Happening next) {}

    /** Nothing more comes for a moment: what is held back may go out. */
    default void flush() {}

    @Override
    default void close() {}
}

package org.xenolith.core.xenstore;

/** Hears of changes in the store. */
@FunctionalInterface
public interface WatchListener {
    /**
     * Something changed at {@code path}, once or several times, or nothing did: read to know.
     * Called without a lock, on whatever thread made the change, one listener at a time; what is
     * written to the store from here is delivered after this call. What it throws goes to the
     * thread's handler of uncaught exceptions and stops nothing else.
     *
     * @param path the watched path or one below it
     */
    void changed(String path);
}

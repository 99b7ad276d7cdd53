package org.xenolith.core.machine;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Traces of the guests of one host, which go on with the next life of a guest that reboots.
 *
 * <p>Thread-safe.
 */
final class NextLives {
    private final Set<LiveTrace> traces = ConcurrentHashMap.newKeySet();

    void add(LiveTrace trace) {
        traces.add(trace);
    }

    void remove(LiveTrace trace) {
        traces.remove(trace);
    }

    /** A guest has been built and does not run yet: who watched its life before goes on. */
    void begin(Guest guest) {
        traces.forEach(trace -> trace.goOnWith(guest));
    }

    /** No guest of this name starts any more. */
    void none(String name) {
        traces.forEach(trace -> trace.noNextLife(name));
    }
}

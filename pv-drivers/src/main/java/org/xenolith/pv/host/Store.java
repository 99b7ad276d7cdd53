package org.xenolith.pv.host;

import java.util.Map;
import java.util.Optional;

/** Xenstore with the rights of the backends' domain, by absolute path. Any thread. */
public interface Store {
    /** Value of a node as text; empty when there is no such node. */
    Optional<String> read(String path);

    /** Sets values, creating what is missing; others see all of them or none. */
    void write(Map<String, String> values);

    /** Sets one value. */
    default void write(String path, String value) {
        write(Map.of(path, value));
    }

    /**
     * Calls back once at once, and whenever the node or something around it may have changed.
     *
     * @param changed called on any thread, one at a time; it must not block
     */
    Watch watch(String path, Runnable changed);

    /** A watch in force. */
    interface Watch extends AutoCloseable {
        /** Ends it; a call that is under way is not waited for. */
        @Override
        void close();
    }
}

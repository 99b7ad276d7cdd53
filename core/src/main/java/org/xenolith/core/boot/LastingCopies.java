package org.xenolith.core.boot;

import java.util.List;

/**
 * Copies that were made of a guest while it ran, and that go on when it has ended.
 *
 * <p>Thread-safe.
 */
public interface LastingCopies {
    /** Those that run, or are about to start again. */
    List<String> names();

    /** Waits until none of them runs any more and none will come back. */
    void await();

    /**
     * The first call asks them to power off, and destroys those that have not after a while; the
     * second destroys them at once. Returns at once.
     */
    void shutdown();
}

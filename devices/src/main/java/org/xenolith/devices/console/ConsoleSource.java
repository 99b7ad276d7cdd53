package org.xenolith.devices.console;

/** Where the bytes that a guest reads from its console come from. */
@FunctionalInterface
public interface ConsoleSource {
    /** A source that stays silent. */
    ConsoleSource NONE = (_, _, _) -> 0;

    /**
     * Moves bytes that are there already; never waits.
     *
     * @return number of bytes moved, 0 to {@code length}; 0 when there is nothing now
     */
    int read(byte[] into, int offset, int length);
}

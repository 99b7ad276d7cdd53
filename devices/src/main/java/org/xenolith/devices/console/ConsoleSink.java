package org.xenolith.devices.console;

/** Where the bytes that a guest prints go. */
@FunctionalInterface
public interface ConsoleSink {
    /** A sink that forgets. */
    ConsoleSink NONE = (_, _, _) -> {};

    /**
     * Takes all the bytes, in order. The array is the caller's and may change after the call.
     * Characters and escape sequences may be split between calls.
     */
    void write(byte[] bytes, int offset, int length);

    /**
     * Bytes that {@link #write} takes now without waiting for a reader: 0 while it lags too far
     * behind. A guess when several write.
     */
    default int room() {
        return Integer.MAX_VALUE;
    }

    /**
     * Calls back once when there is {@link #room}, at once if there is.
     *
     * @param again called on any thread; it must not block
     */
    default void whenRoom(Runnable again) {
        again.run();
    }

    /** A sink that gives everything to this one first and then to {@code next}. */
    default ConsoleSink and(ConsoleSink next) {
        return (bytes, offset, length) -> {
            write(bytes, offset, length);
            next.write(bytes, offset, length);
        };
    }
}

package org.xenolith.devices.terminal;

import org.xenolith.devices.console.ConsoleSink;

/**
 * The host's end of a guest's console. As a sink it takes output from any thread, returns as soon
 * as the bytes are copied, and waits only for one who writes without asking for {@link #room} while
 * the reader of a full pipe lags far behind.
 */
public interface ConsoleIo extends ConsoleSink {
    /**
     * Starts to hand over input, on a thread of the console. A later call, for a guest that was
     * booted again, redirects it to another listener.
     */
    void start(InputListener listener);
}

package org.xenolith.devices.terminal;

/** The host's end of a guest's console. All methods may be called from any thread. */
public interface ConsoleIo {
    /**
     * Shows what the guest wrote, in order. Returns as soon as the bytes are copied; waits only
     * while the reader of a full pipe lags far behind.
     */
    void write(byte[] bytes, int offset, int length);

    /** Starts to hand over input, on a thread of the console. To be called once. */
    void start(ConsoleInput input);
}

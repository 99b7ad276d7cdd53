package org.xenolith.core.control;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;

import org.xenolith.devices.console.ConsoleSink;
import org.xenolith.devices.terminal.InputListener;

/** What a process answers on its control socket. Called on a thread per connection. */
public interface Verbs {
    /**
     * Carries out one request.
     *
     * @return the answer's {@code result}
     * @throws ControlException when the request makes no sense now
     */
    JsonElement perform(String verb, JsonObject arguments) throws ControlException;

    /**
     * Connects to a guest's console until the returned attachment is closed.
     *
     * @param sink gets what the guest prints from now on, after what it printed last
     * @param ended called when the guest is gone
     */
    Attachment attach(String guest, ConsoleSink sink, Runnable ended) throws ControlException;

    /** An open console. */
    interface Attachment extends AutoCloseable {
        /** Where typed bytes go. */
        InputListener keys();

        @Override
        void close();
    }
}

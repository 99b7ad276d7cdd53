package org.xenolith.core.control;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;

import org.xenolith.devices.console.ConsoleSink;
import org.xenolith.devices.terminal.InputListener;

import java.io.IOException;
import java.io.OutputStream;

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

    /**
     * Shows what a guest does until the returned trace is closed.
     *
     * @param request with the guest and what is wanted of it
     */
    Trace trace(JsonObject request) throws ControlException;

    /** A trace that is under way. */
    interface Trace extends AutoCloseable {
        /** Writes it, and how it ended; returns when it is over. */
        void pump(OutputStream out) throws IOException;

        /**
         * Ends it; any thread.
         *
         * @param hostEnds whether the host does, or its reader has had enough
         */
        void stop(boolean hostEnds);

        /** The guest is watched no more. */
        @Override
        void close();
    }

    /** An open console. */
    interface Attachment extends AutoCloseable {
        /** Where typed bytes go. */
        InputListener keys();

        @Override
        void close();
    }
}

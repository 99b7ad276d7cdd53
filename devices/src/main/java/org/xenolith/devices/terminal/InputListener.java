package org.xenolith.devices.terminal;

/** Receives what the user does at a console. Calls come on threads of the console. */
public interface InputListener {
    /**
     * Takes typed or piped bytes. It may wait until there is room: that stops the reading, so that
     * endless input into a guest that does not read costs no memory.
     *
     * @param bytes valid during the call only
     * @param length how many bytes count, at least 1
     */
    void typed(byte[] bytes, int length);

    /** The input ended: a pipe was closed, a file read to its end. The guest runs on. */
    void endOfInput();

    /** The user asks to leave the guest, or nobody can see its output any more. May come twice. */
    void leave();
}

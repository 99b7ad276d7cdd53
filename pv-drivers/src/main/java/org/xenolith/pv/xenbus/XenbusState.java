package org.xenolith.pv.xenbus;

import java.util.Optional;

/** {@code enum xenbus_state}, public/io/xenbus.h; the number on the wire is the ordinal. */
public enum XenbusState {
    /** There is no such directory, or nothing sensible in it. */
    UNKNOWN,
    INITIALISING,
    /** Ready for the other side to say how it wants to connect. */
    INIT_WAIT,
    INITIALISED,
    CONNECTED,
    CLOSING,
    CLOSED,
    RECONFIGURING,
    RECONFIGURED;

    private static final XenbusState[] ALL = values();

    /** What a node holds; {@link #UNKNOWN} without a node or for anything but a state's number. */
    static XenbusState parse(Optional<String> value) {
        String text = value.orElse("");
        boolean digit = text.length() == 1 && text.charAt(0) >= '0' && text.charAt(0) <= '8';
        return digit ? ALL[text.charAt(0) - '0'] : UNKNOWN;
    }

    String text() {
        return Integer.toString(ordinal());
    }
}

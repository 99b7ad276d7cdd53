package org.xenolith.devices.net.nat;

/**
 * The states of RFC 9293, 3.3.2, seen from the NAT, which plays the far end. LISTEN has no object;
 * in its place stands the time in which the host's side is being connected.
 */
enum TcpState {
    /** The guest's SYN is here and not answered before the host has answered. */
    CONNECTING,
    SYN_SENT,
    SYN_RECEIVED,
    ESTABLISHED,
    FIN_WAIT_1,
    FIN_WAIT_2,
    CLOSE_WAIT,
    CLOSING,
    LAST_ACK,
    TIME_WAIT,
    CLOSED;

    /** Whether data may go to the guest, for the first time or again. */
    boolean maySend() {
        return switch (this) {
            case ESTABLISHED, CLOSE_WAIT, FIN_WAIT_1, CLOSING, LAST_ACK -> true;
            case CONNECTING, SYN_SENT, SYN_RECEIVED, FIN_WAIT_2, TIME_WAIT, CLOSED -> false;
        };
    }

    /** Whether data of the guest is still expected. */
    boolean mayReceive() {
        return switch (this) {
            case ESTABLISHED, FIN_WAIT_1, FIN_WAIT_2 -> true;
            case CONNECTING, SYN_SENT, SYN_RECEIVED, CLOSE_WAIT -> false;
            case CLOSING, LAST_ACK, TIME_WAIT, CLOSED -> false;
        };
    }

    boolean halfOpen() {
        return this == CONNECTING || this == SYN_SENT || this == SYN_RECEIVED;
    }

    TcpState afterFinOfTheGuest() {
        return switch (this) {
            case ESTABLISHED -> CLOSE_WAIT;
            case FIN_WAIT_1 -> CLOSING;
            case FIN_WAIT_2 -> TIME_WAIT;
            case CONNECTING, SYN_SENT, SYN_RECEIVED, CLOSE_WAIT -> this;
            case CLOSING, LAST_ACK, TIME_WAIT, CLOSED -> this;
        };
    }

    TcpState afterOurFin() {
        return switch (this) {
            case ESTABLISHED -> FIN_WAIT_1;
            case CLOSE_WAIT -> LAST_ACK;
            case CONNECTING, SYN_SENT, SYN_RECEIVED, FIN_WAIT_1, FIN_WAIT_2 -> this;
            case CLOSING, LAST_ACK, TIME_WAIT, CLOSED -> this;
        };
    }

    TcpState afterAckOfOurFin() {
        return switch (this) {
            case FIN_WAIT_1 -> FIN_WAIT_2;
            case CLOSING -> TIME_WAIT;
            case LAST_ACK -> CLOSED;
            case CONNECTING, SYN_SENT, SYN_RECEIVED, ESTABLISHED, FIN_WAIT_2 -> this;
            case CLOSE_WAIT, TIME_WAIT, CLOSED -> this;
        };
    }
}

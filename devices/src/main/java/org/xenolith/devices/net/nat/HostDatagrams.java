package org.xenolith.devices.net.nat;

import io.netty.buffer.ByteBuf;

/** A datagram socket of the host that is connected to one address. The NAT's thread only. */
interface HostDatagrams {
    /** What arrives at the socket. */
    interface Events {
        /** A datagram from the other side; the reference passes to the callee. */
        void received(ByteBuf payload);

        /** Nobody listens there; the socket stays open. */
        void refused();
    }

    /** Sends a datagram, or drops it as networks may; the reference passes to the callee. */
    void send(ByteBuf payload);

    void close();
}

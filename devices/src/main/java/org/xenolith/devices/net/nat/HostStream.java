package org.xenolith.devices.net.nat;

import io.netty.buffer.ByteBuf;

/**
 * The host's end of a guest's TCP connection: a socket, or a channel inside this process. Used and
 * called back on the NAT's thread only.
 */
interface HostStream {
    /** What happens at the host's end. */
    interface Events {
        void connected();

        /** The connection did not come up; nothing else follows. */
        void failed(Throwable cause);

        /** Bytes for the guest; the reference passes to the callee. */
        void received(ByteBuf bytes);

        /** No more bytes are at hand for the moment: what was received need not wait for others. */
        void receivedAll();

        /** The host sends no more; it still receives. */
        void ended();

        /** The connection broke; nothing else follows. */
        void broken();

        /** All that was flushed is the host's now. */
        void written();
    }

    /** Queues bytes, with their reference, until {@link #flush}. */
    void write(ByteBuf bytes);

    /** Sends what was queued; {@link Events#written} follows, perhaps before this returns. */
    void flush();

    /** Whether bytes from the host are wanted; they are not before the first call. */
    void read(boolean wanted);

    /** The guest sends no more: end of stream for the host, after what was written. */
    void shutdownOutput();

    /**
     * Ends both directions after what was written. No events follow.
     *
     * @param gone runs once, when nothing of the stream is left, perhaps before this returns
     */
    void close(Runnable gone);

    /** Ends both directions at once, with a reset where the host can see one. No events follow. */
    void reset();
}

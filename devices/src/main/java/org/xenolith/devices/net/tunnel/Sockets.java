package org.xenolith.devices.net.tunnel;

import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;

import java.io.IOException;
import java.net.InetSocketAddress;

/** Waiting for Netty's sockets, with errors as sentences. */
final class Sockets {
    private Sockets() {}

    /**
     * Waits; not for the network's own thread.
     *
     * @param attempt what was tried, as the start of a sentence
     */
    static Channel await(ChannelFuture future, String attempt) throws IOException {
        future.awaitUninterruptibly();
        if (!future.isSuccess()) {
            throw new IOException(attempt + ": " + reason(future.cause()), future.cause());
        }
        return future.channel();
    }

    static String reason(Throwable cause) {
        return cause instanceof java.nio.channels.UnresolvedAddressException
                        || cause instanceof java.net.UnknownHostException
                ? "unknown host"
                : cause.getMessage();
    }

    static String text(InetSocketAddress address) {
        return address.getHostString() + ":" + address.getPort();
    }
}

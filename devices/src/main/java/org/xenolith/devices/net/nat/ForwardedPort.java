package org.xenolith.devices.net.nat;

import io.netty.channel.Channel;
import io.netty.channel.EventLoop;

import java.net.InetSocketAddress;
import java.util.concurrent.TimeUnit;

/**
 * A port of the host that leads to a guest, until it is closed. Thread-safe, but not to be closed
 * on the network's thread.
 */
public final class ForwardedPort implements AutoCloseable {
    private final PortForward forward;
    private final Channel socket;

    /**
     * @param asked whose port may be 0
     * @param socket that listens
     */
    ForwardedPort(PortForward asked, Channel socket) {
        int port = ((InetSocketAddress) socket.localAddress()).getPort();
        this.forward =
                new PortForward(asked.protocol(), asked.hostAddress(), port, asked.guestPort());
        this.socket = socket;
    }

    /** What leads where, with the port that was chosen for 0. */
    public PortForward forward() {
        return forward;
    }

    /**
     * Listens no longer when it returns; another may take the port. TCP connections that are open
     * go on, UDP has nothing that could.
     */
    @Override
    public void close() {
        socket.close().awaitUninterruptibly();
        EventLoop loop = socket.eventLoop();
        if (!loop.isShuttingDown()) {
            // The selector lets go of a closed socket when it selects again, and until then the
            // port is taken. What a task schedules runs behind that.
            loop.submit(() -> loop.schedule(() -> {}, 1, TimeUnit.NANOSECONDS))
                    .syncUninterruptibly()
                    .getNow()
                    .awaitUninterruptibly();
        }
    }
}

package org.xenolith.devices.net;

import io.netty.channel.EventLoop;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.util.concurrent.DefaultThreadFactory;
import io.netty.util.concurrent.Promise;

import java.util.concurrent.TimeUnit;

/**
 * The thread that everything of the host's network runs on: the switch, what is plugged into it,
 * and the sockets behind. One thread needs no locks, and a guest's processor is the bottleneck
 * anyway.
 *
 * <p>Netty reads its settings once, when its first class loads; they are made here. Whoever
 * allocates a Netty buffer gets a loop first. On JDK 25 Netty needs no option of the JVM but {@code
 * --enable-native-access=ALL-UNNAMED}, with which it frees direct buffers without a warning.
 */
public final class NetworkLoop implements AutoCloseable {
    private static final long CLOSE_MILLIS = 2_000;

    static {
        // The JVM warns of sun.misc.Unsafe once per process, and its days are counted (JEP 498).
        setDefault("io.netty.noUnsafe", "true");
        // Otherwise Netty looks through all network interfaces for a channel's identity: 20 ms and
        // more.
        setDefault("io.netty.machineId", "00:00:00:00:00:00:00:00");
        setDefault("io.netty.processId", "1");
    }

    private final EventLoopGroup group;
    private final EventLoop loop;

    private NetworkLoop(String threadName) {
        group =
                new MultiThreadIoEventLoopGroup(
                        1, new DefaultThreadFactory(threadName, true), NioIoHandler.newFactory());
        loop = group.next();
    }

    /** Starts no thread yet: the first task does. */
    public static NetworkLoop create() {
        return new NetworkLoop("network");
    }

    private static void setDefault(String key, String value) {
        if (System.getProperty(key) == null) {
            System.setProperty(key, value);
        }
    }

    public EventLoop eventLoop() {
        return loop;
    }

    /**
     * Waits until the host has back what was closed before: a socket's address is free when the
     * loop has looked at its sockets again. Not for the network's own thread. Waits two seconds at
     * most.
     */
    public void awaitClosed() {
        Promise<Void> looked = loop.newPromise();
        // What is to be done later is done after the next look, though it is due at once.
        loop.execute(() -> loop.schedule(() -> looked.setSuccess(null), 0, TimeUnit.NANOSECONDS));
        looked.awaitUninterruptibly(CLOSE_MILLIS);
    }

    /** Ends the thread; channels that are still open close. Waits two seconds at most. */
    @Override
    public void close() {
        group.shutdownGracefully(0, CLOSE_MILLIS, TimeUnit.MILLISECONDS)
                .awaitUninterruptibly(CLOSE_MILLIS);
    }
}

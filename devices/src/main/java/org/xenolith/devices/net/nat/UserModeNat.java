package org.xenolith.devices.net.nat;

import io.netty.bootstrap.Bootstrap;
import io.netty.buffer.PooledByteBufAllocator;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandler;
import io.netty.channel.EventLoop;

import org.xenolith.devices.net.EthernetFrame;
import org.xenolith.devices.net.MacAddress;
import org.xenolith.devices.net.NetworkEndpoint;
import org.xenolith.devices.net.NetworkLoop;
import org.xenolith.devices.net.PortSettings;
import org.xenolith.devices.net.SwitchPort;
import org.xenolith.devices.net.VirtualSwitch;
import org.xenolith.devices.net.proxy.GuestDirectory;

import java.io.IOException;
import java.net.BindException;
import java.net.InetSocketAddress;
import java.security.SecureRandom;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/**
 * A way out for guests that needs no root: it plays gateway, DHCP server and name server on the
 * switch, ends their TCP connections and UDP flows itself, and carries the bytes on through sockets
 * of this process. As slirp and passt do.
 *
 * <p>Guests find the host's 127.0.0.1 at the gateway's address, unless {@link
 * NatConfig.Builder#hostLoopback} says otherwise. The host finds guests through {@link #forward}
 * and {@link #connectToGuest}. Thread-safe; everything happens on the network's one thread.
 */
public final class UserModeNat implements NetworkEndpoint, AutoCloseable {
    /** The NAT's own Ethernet address. */
    public static final MacAddress MAC = new MacAddress(Ipv4Output.OWN_MAC);

    private final EventLoop loop;
    private final Subnet subnet;
    private final NatClock clock = NatClock.system();
    private final NatStack stack;
    private final Set<Channel> listeners = ConcurrentHashMap.newKeySet();
    private SwitchPort port; // null until plugged in
    private boolean batchEndDue;
    private long wakeAt = Timers.NEVER; // when the loop will call tick
    private volatile boolean closed;

    private UserModeNat(NatConfig config, EventLoop loop) {
        this.loop = loop;
        subnet = config.subnet();
        Supplier<List<InetSocketAddress>> resolvers =
                config.resolvers() == null
                        ? new ResolvConf(ResolvConf.SYSTEM, clock)
                        : config::resolvers;
        stack =
                new NatStack(
                        config,
                        clock,
                        new NettyHost(loop),
                        PooledByteBufAllocator.DEFAULT,
                        new SecureRandom(),
                        resolvers,
                        this::wakeInTime);
    }

    /** A NAT with no guests yet; {@link #plugInto} connects it with them. */
    public static UserModeNat create(NatConfig config, NetworkLoop network) {
        return new UserModeNat(config, network.eventLoop());
    }

    /** Takes a port of the switch, which has to run on the same loop. */
    public void plugInto(VirtualSwitch network, PortSettings settings) {
        attach(network.connect("nat", this, settings.withAddress(MAC)));
    }

    private void attach(SwitchPort port) {
        call(
                () -> {
                    this.port = port;
                    stack.plugInto(port);
                    return null;
                });
    }

    // ---- frames

    @Override
    public boolean deliver(EthernetFrame frame) {
        if (closed) {
            frame.release();
            return true;
        }
        stack.receive(frame);
        if (!batchEndDue) {
            batchEndDue = true;
            loop.execute(this::endOfBatch);
        }
        return true;
    }

    @Override
    public boolean isMeantAlone(EthernetFrame broadcast) {
        return !closed && OwnQuestions.isOne(broadcast.content(), subnet);
    }

    private void endOfBatch() {
        batchEndDue = false;
        if (!closed) {
            stack.endOfBatch();
        }
    }

    @Override
    public void writable() {
        loop.execute(
                () -> {
                    if (!closed) {
                        stack.portWritable();
                    }
                });
    }

    // ---- time

    private void wakeInTime() {
        long next = stack.nextDeadline();
        if (next < wakeAt) {
            wakeAt = next;
            long delay = Math.max(next - clock.now(), 0);
            loop.schedule(() -> tick(next), delay, TimeUnit.NANOSECONDS);
        }
    }

    private void tick(long due) {
        if (closed || due != wakeAt) {
            return; // an earlier call has replaced this one
        }
        stack.tick();
        wakeAt = Timers.NEVER;
        wakeInTime();
    }

    // ---- ways to the guests

    /**
     * Listens on a port of the host and carries what comes to a guest, which may still be booting:
     * a connection waits up to half a minute for it. Not to be called on the network's thread.
     *
     * @param guest name or address
     * @return listens until it is closed, at the latest with this NAT
     * @throws IOException when the host does not let us; the message is a sentence
     */
    public ForwardedPort forward(PortForward forward, String guest) throws IOException {
        InetSocketAddress address =
                new InetSocketAddress(HostAddress.parse(forward.hostAddress()), forward.hostPort());
        ChannelFuture bound;
        try {
            bound = call(() -> open(forward, guest, address)).awaitUninterruptibly();
        } catch (CompletionException e) {
            throw cannotForward(forward, e.getCause());
        }
        if (!bound.isSuccess()) {
            throw cannotForward(forward, bound.cause());
        }
        return new ForwardedPort(forward, bound.channel());
    }

    /** On the network's thread, as {@link #close}: what it finds here closes with the NAT. */
    private ChannelFuture open(PortForward forward, String guest, InetSocketAddress address)
            throws IOException {
        if (closed) {
            throw new IOException("the network is closed");
        }
        ChannelFuture bound = listen(forward, guest, address);
        Channel socket = bound.channel();
        listeners.add(socket);
        socket.closeFuture().addListener(closing -> listeners.remove(socket));
        return bound;
    }

    private ChannelFuture listen(PortForward forward, String guest, InetSocketAddress address) {
        return switch (forward.protocol()) {
            case TCP -> TcpForward.listen(stack, guest, forward.guestPort(), loop, address);
            case UDP -> UdpForward.listen(stack, guest, forward.guestPort(), loop, address);
        };
    }

    private static IOException cannotForward(PortForward forward, Throwable cause) {
        boolean taken =
                cause instanceof BindException
                        && String.valueOf(cause.getMessage()).contains("in use");
        String port = HostAddress.written(forward.hostAddress()) + ":" + forward.hostPort();
        String reason = taken ? "the port is in use" : cause.getMessage();
        return new IOException("Cannot forward " + port + " to a guest: " + reason, cause);
    }

    /**
     * Opens a TCP connection to a guest, from the gateway's address. The channel runs on the
     * network's thread.
     *
     * @param guest name or address
     * @param handler of the new channel
     * @return fails with a {@link java.net.ConnectException} whose message is a sentence, when the
     *     guest refuses, or is silent or unknown for half a minute
     */
    public ChannelFuture connectToGuest(String guest, int guestPort, ChannelHandler handler) {
        return new Bootstrap()
                .group(loop)
                .channelFactory(() -> new GuestChannel(stack))
                .disableResolver()
                .handler(handler)
                .connect(InetSocketAddress.createUnresolved(guest, guestPort));
    }

    /**
     * The guests as the reverse proxy wants to know them. A guest that is configured but still
     * booting is waited for, as {@link #connectToGuest} does.
     *
     * @param port of their web servers
     */
    public GuestDirectory webServers(int port) {
        return new WebServers(this, stack.leases(), port);
    }

    /**
     * The address of a guest.
     *
     * @param name configured, or as the guest told it to the DHCP server
     * @return empty while no guest is known by it
     */
    public Optional<String> addressOf(String name) {
        int address = call(() -> stack.leases().addressOf(name));
        return address == Leases.NO_ADDRESS ? Optional.empty() : Optional.of(Ipv4.format(address));
    }

    /** The address of a guest that is expected, or was given one. */
    public Optional<String> addressOf(MacAddress guest) {
        int address = call(() -> stack.leases().addressOf(guest.value()));
        return address == Leases.NO_ADDRESS ? Optional.empty() : Optional.of(Ipv4.format(address));
    }

    /**
     * Gives a guest that will come an address of its own until it is forgotten, and a name; on a
     * later call with the same address the name changes.
     *
     * @param name a host name; it leads to the first who is expected under it
     * @param wish the address that it uses already; it gets another one if that is taken
     * @throws IllegalArgumentException when the network has no address left
     */
    public void expect(MacAddress guest, String name, Optional<String> wish) {
        int wished = wish.map(Ipv4::parse).orElse(Leases.NO_ADDRESS);
        String label = name.toLowerCase(Locale.ROOT);
        int address = call(() -> stack.leases().reserve(guest.value(), label, wished));
        if (address == Leases.NO_ADDRESS) {
            throw new IllegalArgumentException(
                    "The NAT's network %s has %d addresses for guests, and none left for %s"
                            .formatted(subnet, subnet.guests(), name));
        }
    }

    /** A guest shall not have IPv6 until it is forgotten, though others may. */
    public void withoutIpv6(MacAddress guest) {
        loop.execute(() -> stack.withoutIpv6(guest.value()));
    }

    /**
     * Ends the connections of a guest that has left the switch, and what {@link #expect} and {@link
     * #withoutIpv6} said of it. Does not wait.
     */
    public void forget(MacAddress guest) {
        try {
            loop.execute(() -> stack.forget(guest.value()));
        } catch (RejectedExecutionException networkIsDown) {
            // Nothing is left to end.
        }
    }

    /** TCP connections that are open or being opened. */
    int connections() {
        return call(() -> stack.tcp().size());
    }

    private <T> T call(Callable<T> task) {
        if (!loop.inEventLoop()) {
            CompletableFuture<T> result = new CompletableFuture<>();
            loop.execute(() -> complete(result, task));
            return result.join();
        }
        CompletableFuture<T> result = new CompletableFuture<>();
        complete(result, task);
        return result.join();
    }

    private static <T> void complete(CompletableFuture<T> result, Callable<T> task) {
        try {
            result.complete(task.call());
        } catch (Exception e) {
            result.completeExceptionally(e);
        }
    }

    /** Resets all connections, stops listening and leaves the switch. */
    @Override
    public void close() {
        call(
                () -> {
                    if (!closed) {
                        listeners.forEach(Channel::close);
                        stack.close();
                        closed = true;
                        if (port != null) {
                            port.close();
                        }
                    }
                    return null;
                });
    }
}

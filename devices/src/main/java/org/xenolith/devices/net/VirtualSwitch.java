package org.xenolith.devices.net;

import io.netty.channel.EventLoop;

import java.security.SecureRandom;
import java.time.Duration;
import java.util.List;

/**
 * A learning Ethernet switch between guests and what leads out of the host. Thread-safe.
 *
 * <p>Each port is a Netty pipeline on the network's one thread, so frames from one port to another
 * stay in order:
 *
 * <pre>
 * endpoint -- send ----> queue --> capture --> impairment --> forwarding --> other ports' pipelines
 * endpoint &lt;- deliver -- queue &lt;-- capture &lt;-- impairment &lt;-- other ports' forwarding
 * </pre>
 *
 * <p>Between two ports nothing is lost for lack of room: a full port makes its senders wait, and a
 * port that waits makes {@link SwitchPort#send} refuse. Exceptions, each counted in {@link
 * PortStatistics}: a port that makes others wait for half a second, at once or in a few times,
 * without taking half of its queue (it is broken or hostile) loses what is sent to it until it
 * does; broadcast, multicast and frames to unknown addresses pass by a port that is full; a port
 * with an impairment loses as a line would.
 *
 * <p>A flooded frame's bytes are shared by all who receive it: whoever wants to change a frame
 * copies it first.
 */
public final class VirtualSwitch implements AutoCloseable {
    private final EventLoop loop;
    private final Bridge bridge;
    private final long patienceNanos;

    public VirtualSwitch(NetworkLoop network) {
        this(network.eventLoop(), Port.PATIENCE_NANOS);
    }

    /**
     * @param patience how long a port may make others wait before it loses what is sent to it; half
     *     a second unless told otherwise. It is used up by waits of more than a tenth, and comes
     *     back in sixteen times as long
     */
    public VirtualSwitch(NetworkLoop network, Duration patience) {
        this(network.eventLoop(), patience.toNanos());
    }

    /**
     * @param loop runs the switch, and is its clock
     */
    VirtualSwitch(EventLoop loop, long patienceNanos) {
        this.loop = loop;
        this.patienceNanos = patienceNanos;
        bridge = new Bridge(new MacTable(new SecureRandom().nextLong()), loop.ticker());
    }

    /** Plugs an endpoint into a new port that any address may be behind. */
    public SwitchPort connect(String name, NetworkEndpoint endpoint) {
        return connect(name, endpoint, PortSettings.PLAIN);
    }

    /**
     * Plugs an endpoint into a new port. It may receive frames before this method returns.
     *
     * @param name as statistics show it
     * @throws IllegalArgumentException if the settings claim an address that another port has
     */
    public SwitchPort connect(String name, NetworkEndpoint endpoint, PortSettings settings) {
        Port port = new Port(name, endpoint, settings, loop, bridge, patienceNanos);
        synchronized (this) {
            requireFree(settings);
            port.plugIn(); // before others find it: a channel without a loop fails who writes to it
            bridge.add(port);
        }
        loop.execute(() -> bridge.fixAddress(port));
        return port;
    }

    private void requireFree(PortSettings settings) {
        settings.address()
                .ifPresent(
                        wanted -> {
                            for (Port other : bridge.ports()) {
                                if (!other.isClosed() && other.fixedAddress == wanted.value()) {
                                    throw new IllegalArgumentException(
                                            "MAC address "
                                                    + wanted
                                                    + " is already on port "
                                                    + other.name);
                                }
                            }
                        });
    }

    /** Counters of all ports, in the order in which they were connected. */
    public List<PortStatistics> statistics() {
        return bridge.ports().stream()
                .filter(port -> !port.isClosed())
                .map(Port::statistics)
                .toList();
    }

    /** Unplugs everything. The loop goes on. */
    @Override
    public void close() {
        bridge.ports().forEach(Port::close);
    }
}

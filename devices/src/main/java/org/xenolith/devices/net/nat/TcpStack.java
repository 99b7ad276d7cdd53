package org.xenolith.devices.net.nat;

import io.netty.buffer.ByteBufAllocator;

import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.random.RandomGenerator;

/** The table of TCP connections, and what belongs to all of them. */
final class TcpStack {
    /** Connections of each direction that are not complete yet. */
    static final int MAX_HALF_OPEN = 512;

    /** RFC 5961, 7: answers to segments that may be forged. */
    private static final int CHALLENGES_PER_SECOND = 100;

    private static final int FIRST_EPHEMERAL_PORT = 49152, PORTS = 0x10000;

    private final NatClock clock;
    private final Timers timers;
    private final TcpOutput output;
    private final ByteBufAllocator allocator;
    private final BufferBudget budget;
    private final Destinations destinations;
    private final IcmpErrors icmp;
    private final RandomGenerator random;
    private final int maxConnections;
    private final FlowTable<TcpConnection> connections;
    private final TcpSegment segment = new TcpSegment();
    private final RateLimit challenges;
    private List<TcpConnection> touched = new ArrayList<>();
    private List<TcpConnection> flushing = new ArrayList<>();
    private List<TcpConnection> waiting = new ArrayList<>();
    private List<TcpConnection> resuming = new ArrayList<>();
    private final Map<Long, GuestShare> shares = new HashMap<>(); // by MAC address
    private final Set<TcpConnection> opening = new HashSet<>(); // from the host, not answered yet
    private int halfOpen; // from guests, not complete yet
    private int lingering; // ends of the host that outlive their connections
    private int nextPort = FIRST_EPHEMERAL_PORT;

    TcpStack(
            NatClock clock,
            Timers timers,
            TcpOutput output,
            ByteBufAllocator allocator,
            BufferBudget budget,
            Destinations destinations,
            IcmpErrors icmp,
            RandomGenerator random,
            int maxConnections) {
        this.clock = clock;
        this.timers = timers;
        this.output = output;
        this.allocator = allocator;
        this.budget = budget;
        this.destinations = destinations;
        this.icmp = icmp;
        this.random = random;
        this.maxConnections = maxConnections;
        this.connections = new FlowTable<>(random.nextLong());
        this.challenges = new RateLimit(clock, CHALLENGES_PER_SECOND);
    }

    /** Takes a TCP packet of a guest that may use its source address. */
    void receive(IpPacket packet) {
        if (!segment.read(packet.bytes, packet.payloadOffset, packet.payloadBytes)
                || !packet.payloadChecksumIsRight()) {
            return;
        }
        TcpConnection connection = find(packet);
        if (connection != null && isNewAfterTimeWait(connection)) {
            connection.endTimeWait();
            connection = null;
        }
        if (connection != null) {
            connection.receive(segment, clock.now());
        } else if ((segment.flags & (TcpSegment.SYN | TcpSegment.ACK | TcpSegment.RST))
                == TcpSegment.SYN) {
            open(packet);
        } else if (!segment.has(TcpSegment.RST)) {
            output.refuse(packet, segment);
        }
    }

    private TcpConnection find(IpPacket packet) {
        return connections.get(
                packet.guestHigh(),
                packet.guestLow(),
                packet.remoteHigh(),
                packet.remoteLow(),
                FlowTable.ports(segment.sourcePort, segment.destinationPort));
    }

    private boolean isNewAfterTimeWait(TcpConnection connection) {
        return connection.state() == TcpState.TIME_WAIT
                && segment.has(TcpSegment.SYN)
                && connection.isAfter(segment.sequence);
    }

    private void open(IpPacket packet) {
        int port = segment.destinationPort;
        if (destinations.prohibited(packet)) {
            icmp.unreachable(IcmpErrors.PROHIBITED, packet);
            return;
        }
        InetSocketAddress to = destinations.toHost(packet, port);
        if (to == null && !destinations.isDns(packet, port)) {
            output.refuse(packet, segment);
            return;
        }
        Path path = packet.path();
        GuestShare share = shareOf(path);
        if (!hasRoom(share)) {
            return; // the guest sends its SYN again
        }
        TcpConnection connection = new TcpConnection(this, path, segment.sourcePort, port, share);
        connection.openedByGuest(segment, random.nextInt());
        halfOpen++;
        share.halfOpen++;
        add(connection);
        connection.host().stream(destinations.connect(to, connection.host()));
        if (to == null) {
            connection.host().connected(); // the name server is in here
        }
    }

    /**
     * Opens a connection to a guest.
     *
     * @param path from the gateway's address
     * @param host the end that carries the bytes on
     * @param deadline until when the guest may be silent
     * @return the connection, or null when there are too many
     */
    TcpConnection open(
            Path path, int port, HostStream host, TcpHandshake.Opener opener, long deadline) {
        boolean room = count() < maxConnections && opening.size() < MAX_HALF_OPEN;
        int from = room ? freePort(path, port) : 0;
        if (from == 0) {
            return null;
        }
        TcpConnection connection = new TcpConnection(this, path, port, from, shareOf(path));
        opening.add(connection);
        add(connection);
        connection.open(host, opener, random.nextInt(), clock.now(), deadline);
        return connection;
    }

    private GuestShare shareOf(Path path) {
        long mac = path.guestMac();
        GuestShare share = shares.get(mac);
        return share == null ? new GuestShare(mac) : share;
    }

    private boolean hasRoom(GuestShare share) {
        return halfOpen < MAX_HALF_OPEN
                && share.halfOpen < MAX_HALF_OPEN / 2
                && count() < maxConnections
                && share.connections < maxConnections / 2;
    }

    private int count() {
        return connections.size() + lingering;
    }

    private void add(TcpConnection connection) {
        GuestShare share = connection.share();
        share.connections++;
        shares.put(share.mac, share);
        connections.put(
                connection.path(),
                FlowTable.ports(connection.guestPort(), connection.remotePort()),
                connection);
    }

    private int freePort(Path path, int port) {
        for (int attempt = FIRST_EPHEMERAL_PORT; attempt < PORTS; attempt++) {
            int candidate = nextPort;
            nextPort = nextPort + 1 < PORTS ? nextPort + 1 : FIRST_EPHEMERAL_PORT;
            if (connections.get(path, FlowTable.ports(port, candidate)) == null) {
                return candidate;
            }
        }
        return 0;
    }

    /** The host could not reach what the guest asked for. */
    void unreachable(TcpConnection connection, int ack, Throwable cause) {
        int code = IcmpErrors.codeOf(cause);
        if (code == IcmpErrors.NONE) {
            output.reset(
                    connection.path(),
                    connection.remotePort(),
                    connection.guestPort(),
                    0,
                    ack,
                    TcpSegment.RST | TcpSegment.ACK);
        } else {
            icmp.unreachable(code, connection, ack - 1);
        }
    }

    /** A guest's MAC address became known. */
    void guestAppeared(int guest) {
        for (TcpConnection connection : opening) {
            if (isTo(connection, guest)) {
                connection.guestAppeared(clock.now());
            }
        }
    }

    private static boolean isTo(TcpConnection connection, int guest) {
        return connection.path() instanceof Ipv4Path path && path.guest() == guest;
    }

    /**
     * Ends all connections of a guest that is gone. Those that it has not answered yet wait on, for
     * its next life.
     *
     * @param guest its IPv4 address, or {@link Ipv4#ANY}
     */
    void forget(long mac, int guest) {
        for (TcpConnection connection : connections.all()) {
            boolean its = connection.share().mac == mac || isTo(connection, guest);
            if (its && connection.state() != TcpState.SYN_SENT) {
                connection.resetByGuest(); // the switch would tell everyone else
            }
        }
    }

    void close() {
        connections.all().forEach(TcpConnection::reset);
    }

    // ---- batches

    /** The connection has something to say at the end of the batch. */
    void touch(TcpConnection connection) {
        if (!connection.touched) {
            connection.touched = true;
            touched.add(connection);
        }
    }

    /** A batch of frames is through: bytes go to the host, acknowledgements to the guest. */
    void endOfBatch() {
        List<TcpConnection> batch = touched;
        touched = flushing;
        flushing = batch;
        for (TcpConnection connection : batch) {
            connection.touched = false;
            connection.flush();
        }
        batch.clear();
    }

    /** The switch is full; the connection goes on when it is not. */
    void waitForPort(TcpConnection connection) {
        if (!connection.waitsForPort) {
            connection.waitsForPort = true;
            waiting.add(connection);
        }
    }

    /** The switch has room again. */
    void portWritable() {
        List<TcpConnection> ready = waiting;
        waiting = resuming;
        resuming = ready;
        for (TcpConnection connection : ready) {
            connection.waitsForPort = false;
            connection.portWritable(clock.now());
        }
        ready.clear();
    }

    // ---- what connections ask of the stack

    void leftHalfOpen(TcpConnection connection) {
        if (!opening.remove(connection)) {
            halfOpen--;
            connection.share().halfOpen--;
        }
    }

    void remove(TcpConnection connection) {
        timers.remove(connection);
        takeFrom(connection.share());
        connections.remove(
                connection.path(),
                FlowTable.ports(connection.guestPort(), connection.remotePort()));
    }

    private void takeFrom(GuestShare share) {
        if (--share.connections == 0) {
            shares.remove(share.mac);
        }
    }

    /**
     * Closes the host's end of a connection that is done. Until the host has taken all, that end
     * counts as a connection of the guest and its bytes as used: a guest that closes a connection
     * after the other to a host that does not read would else fill the memory, and take all sockets
     * of the process.
     *
     * @param bytes of the budget that the end still holds
     */
    void linger(HostStream end, GuestShare share, int bytes) {
        lingering++;
        share.connections++;
        end.close(
                () -> {
                    lingering--;
                    takeFrom(share);
                    budget.giveBack(bytes);
                });
    }

    boolean mayChallenge() {
        return challenges.take();
    }

    int initialWindow() {
        return Math.min(budget.share(), 0xffff);
    }

    int size() {
        return connections.size();
    }

    int halfOpen() {
        return halfOpen;
    }

    long now() {
        return clock.now();
    }

    Timers timers() {
        return timers;
    }

    TcpOutput output() {
        return output;
    }

    ByteBufAllocator allocator() {
        return allocator;
    }

    BufferBudget budget() {
        return budget;
    }
}

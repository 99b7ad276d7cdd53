package org.xenolith.devices.net.nat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;

import java.net.InetSocketAddress;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.random.RandomGenerator;

/**
 * The name server that guests see. It knows the guests' own names, {@code web1} and {@code
 * web1.localhost}, and passes everything else to the host's name servers, each query from a socket
 * and with a number of its own. When too many wait for an answer, the guest with the most loses its
 * oldest. RFC 1035, 7; RFC 5452, 9.2.
 */
final class DnsForwarder {
    static final int MAX_PENDING = 256;
    static final long ATTEMPT_NANOS = TimeUnit.SECONDS.toNanos(2);

    private static final int ATTEMPTS = 3;
    private static final String LOCAL_DOMAIN = "localhost";
    private static final String LOCAL_SUFFIX = "." + LOCAL_DOMAIN;

    private final NatConfig config;
    private final NatClock clock;
    private final Timers timers;
    private final Leases leases;
    private final HostNetwork host;
    private final ByteBufAllocator allocator;
    private final RandomGenerator random;
    private final Supplier<List<InetSocketAddress>> resolvers;
    private final Map<Long, Set<Pending>> pending = new HashMap<>(); // by MAC address, by age
    private int pendingCount;

    DnsForwarder(
            NatConfig config,
            NatClock clock,
            Timers timers,
            Leases leases,
            HostNetwork host,
            ByteBufAllocator allocator,
            RandomGenerator random,
            Supplier<List<InetSocketAddress>> resolvers) {
        this.config = config;
        this.clock = clock;
        this.timers = timers;
        this.leases = leases;
        this.host = host;
        this.allocator = allocator;
        this.random = random;
        this.resolvers = resolvers;
    }

    /**
     * Answers a query that came in a datagram.
     *
     * @param guest MAC address of who asks
     * @param query stays the caller's
     * @param answer gets the response with its reference, now or later or never
     */
    void query(long guest, ByteBuf query, Consumer<ByteBuf> answer) {
        DnsMessage message = DnsMessage.readQuery(query);
        if (message == null) {
            return;
        }
        ByteBuf known = answerAtOnce(message, query);
        if (known != null) {
            answer.accept(known);
            return;
        }
        if (pendingCount == MAX_PENDING) {
            oldestOfTheMost(guest).end();
        }
        Pending next = new Pending(guest, message, query.copy(), answer);
        pending.computeIfAbsent(guest, _ -> new LinkedHashSet<>()).add(next);
        pendingCount++;
        next.ask();
    }

    /** Of several guests with the same number it is the one who asks, if it is among them. */
    private Pending oldestOfTheMost(long asking) {
        Set<Pending> most = pending.getOrDefault(asking, Set.of());
        for (Set<Pending> each : pending.values()) {
            if (each.size() > most.size()) {
                most = each;
            }
        }
        return most.iterator().next();
    }

    /** The response if no other name server has to be asked, else null. */
    ByteBuf answerAtOnce(DnsMessage message, ByteBuf query) {
        String name = message.name();
        boolean local = name.endsWith(LOCAL_SUFFIX);
        String label = local ? name.substring(0, name.length() - LOCAL_SUFFIX.length()) : name;
        int address = leases.addressOf(label);
        if (address != Leases.NO_ADDRESS) {
            return message.respondWithGuest(allocator, query, address);
        }
        if (local) {
            return message.respond(allocator, query, DnsMessage.NXDOMAIN);
        }
        if (config.restrict()) {
            return message.respond(allocator, query, DnsMessage.REFUSED);
        }
        return resolvers.get().isEmpty()
                ? message.respond(allocator, query, DnsMessage.SERVFAIL)
                : null;
    }

    /** The end of a guest's TCP connection to the name server. */
    HostStream openStream(HostStream.Events events) {
        return new DnsStream(this, host, allocator, events);
    }

    List<InetSocketAddress> resolvers() {
        return resolvers.get();
    }

    int pending() {
        return pendingCount;
    }

    void close() {
        for (Set<Pending> each : List.copyOf(pending.values())) {
            List.copyOf(each).forEach(Pending::end);
        }
    }

    /** A query that the host's name servers are being asked. */
    private final class Pending extends Timers.Timer implements HostDatagrams.Events {
        private final long guest; // MAC address
        private final DnsMessage message;
        private final ByteBuf query; // our copy, with our number in it
        private final int guestId;
        private final int id;
        private final Consumer<ByteBuf> answer;
        private HostDatagrams socket;
        private int attempts;
        private boolean ended;

        private Pending(long guest, DnsMessage message, ByteBuf query, Consumer<ByteBuf> answer) {
            this.guest = guest;
            this.message = message;
            this.query = query;
            this.answer = answer;
            this.guestId = query.getUnsignedShort(DnsMessage.ID);
            this.id = random.nextInt(1 << 16);
            query.setShort(DnsMessage.ID, id);
        }

        private void ask() {
            List<InetSocketAddress> servers = resolvers.get();
            if (attempts == ATTEMPTS || servers.isEmpty()) {
                fail();
                return;
            }
            closeSocket();
            socket = host.openDatagrams(servers.get(attempts++ % servers.size()), this);
            timers.arm(this, clock.now() + ATTEMPT_NANOS);
            socket.send(query.retainedDuplicate());
        }

        @Override
        public void received(ByteBuf response) {
            if (ended || !answersUs(response)) {
                response.release();
                return;
            }
            ByteBuf ours = response.isReadOnly() ? copyAndRelease(response) : response;
            ours.setShort(ours.readerIndex() + DnsMessage.ID, guestId);
            end();
            answer.accept(ours);
        }

        private boolean answersUs(ByteBuf response) {
            int start = response.readerIndex();
            return response.readableBytes() >= DnsMessage.HEADER_BYTES
                    && response.getUnsignedShort(start + DnsMessage.ID) == id
                    && (response.getUnsignedShort(start + DnsMessage.FLAGS) & DnsMessage.RESPONSE)
                            != 0;
        }

        private ByteBuf copyAndRelease(ByteBuf response) {
            ByteBuf copy = response.copy();
            response.release();
            return copy;
        }

        @Override
        public void refused() {
            if (!ended) {
                ask(); // the next one
            }
        }

        @Override
        void expired(long now) {
            ask();
        }

        private void fail() {
            ByteBuf response = message.respond(allocator, query, DnsMessage.SERVFAIL);
            response.setShort(DnsMessage.ID, guestId);
            end();
            answer.accept(response);
        }

        private void end() {
            ended = true;
            Set<Pending> ofGuest = pending.get(guest);
            ofGuest.remove(this);
            if (ofGuest.isEmpty()) {
                pending.remove(guest);
            }
            pendingCount--;
            timers.remove(this);
            closeSocket();
            query.release();
        }

        private void closeSocket() {
            if (socket != null) {
                socket.close();
            }
        }
    }
}

package org.xenolith.pv.netback;

import org.xenolith.devices.net.EthernetFrame;
import org.xenolith.devices.net.NetworkEndpoint;
import org.xenolith.devices.net.Offload;
import org.xenolith.devices.net.SwitchPort;
import org.xenolith.pv.host.EventPort;
import org.xenolith.pv.host.FrontendDomain;
import org.xenolith.pv.host.GrantedFrame;
import org.xenolith.pv.host.Store;
import org.xenolith.pv.ring.RingCorrupt;
import org.xenolith.pv.ring.SharedRing;
import org.xenolith.pv.xenbus.BackendConnection;
import org.xenolith.pv.xenbus.BackendDriver;
import org.xenolith.pv.xenbus.ConnectRequest;
import org.xenolith.pv.xenbus.FrontendKeys;
import org.xenolith.pv.xenbus.FrontendRefused;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Function;

/**
 * A virtual network interface in a port of a switch: Linux's netback. While no frontend is
 * connected, what comes from the switch is dropped, as on a card without a cable.
 */
public final class NetBackend implements BackendDriver, NetworkEndpoint, AutoCloseable {
    private static final String MULTICAST_CONTROL = "request-multicast-control";

    private final NetFeatures features;
    private final SwitchPort port;
    private final Executor later;

    /** Null while no frontend is connected. */
    private volatile Connection connection;

    /**
     * @param plug connects an endpoint to the switch; the port is this object's, to be closed with
     *     it
     */
    public NetBackend(Function<NetworkEndpoint, SwitchPort> plug, NetFeatures features) {
        this(plug, features, ReceiveQueue.LATER);
    }

    /**
     * As {@link #NetBackend(Function, NetFeatures)}.
     *
     * @param later runs work after a while, for frontends that do not tell when they have room
     */
    NetBackend(Function<NetworkEndpoint, SwitchPort> plug, NetFeatures features, Executor later) {
        this.features = features;
        this.later = later;
        this.port = plug.apply(this);
    }

    // ---- the switch's side

    @Override
    public boolean deliver(EthernetFrame frame) {
        Connection to = connection;
        if (to == null) {
            frame.release();
            return true;
        }
        return to.deliver(frame);
    }

    @Override
    public void writable() {
        Connection to = connection;
        if (to != null) {
            to.pairs.forEach(pair -> pair.transmit.serviceSoon());
        }
    }

    /** Leaves the switch. */
    @Override
    public void close() {
        port.close();
    }

    // ---- the frontend's side

    @Override
    public Map<String, String> offer() {
        Map<String, String> keys = new LinkedHashMap<>();
        keys.put("feature-sg", "1");
        keys.put("feature-gso-tcpv4", "1");
        keys.put("feature-gso-tcpv6", "1");
        keys.put("feature-ipv6-csum-offload", "1");
        keys.put("feature-rx-copy", "1");
        keys.put("feature-rx-flip", "0");
        keys.put("feature-multicast-control", "1");
        keys.put("feature-dynamic-multicast-control", "1");
        keys.put("feature-split-event-channels", "1");
        keys.put("multi-queue-max-queues", "" + features.maxQueues());
        keys.put("feature-ctrl-ring", "0");
        return keys;
    }

    @Override
    public BackendConnection connect(ConnectRequest request) throws FrontendRefused {
        FrontendKeys keys = request.keys();
        if (!keys.flag("request-rx-copy")) {
            throw new FrontendRefused("the frontend does not ask for copies");
        }
        int queues = keys.number("multi-queue-num-queues", 1, features.maxQueues(), 1);
        MulticastFilter filter = new MulticastFilter();
        filter.setActive(keys.flag(MULTICAST_CONTROL));
        List<QueuePair> pairs = new ArrayList<>();
        try {
            for (int i = 0; i < queues; i++) {
                FrontendKeys of = queues == 1 ? keys : keys.in("queue-" + i);
                pairs.add(new Connecting(request, of, filter, i).pair());
            }
        } catch (FrontendRefused refused) {
            pairs.forEach(QueuePair::close);
            throw refused;
        }
        return new Connection(request.domain(), keys, filter, pairs);
    }

    /** One queue in both directions. */
    private record QueuePair(TransmitQueue transmit, ReceiveQueue receive) {
        void service() {
            transmit.service();
            receive.service();
        }

        void close() {
            transmit.close();
            receive.close();
        }
    }

    /** The steps to a pair of queues; whatever was taken is given back when one of them fails. */
    private final class Connecting {
        private final ConnectRequest request;
        private final FrontendKeys keys;
        private final MulticastFilter filter;
        private final int index;
        private final List<AutoCloseable> taken = new ArrayList<>();

        // The handlers of events come before the queues that they serve.
        private volatile QueuePair pair;

        Connecting(ConnectRequest request, FrontendKeys keys, MulticastFilter filter, int index) {
            this.request = request;
            this.keys = keys;
            this.filter = filter;
            this.index = index;
        }

        QueuePair pair() throws FrontendRefused {
            try {
                return connect();
            } catch (FrontendRefused | RingCorrupt refused) {
                taken.forEach(Connecting::giveBack);
                throw new FrontendRefused(refused.getMessage());
            }
        }

        private static void giveBack(AutoCloseable one) {
            try {
                one.close();
            } catch (Exception e) {
                throw new IllegalStateException("grants and ports close without fail", e);
            }
        }

        private QueuePair connect() throws FrontendRefused {
            SharedRing tx = ring("tx", NetifTxRequest.SIZE);
            SharedRing rx = ring("rx", NetifRxRequest.SIZE);
            EventPort txPort;
            EventPort rxPort;
            if (keys.has("event-channel-tx")) {
                txPort = bind("event-channel-tx", () -> pair.transmit.service());
                rxPort = bind("event-channel-rx", () -> pair.receive.service());
            } else {
                txPort = bind("event-channel", () -> pair.service());
                rxPort = txPort;
            }
            FrontendDomain domain = request.domain();
            pair =
                    new QueuePair(
                            new TransmitQueue(
                                    domain, tx, txPort, () -> port, filter, request.reports()),
                            new ReceiveQueue(
                                    domain, rx, rxPort, () -> port, request.reports(), looks()));
            return pair;
        }

        /** Null for a frontend that tells when it offers frames to receive into. */
        private Executor looks() {
            return request.keys().flag("feature-rx-notify") ? null : later;
        }

        private SharedRing ring(String direction, int slotBytes) throws FrontendRefused {
            String key = direction + "-ring-ref";
            GrantedFrame page = request.domain().grant(keys.number(key), true);
            if (page == null) {
                throw new FrontendRefused(key + " is no grant for the backend");
            }
            taken.add(page);
            SharedRing ring =
                    new SharedRing(
                            direction + " ring " + index,
                            List.of(page),
                            slotBytes,
                            request.domain().rings(request.device().toString()));
            taken.remove(page); // it is the ring's now
            taken.add(ring);
            return ring;
        }

        private EventPort bind(String key, Runnable service) throws FrontendRefused {
            // An event that comes while we are still connecting is made good for by start.
            Runnable onEvent =
                    () -> {
                        if (pair != null) {
                            service.run();
                        }
                    };
            EventPort bound = request.domain().bind(keys.number(key), onEvent);
            if (bound == null) {
                throw new FrontendRefused(key + " is no port offered to the backend");
            }
            taken.add(bound);
            return bound;
        }
    }

    /** All queues of one frontend. */
    private final class Connection implements BackendConnection {
        private final FrontendDomain domain;
        private final FrontendKeys keys;
        private final FrontendOffloads offloads;
        private final MulticastFilter filter;
        private final List<QueuePair> pairs;

        /** A look at the key is posted: however often it changes, one waits for the guest. */
        private final AtomicBoolean filterIsDue = new AtomicBoolean();

        private Store.Watch multicastControl; // null until the start

        Connection(
                FrontendDomain domain,
                FrontendKeys keys,
                MulticastFilter filter,
                List<QueuePair> pairs) {
            this.domain = domain;
            this.keys = keys;
            this.offloads = FrontendOffloads.of(keys);
            this.filter = filter;
            this.pairs = pairs;
        }

        @Override
        public Map<String, String> properties() {
            return Map.of();
        }

        @Override
        public void start() {
            connection = this;
            multicastControl = keys.watch(MULTICAST_CONTROL, this::setFilterSoon);
            // The other side may have sent before the ports were bound.
            pairs.forEach(pair -> domain.post(pair::service));
        }

        private void setFilterSoon() {
            if (!filterIsDue.getAndSet(true)) {
                domain.post(this::setFilter);
            }
        }

        private void setFilter() {
            filterIsDue.set(false); // before the look: what changes from now on comes again
            filter.setActive(keys.flag(MULTICAST_CONTROL));
        }

        boolean deliver(EthernetFrame frame) {
            ByteBuffer head = frame.head();
            if (head.limit() < EthernetFrame.HEADER_BYTES || !filter.passes(destination(head))) {
                frame.release();
                return true;
            }
            int queue = pairs.size() == 1 ? 0 : FlowHash.queue(FlowHash.of(head), pairs.size());
            ReceiveQueue receive = pairs.get(queue).receive;
            if (!receive.hasRoom()) {
                return false;
            }
            if (offloads.take(frame, head)) {
                receive.add(frame);
            } else {
                Offload.toWire(frame, whole -> addIfItFits(whole, receive));
            }
            return true;
        }

        private void addIfItFits(EthernetFrame whole, ReceiveQueue receive) {
            if (offloads.take(whole, whole.head())) {
                receive.add(whole);
            } else {
                // A frame larger than the network's MTU, for a frontend that takes one slot each.
                whole.release();
            }
        }

        private static long destination(ByteBuffer bytes) {
            return Short.toUnsignedLong(bytes.getShort(0)) << 32
                    | Integer.toUnsignedLong(bytes.getInt(2));
        }

        @Override
        public void disconnect(Runnable released) {
            end();
            domain.post(released);
        }

        /** A packet is answered when it is taken; one that waits for the switch is lost. */
        @Override
        public void handOver(Runnable released) {
            disconnect(released);
        }

        @Override
        public void abandon(Runnable idle) {
            end();
            idle.run();
        }

        private void end() {
            connection = null;
            if (multicastControl != null) {
                multicastControl.close();
            }
            pairs.forEach(QueuePair::close);
        }
    }
}

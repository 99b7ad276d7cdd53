package org.xenolith.pv.p9back;

import org.xenolith.devices.p9.P9;
import org.xenolith.devices.p9.P9Server;
import org.xenolith.devices.p9.SharedFolder;
import org.xenolith.pv.host.EventPort;
import org.xenolith.pv.host.FrontendDomain;
import org.xenolith.pv.host.GrantedFrame;
import org.xenolith.pv.ring.FlexRing;
import org.xenolith.pv.ring.RingCorrupt;
import org.xenolith.pv.xenbus.BackendConnection;
import org.xenolith.pv.xenbus.BackendDriver;
import org.xenolith.pv.xenbus.ConnectRequest;
import org.xenolith.pv.xenbus.FrontendKeys;
import org.xenolith.pv.xenbus.FrontendRefused;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicInteger;

/** A folder of the host for one guest: what QEMU is for {@code xen-9pfs}. */
public final class P9Backend implements BackendDriver, AutoCloseable {
    private static final String VERSION = "1";

    /** Linux wants two. */
    private static final int MAX_RINGS = 4;

    /**
     * A MiB of the guest for Linux's two rings. Linux lets messages be half as long as a stream:
     * with this the 128 KiB that it asks for by itself.
     */
    private static final int MAX_RING_PAGE_ORDER = 7;

    /** The smallest message of 9P that Linux agrees to has to fit. */
    private static final int MIN_RING_PAGE_ORDER = 1;

    /** Bytes of the largest message. */
    static final int MAX_MSIZE = 128 << 10;

    private final SharedFolder folder;
    private final Executor io;

    /** Of the frontend that is connected, or is handed over to the next connection. */
    private P9Server server;

    /**
     * @param folder what the guest sees, ours to close
     * @param io runs calls of the host's file system, which block: one after the other, and not on
     *     threads of a vCPU
     */
    public P9Backend(SharedFolder folder, Executor io) {
        this.folder = folder;
        this.io = io;
    }

    @Override
    public Map<String, String> offer() {
        return Map.of(
                "versions",
                VERSION,
                "max-rings",
                "" + MAX_RINGS,
                "max-ring-page-order",
                "" + MAX_RING_PAGE_ORDER);
    }

    @Override
    public BackendConnection connect(ConnectRequest request) throws FrontendRefused {
        FrontendKeys keys = request.keys();
        String version = keys.text("version").orElse("");
        if (!version.equals(VERSION)) {
            throw new FrontendRefused("the frontend speaks another version than " + VERSION);
        }
        if (!keys.has("num-rings")) {
            throw new FrontendRefused("no key num-rings");
        }
        int count = keys.number("num-rings", 1, MAX_RINGS, 1);
        List<FlexRing> rings = new ArrayList<>();
        List<P9Ring> connected = new ArrayList<>();
        try {
            for (int i = 0; i < count; i++) {
                rings.add(ring(request, keys.number("ring-ref" + i), i));
            }
            P9Server serving = server(rings);
            for (int i = 0; i < count; i++) {
                connected.add(connect(request, rings.get(i), serving, i));
            }
        } catch (FrontendRefused refused) {
            connected.forEach(P9Ring::closePort);
            rings.forEach(FlexRing::close);
            throw refused;
        }
        return new Connection(request.domain(), connected);
    }

    private static FlexRing ring(ConnectRequest request, int interfaceRef, int index)
            throws FrontendRefused {
        FrontendDomain domain = request.domain();
        String name = "ring " + index;
        List<GrantedFrame> held = new ArrayList<>();
        try {
            GrantedFrame first = hold(domain, interfaceRef, name, held);
            int order = FlexRing.order(first);
            if (order < MIN_RING_PAGE_ORDER || order > MAX_RING_PAGE_ORDER) {
                throw new FrontendRefused(
                        "%s: its order is %s, not %d to %d"
                                .formatted(
                                        name,
                                        Integer.toUnsignedString(order),
                                        MIN_RING_PAGE_ORDER,
                                        MAX_RING_PAGE_ORDER));
            }
            for (int page = 0; page < 1 << order; page++) {
                hold(domain, FlexRing.ref(first, page), name, held);
            }
            return new FlexRing(
                    name,
                    first,
                    held.subList(1, held.size()),
                    domain.rings(request.device().toString()));
        } catch (RingCorrupt corrupt) {
            held.forEach(GrantedFrame::close);
            throw new FrontendRefused(corrupt.getMessage());
        } catch (FrontendRefused refused) {
            held.forEach(GrantedFrame::close);
            throw refused;
        }
    }

    private static GrantedFrame hold(
            FrontendDomain domain, int ref, String name, List<GrantedFrame> held)
            throws FrontendRefused {
        GrantedFrame frame = domain.grant(ref, true);
        if (frame == null) {
            throw new FrontendRefused(
                    "%s: %s is no grant for the backend"
                            .formatted(name, Integer.toUnsignedString(ref)));
        }
        held.add(frame);
        return frame;
    }

    /** The one that knows the frontend already, or a new one. */
    private synchronized P9Server server(List<FlexRing> rings) {
        if (server == null) {
            int msize = MAX_MSIZE;
            for (FlexRing ring : rings) {
                msize = Math.min(msize, ring.size());
            }
            server = new P9Server(folder, Math.max(msize, P9.SMALLEST_MSIZE));
        }
        return server;
    }

    private P9Ring connect(ConnectRequest request, FlexRing ring, P9Server serving, int index)
            throws FrontendRefused {
        P9Ring made = new P9Ring(request.domain(), ring, serving, io, request.reports());
        String key = "event-channel-" + index;
        EventPort port = request.domain().bind(request.keys().number(key), made::service);
        if (port == null) {
            throw new FrontendRefused(key + " is no port offered to the backend");
        }
        made.connectTo(port);
        return made;
    }

    private synchronized void endServer() {
        if (server != null) {
            server.close();
            server = null;
        }
    }

    /** Gives the folder back; no frontend is connected any more. */
    @Override
    public void close() {
        endServer();
        folder.close();
    }

    /** All rings of one frontend. */
    private final class Connection implements BackendConnection {
        private final FrontendDomain domain;
        private final List<P9Ring> rings;

        Connection(FrontendDomain domain, List<P9Ring> rings) {
            this.domain = domain;
            this.rings = rings;
        }

        @Override
        public Map<String, String> properties() {
            return Map.of();
        }

        @Override
        public void start() {
            rings.forEach(P9Ring::start);
        }

        @Override
        public void disconnect(Runnable released) {
            Runnable one = lastOf(() -> endServerThen(() -> domain.post(released)));
            rings.forEach(ring -> ring.disconnect(one));
        }

        @Override
        public void handOver(Runnable released) {
            Runnable one = lastOf(() -> domain.post(released));
            rings.forEach(ring -> ring.handOver(one));
        }

        @Override
        public void abandon(Runnable idle) {
            Runnable one = lastOf(() -> endServerThen(idle));
            rings.forEach(ring -> ring.abandon(one));
        }

        private Runnable lastOf(Runnable then) {
            AtomicInteger left = new AtomicInteger(rings.size());
            return () -> {
                if (left.decrementAndGet() == 0) {
                    then.run();
                }
            };
        }

        /** To close files may take as long as to write them. */
        private void endServerThen(Runnable then) {
            io.execute(
                    () -> {
                        endServer();
                        then.run();
                    });
        }
    }
}

package org.xenolith.pv.netback;

import static org.assertj.core.api.Assertions.assertThat;

import org.xenolith.devices.net.EthernetFrame;
import org.xenolith.devices.net.NetworkEndpoint;
import org.xenolith.devices.net.SwitchPort;
import org.xenolith.pv.host.FakeDomain;
import org.xenolith.pv.host.FakeStore;
import org.xenolith.pv.ring.FrontRing;
import org.xenolith.pv.xenbus.XenbusBackend;
import org.xenolith.pv.xenbus.XenbusDevice;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;

/** A network backend between a hand-written frontend and a port that notes what it gets. */
final class NetLab {
    static final int TX_PORT = 20, RX_PORT = 21, TX_REF = 8, RX_REF = 9;

    /** A port of the switch that takes so many frames and no more. */
    static final class FakePort implements SwitchPort {
        final List<EthernetFrame> frames = new ArrayList<>();
        int room = Integer.MAX_VALUE;
        int resumed;
        boolean closed;

        @Override
        public boolean send(EthernetFrame frame) {
            if (frames.size() >= room) {
                return false;
            }
            frames.add(frame);
            return true;
        }

        @Override
        public void resume() {
            resumed++;
        }

        @Override
        public void close() {
            closed = true;
        }
    }

    final FakeDomain domain = new FakeDomain();
    final FakeStore store = new FakeStore();
    final XenbusDevice device = new XenbusDevice(1, "vif", 0);
    final List<String> log = new ArrayList<>();
    final FakePort port = new FakePort();

    /** What the backend wants to do after a while. */
    final Queue<Runnable> later = new ArrayDeque<>();

    final NetBackend netback;
    final XenbusBackend backend;
    final Map<Integer, FakeDomain.Page> pages = new HashMap<>();
    FrontRing tx;
    FrontRing rx;
    private int nextRef = 1000;

    NetLab() {
        store.write(device.frontend() + "/state", "1");
        netback =
                new NetBackend(
                        (NetworkEndpoint endpoint) -> port, NetFeatures.forVcpus(2), later::add);
        backend = XenbusBackend.attach(device, domain, store, netback, log::add);
        domain.run();
    }

    void front(String key, Object value) {
        store.write(device.frontend() + "/" + key, "" + value);
    }

    void state(int state) {
        front("state", state);
        domain.run();
    }

    String back(String key) {
        return store.read(device.backend() + "/" + key).orElse("");
    }

    /** Writes what every frontend writes; the state is the caller's. */
    NetLab keys() {
        tx = new FrontRing(List.of(domain.grantNew(TX_REF)), NetifTxRequest.SIZE);
        rx = new FrontRing(List.of(domain.grantNew(RX_REF)), NetifRxRequest.SIZE);
        front("tx-ring-ref", TX_REF);
        front("rx-ring-ref", RX_REF);
        front("event-channel-tx", TX_PORT);
        front("event-channel-rx", RX_PORT);
        front("request-rx-copy", 1);
        front("feature-rx-notify", 1);
        front("feature-sg", 1);
        front("feature-gso-tcpv4", 1);
        front("feature-gso-tcpv6", 1);
        front("feature-ipv6-csum-offload", 1);
        domain.offerPort(TX_PORT);
        domain.offerPort(RX_PORT);
        return this;
    }

    NetLab connect() {
        keys();
        state(4);
        return this;
    }

    /** Grants a page of the guest filled with a byte. */
    int page(int fill) {
        FakeDomain.Page page = domain.grantNew(nextRef);
        page.memory.fill((byte) fill);
        pages.put(nextRef, page);
        return nextRef++;
    }

    // ---- sending

    void put(int gref, int offset, int flags, int id, int size) {
        tx.put(new NetifTxRequest(gref, offset, flags, id, size)::writeTo);
    }

    void putExtra(NetifExtraInfo extra) {
        tx.put(extra::writeTo);
    }

    void send() {
        tx.publish();
        domain.send(TX_PORT);
    }

    /** Statuses of the transmit responses since the last call, in order. */
    List<Integer> sent() {
        return tx.responses().stream()
                .map(NetifTxResponse::readFrom)
                .map(NetifTxResponse::status)
                .toList();
    }

    // ---- receiving

    /** Offers so many pages to receive into; returns their references. */
    List<Integer> offer(int count) {
        List<Integer> refs = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            int ref = page(0);
            refs.add(ref);
            rx.put(new NetifRxRequest(ref & 0xff, ref)::writeTo);
        }
        rx.publish();
        domain.send(RX_PORT);
        return refs;
    }

    static EthernetFrame frame(int length, int fill) {
        return frame(length, fill, false, EthernetFrame.Segmentation.NONE, 0);
    }

    static EthernetFrame frame(
            int length, int fill, boolean pending, EthernetFrame.Segmentation cut, int segment) {
        EthernetFrame frame = EthernetFrame.ofLength(length, pending, cut, segment);
        MemorySegment.ofBuffer(frame.bytes()).fill((byte) fill);
        return frame;
    }

    /** The switch delivers a frame. */
    boolean deliver(EthernetFrame frame) {
        boolean taken = netback.deliver(frame);
        domain.run();
        return taken;
    }

    /** The while is over: runs what was to be done, once. */
    void passTime() {
        for (int due = later.size(); due > 0; due--) {
            later.remove().run();
        }
        domain.run();
    }

    List<NetifRxResponse> received() {
        return rx.responses().stream().map(NetifRxResponse::readFrom).toList();
    }

    static byte[] bytes(EthernetFrame frame) {
        byte[] bytes = new byte[frame.length()];
        frame.bytes().get(bytes);
        return bytes;
    }

    /** What is in a page that the frontend has granted. */
    byte[] memory(int ref) {
        return pages.get(ref).memory.toArray(ValueLayout.JAVA_BYTE);
    }

    /** The backend has let go of all, and said why. */
    void expectDisconnected(String why) {
        assertThat(back("state")).isEqualTo("5");
        assertThat(log).singleElement().asString().contains("vif/1/0", why);
        assertThat(domain.usesUnderWay()).as("uses of grants").isZero();
        assertThat(domain.isBound(TX_PORT)).isFalse();
        assertThat(domain.isBound(RX_PORT)).isFalse();
    }
}

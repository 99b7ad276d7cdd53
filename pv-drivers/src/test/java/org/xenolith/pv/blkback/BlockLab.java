package org.xenolith.pv.blkback;

import org.xenolith.pv.host.FakeDomain;
import org.xenolith.pv.host.FakeStore;
import org.xenolith.pv.ring.FrontRing;
import org.xenolith.pv.xenbus.XenbusBackend;
import org.xenolith.pv.xenbus.XenbusDevice;

import java.lang.foreign.ValueLayout;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.function.LongFunction;

/**
 * A disk backend with a hand-written frontend. The disk's calls wait until {@link #io} lets them
 * run: a disk as slow as a test wants it.
 */
final class BlockLab {
    static final int PORT = 9;
    static final int RING_REF = 8;
    static final int DISK_BYTES = 8 << 20;

    final FakeDomain domain = new FakeDomain();
    final FakeStore store = new FakeStore();
    final XenbusDevice device = new XenbusDevice(1, "vbd", 51712);
    final List<String> log = new ArrayList<>();
    final Queue<Runnable> ioCalls = new ArrayDeque<>();
    final MemoryDisk disk;
    final XenbusBackend backend;
    FrontRing ring;

    /** The guest's pages by reference. */
    final Map<Integer, FakeDomain.Page> pages = new HashMap<>();

    private final Map<Long, Integer> statuses = new HashMap<>();
    private long nextId = 1;
    private int nextRef = 1000;

    BlockLab() {
        this(new MemoryDisk(DISK_BYTES, false), BlockFeatures.forVcpus(2));
    }

    BlockLab(MemoryDisk disk, BlockFeatures features) {
        this.disk = disk;
        store.write(device.frontend() + "/state", "1");
        backend =
                XenbusBackend.attach(
                        device,
                        domain,
                        store,
                        new BlockBackend(disk, ioCalls::add, features),
                        log::add);
        domain.run();
    }

    /** A frontend with a ring of one page connects. */
    BlockLab connect() {
        ring = newRing(RING_REF, 1);
        front("ring-ref", RING_REF);
        front("event-channel", PORT);
        domain.offerPort(PORT);
        state(3);
        return this;
    }

    FrontRing newRing(int firstRef, int pages) {
        List<FakeDomain.Page> granted = new ArrayList<>();
        for (int i = 0; i < pages; i++) {
            granted.add(domain.grantNew(firstRef + i));
        }
        return new FrontRing(granted, BlkifRequest.SLOT);
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

    // ---- requests

    /** Grants a page of the guest, filled with a byte. */
    int page(int fill) {
        FakeDomain.Page page = domain.grantNew(nextRef);
        page.memory.fill((byte) fill);
        pages.put(nextRef, page);
        return nextRef++;
    }

    static BlkifSegment whole(int ref) {
        return new BlkifSegment(ref, 0, 7);
    }

    /** Puts a request into the ring; returns its id. */
    long request(int operation, long sector, BlkifSegment... segments) {
        long id = nextId++;
        BlkifRequest.Direct request =
                new BlkifRequest.Direct(operation, id, sector, segments.length, List.of(segments));
        ring.put(request::writeTo);
        return id;
    }

    long put(LongFunction<BlkifRequest> request) {
        long id = nextId++;
        switch (request.apply(id)) {
            case BlkifRequest.Direct direct -> ring.put(direct::writeTo);
            case BlkifRequest.Indirect indirect -> ring.put(indirect::writeTo);
            case BlkifRequest.Discard discard -> ring.put(discard::writeTo);
        }
        return id;
    }

    /** Publishes and notifies, as a frontend does. */
    void kick() {
        ring.publish();
        domain.send(PORT);
    }

    /** Lets the disk do what it was asked, and the backend answer. */
    void io() {
        Runnable call;
        while ((call = ioCalls.poll()) != null) {
            call.run();
            domain.run();
        }
    }

    void go() {
        kick();
        io();
    }

    /** Status of an answered request; null while it is not answered. */
    Integer status(long id) {
        ring.responses().stream()
                .map(BlkifResponse::readFrom)
                .forEach(response -> statuses.put(response.id(), response.status()));
        return statuses.get(id);
    }

    /** What is in a page that the frontend has granted. */
    byte[] memory(int ref) {
        return pages.get(ref).memory.toArray(ValueLayout.JAVA_BYTE);
    }

    static byte[] filled(int length, int value) {
        byte[] bytes = new byte[length];
        Arrays.fill(bytes, (byte) value);
        return bytes;
    }
}

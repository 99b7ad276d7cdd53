package org.xenolith.core.machine;

import org.xenolith.core.domain.Domain;
import org.xenolith.core.snapshot.Description;
import org.xenolith.core.snapshot.DomainSnapshot;
import org.xenolith.core.snapshot.SnapshotException;
import org.xenolith.core.xenstore.Xenstore;
import org.xenolith.core.xenstore.XenstoreConnection;
import org.xenolith.core.xenstore.XenstoreRing;
import org.xenolith.pv.ring.ByteRing;

import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;

/** A guest's way to xenstore: its page, its event channel, and the connection behind them. */
final class StorePort {
    /** How long one look at the ring may take: siblings can fill it as fast as it is emptied. */
    private static final long LOOK_NANOS = 1_000_000;

    private final Domain domain;
    private final long mfn;

    /**
     * A look at the ring is posted: while the guest stands still nobody takes it, and its
     * neighbours go on writing what it watches.
     */
    private final AtomicBoolean lookIsDue = new AtomicBoolean();

    private int port;
    private MemorySegment page;
    private XenstoreConnection connection;
    private XenstoreRing ring;
    private ByteRing.Listener listener;

    private StorePort(Domain domain, long mfn, int port) {
        this.domain = domain;
        this.mfn = mfn;
        this.port = port;
    }

    /** Takes the port, which must be the next free one. */
    static StorePort allocate(Domain domain, long mfn, int port) {
        StorePort made = new StorePort(domain, mfn, port);
        GuestPage.expectPort(domain.events().allocateForBackend(made::service), port);
        return made;
    }

    /**
     * Serves the port of a restored guest, with its connection.
     *
     * @throws SnapshotException when the guest, or xenstore, cannot have them
     */
    static StorePort restore(Xenstore store, Domain domain, DomainSnapshot snapshot)
            throws SnapshotException {
        Description.Rings rings = snapshot.description().rings();
        StorePort made = new StorePort(domain, rings.storeMfn(), rings.storePort());
        made.page = GuestPage.pinRestored(domain, made.mfn);
        GuestPage.bindRestored(domain, made.port, made::service);
        made.connection = snapshot.restoreStore(store, domain, made::lookSoon);
        made.connect();
        return made;
    }

    /** The guest is known to the host: whatever the store has to tell may reach it. */
    void open(Xenstore store) {
        connection = store.introduce(domain.id(), this::lookSoon);
        page = GuestPage.pin(domain, mfn);
        connect();
    }

    /**
     * The guest is a new one for xenstore: another port, an empty page, nothing watched.
     *
     * @param newPort the next free one
     */
    void reopen(Xenstore store, int newPort) {
        port = newPort;
        GuestPage.expectPort(domain.events().allocateForBackend(this::service), port);
        store.release(domain.id());
        connection = store.introduce(domain.id(), this::lookSoon);
        page.fill((byte) 0);
        connect();
    }

    private void connect() {
        ring = new XenstoreRing(page, connection);
        ring.onMove(listener);
    }

    XenstoreConnection connection() {
        return connection;
    }

    /**
     * Sets who hears of bytes that go through its rings, null for nobody, while the guest stands.
     */
    void onMove(ByteRing.Listener hearer) {
        listener = hearer;
        if (ring != null) {
            ring.onMove(hearer);
        }
    }

    /** Where both sides of its rings are; only while the guest stands. */
    List<ByteRing.State> rings() {
        return ring.states();
    }

    int port() {
        return port;
    }

    /** Looks at the ring at the guest's next poll point. */
    void lookSoon() {
        if (!lookIsDue.getAndSet(true)) {
            domain.post(this::look);
        }
    }

    private void look() {
        lookIsDue.set(false);
        service();
    }

    /** One round; a guest that writes faster than we read waits for the next poll point. */
    private void service() {
        if (serviceRing()) {
            domain.events().deliver(port);
        }
        if (ring.hasWork()) {
            lookSoon();
        }
    }

    private boolean serviceRing() {
        if (!domain.clock().isLive()) {
            return ring.service(); // the host's clock would make two runs differ
        }
        long start = System.nanoTime();
        return ring.service(() -> System.nanoTime() - start > LOOK_NANOS);
    }
}

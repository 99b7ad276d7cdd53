package org.xenolith.core.machine;

import org.xenolith.core.domain.Domain;
import org.xenolith.core.xenstore.Xenstore;
import org.xenolith.core.xenstore.XenstoreConnection;
import org.xenolith.core.xenstore.XenstoreRing;

/** A guest's way to xenstore: its page, its event channel, and the connection behind them. */
final class StorePort {
    private final Xenstore store;
    private final Domain domain;
    private final long mfn;
    private final int port;
    private XenstoreRing ring;

    /** Takes the port, which must be the next free one. */
    StorePort(Xenstore store, Domain domain, long mfn, int port) {
        this.store = store;
        this.domain = domain;
        this.mfn = mfn;
        this.port = port;
        GuestPage.expectPort(domain.events().allocateForBackend(this::service), port);
    }

    /** The guest is known to the host: whatever the store has to tell may reach it. */
    void open() {
        XenstoreConnection connection =
                store.introduce(domain.id(), () -> domain.post(this::service));
        ring = new XenstoreRing(GuestPage.pin(domain, mfn), connection);
    }

    /** One round; a guest that writes faster than we read waits for the next poll point. */
    private void service() {
        if (ring.service()) {
            domain.events().deliver(port);
        }
        if (ring.hasWork()) {
            domain.post(this::service);
        }
    }
}

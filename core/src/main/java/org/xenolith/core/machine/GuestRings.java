package org.xenolith.core.machine;

import org.xenolith.core.domain.Domain;
import org.xenolith.core.mm.TlbShootdown;
import org.xenolith.core.snapshot.Description;
import org.xenolith.core.snapshot.DomainSnapshot;
import org.xenolith.core.snapshot.SnapshotException;
import org.xenolith.core.xenstore.DomainTree;
import org.xenolith.core.xenstore.Xenstore;
import org.xenolith.cpu.mmu.MachineMemory;
import org.xenolith.cpu.mmu.Ram;

/**
 * The two rings that every guest starts with, to xenstore and to its console: where they are, and
 * who serves them.
 *
 * <p>They move only while the guest stands.
 */
final class GuestRings {
    // Ports are handed out in order: the store's is 1, the console's 2, as Xen's tools do it.
    static final int STORE_PORT = 1;
    static final int CONSOLE_PORT = 2;

    // Grants that Xen's tools make before the guest runs. public/grant_table.h
    private static final int GRANT_CONSOLE = 0;
    private static final int GRANT_XENSTORE = 1;

    private final Domain domain;
    private final StorePort store;
    private final ConsolePort console;
    private Description.Rings places;

    private GuestRings(
            Domain domain, StorePort store, ConsolePort console, Description.Rings places) {
        this.domain = domain;
        this.store = store;
        this.console = console;
        this.places = places;
    }

    /** Those of a new guest, which has bound no port yet. */
    static GuestRings allocate(
            SharedConsole console, Domain domain, long storeMfn, long consoleMfn) {
        StorePort store = StorePort.allocate(domain, storeMfn, STORE_PORT);
        ConsolePort port = ConsolePort.allocate(console, domain, consoleMfn, CONSOLE_PORT);
        Description.Rings places =
                new Description.Rings(storeMfn, STORE_PORT, consoleMfn, CONSOLE_PORT);
        GuestRings made = new GuestRings(domain, store, port, places);
        made.grant();
        return made;
    }

    /**
     * Those of a restored guest, where they were.
     *
     * @throws SnapshotException when the guest, or xenstore, cannot have them
     */
    static GuestRings restore(
            SharedConsole console, Domain domain, Xenstore xenstore, DomainSnapshot snapshot)
            throws SnapshotException {
        Description.Rings places = snapshot.description().rings();
        ConsolePort port =
                ConsolePort.restore(console, domain, places.consoleMfn(), places.consolePort());
        StorePort store = StorePort.restore(xenstore, domain, snapshot);
        return new GuestRings(domain, store, port, places);
    }

    /**
     * Those of a guest that goes on in a new domain: empty, in the frames they had.
     *
     * @throws SnapshotException when it has given one of them away
     */
    static GuestRings renewed(SharedConsole console, Domain domain, Description.Rings old)
            throws SnapshotException {
        for (long mfn : new long[] {old.storeMfn(), old.consoleMfn()}) {
            long host = domain.frames().writableFrame(mfn, TlbShootdown.NONE);
            if (host == MachineMemory.NO_FRAME) {
                throw new SnapshotException("The guest has given the page of a ring away");
            }
            Ram.fill(host, Ram.PAGE_SIZE, 0);
        }
        return allocate(console, domain, old.storeMfn(), old.consoleMfn());
    }

    private void grant() {
        domain.grants().preset(GRANT_CONSOLE, 0, places.consoleMfn());
        domain.grants().preset(GRANT_XENSTORE, 0, places.storeMfn());
    }

    StorePort store() {
        return store;
    }

    ConsolePort console() {
        return console;
    }

    Description.Rings places() {
        return places;
    }

    /** Where they will be for a guest that goes on as a new one: in the frames they had. */
    Description.Rings placesOfANewGuest() {
        return placesOfANewGuest(places);
    }

    static Description.Rings placesOfANewGuest(Description.Rings old) {
        return new Description.Rings(old.storeMfn(), STORE_PORT, old.consoleMfn(), CONSOLE_PORT);
    }

    /**
     * Makes them those of a new guest, at {@link #placesOfANewGuest}: empty, on ports of their own,
     * granted. The guest, which stands, has no ports and no grants now.
     */
    void renew(Xenstore xenstore) {
        places = placesOfANewGuest();
        store.reopen(xenstore, places.storePort());
        console.reopen(places.consolePort());
        grant();
    }

    /** What xenstore says of a guest whose rings these are. */
    DomainTree.Description describe(long targetKib, long maxKib) {
        return new DomainTree.Description(
                domain.id(),
                domain.name(),
                domain.uuid(),
                targetKib,
                maxKib,
                domain.vcpus().size(),
                places.storeMfn(),
                places.storePort(),
                places.consoleMfn(),
                places.consolePort());
    }
}

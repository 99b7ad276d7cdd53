package org.xenolith.core.machine;

import org.xenolith.core.backend.AttachedDevice;
import org.xenolith.core.snapshot.SnapshotException;
import org.xenolith.core.xenstore.DomainTree;
import org.xenolith.core.xenstore.Xenstore;

import java.util.List;
import java.util.Optional;

/**
 * The devices that a copy of a guest has to connect anew, since the guest had them connected when
 * it was copied. Until then the copy must not suspend itself: Linux 6.1 whose blkfront is told to
 * resume while it still does so from the last time fails, by a BUG_ON.
 */
final class Reconnects {
    /** Of a guest that is no copy. */
    static final Reconnects NONE = new Reconnects(null, List.of());

    /** XenbusStateConnected, public/io/xenbus.h. */
    private static final String CONNECTED = "4";

    private record Frontend(String type, int id, String statePath) {}

    private final Xenstore store;
    private final List<Frontend> awaited;

    private Reconnects(Xenstore store, List<Frontend> awaited) {
        this.store = store;
        this.awaited = awaited;
    }

    /**
     * @param copy which has its devices
     * @param original that stands still
     */
    static Reconnects of(Xenstore store, Guest copy, Guest original) {
        List<Frontend> both =
                copy.devices().devices().stream()
                        .map(AttachedDevice::device)
                        .filter(
                                device ->
                                        isConnected(
                                                store, original.id(), device.type(), device.id()))
                        .map(
                                device ->
                                        new Frontend(
                                                device.type(),
                                                device.id(),
                                                state(copy.id(), device.type(), device.id())))
                        .toList();
        return new Reconnects(store, both);
    }

    private static boolean isConnected(Xenstore store, int domid, String type, int id) {
        return store.read(state(domid, type, id)).equals(Optional.of(CONNECTED));
    }

    private static String state(int domid, String type, int id) {
        return DomainTree.frontendPath(domid, type, id) + "/state";
    }

    /**
     * @throws SnapshotException when a driver is not there yet; a device that has gone meanwhile is
     *     not waited for
     */
    void requireDone() throws SnapshotException {
        for (Frontend each : awaited) {
            if (!store.read(each.statePath()).orElse(CONNECTED).equals(CONNECTED)) {
                throw new SnapshotException(
                        "The guest has begun as a copy and its kernel has not connected %s %d again yet"
                                .formatted(each.type(), each.id()));
            }
        }
    }
}

package org.xenolith.core.machine;

import org.xenolith.core.domain.Domain;
import org.xenolith.core.saved.SavedGuest;
import org.xenolith.core.snapshot.SnapshotException;
import org.xenolith.core.snapshot.SnapshotWriter;
import org.xenolith.core.xenstore.Xenstore;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;

/**
 * Saves a guest to a file: holds it and its devices still meanwhile, and lets them go on if that is
 * how it is to end, or if it fails.
 *
 * <p>Called with the guest locked, so that nobody else unpauses it meanwhile.
 */
final class GuestSave {
    /** How long disks may take to end what they do before a save is given up. */
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    private final Guest guest;
    private final Domain domain;
    private final Xenstore store;
    private final GuestRings rings;
    private final SaveTarget target;

    GuestSave(Guest guest, Xenstore store, GuestRings rings, SaveTarget target) {
        this.guest = guest;
        this.domain = guest.domain();
        this.store = store;
        this.rings = rings;
        this.target = target;
    }

    /** As {@link Guest#save}. */
    void save(Path file) throws IOException {
        boolean ran = !domain.isPaused();
        try {
            write(file);
            guest.devices().resume();
        } finally {
            if (ran) {
                guest.unpause();
            }
        }
    }

    /** As {@link Guest#savePaused}. */
    void savePaused(Path file) throws IOException {
        saveLast(file);
        guest.devices().resume();
    }

    /** Saves the guest and leaves it paused, its devices standing by; it goes on if that fails. */
    void saveLast(Path file) throws IOException {
        boolean ran = !domain.isPaused();
        boolean saved = false;
        try {
            write(file);
            saved = true;
        } finally {
            if (!saved && ran) {
                guest.unpause();
            }
        }
    }

    /** Leaves the domain paused, and if all went well its devices standing by. */
    private void write(Path file) throws IOException {
        target.require(file);
        if (guest.standsForCopies()) {
            throw new SnapshotException("A guest that is being copied cannot be saved now");
        }
        guest.requireNoShares("saved");
        guest.standStill();
        if (domain.hasEnded()) {
            throw new SnapshotException("A guest that has ended cannot be saved");
        }
        SavedGuest configuration = SavedGuest.of(guest.configuration());
        guest.devices().standBy(PATIENCE);
        boolean written = false;
        try {
            guest.devices().settleDisks();
            SnapshotWriter.save(
                    file,
                    domain,
                    rings.places(),
                    store,
                    rings.store().connection(),
                    configuration.withDiskFiles().withNatAddresses(guest.natAddresses()).toText());
            written = true;
        } finally {
            if (!written) {
                guest.devices().resume();
            }
        }
    }
}

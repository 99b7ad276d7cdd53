package org.xenolith.core.machine;

import org.xenolith.core.domain.Domain;
import org.xenolith.core.mm.TlbShootdown;
import org.xenolith.core.snapshot.SnapshotException;
import org.xenolith.cpu.mmu.MachineMemory;
import org.xenolith.cpu.mmu.Ram;

import java.lang.foreign.MemorySegment;

/** What the two rings of every guest's start have in common. */
final class GuestPage {
    private GuestPage() {}

    /** A page of the guest that stays where it is as long as the guest lives. */
    static MemorySegment pin(Domain domain, long mfn) {
        return Ram.SEGMENT.asSlice(domain.pin(mfn, TlbShootdown.NONE), Ram.PAGE_SIZE);
    }

    /**
     * @throws SnapshotException when a restored guest has no such page
     */
    static MemorySegment pinRestored(Domain domain, long mfn) throws SnapshotException {
        long host = domain.pin(mfn, TlbShootdown.NONE);
        if (host == MachineMemory.NO_FRAME) {
            throw SnapshotException.damaged("a ring lies in no frame for it");
        }
        return Ram.SEGMENT.asSlice(host, Ram.PAGE_SIZE);
    }

    /**
     * @throws SnapshotException when a restored guest has no such channel
     */
    static void bindRestored(Domain domain, int port, Runnable backend) throws SnapshotException {
        if (!domain.events().bindBackend(port, backend)) {
            throw SnapshotException.damaged("port %d leads to no ring".formatted(port));
        }
    }

    static void expectPort(int port, int expected) {
        if (port != expected) {
            throw new IllegalStateException("port %d instead of %d".formatted(port, expected));
        }
    }
}

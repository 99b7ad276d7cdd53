package org.xenolith.core.machine;

import org.xenolith.core.domain.Domain;
import org.xenolith.core.mm.TlbShootdown;
import org.xenolith.cpu.mmu.Ram;

import java.lang.foreign.MemorySegment;

/** What the two rings of every guest's start have in common. */
final class GuestPage {
    private GuestPage() {}

    /** A page of the guest that stays where it is as long as the guest lives. */
    static MemorySegment pin(Domain domain, long mfn) {
        return Ram.SEGMENT.asSlice(domain.pin(mfn, TlbShootdown.NONE), Ram.PAGE_SIZE);
    }

    static void expectPort(int port, int expected) {
        if (port != expected) {
            throw new IllegalStateException("port %d instead of %d".formatted(port, expected));
        }
    }
}

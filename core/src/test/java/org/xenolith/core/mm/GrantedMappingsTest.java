package org.xenolith.core.mm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.xenolith.core.mm.TestDomain.RO;
import static org.xenolith.core.mm.TestDomain.entry;

import org.junit.jupiter.api.Test;
import org.xenolith.cpu.mmu.Pte;
import org.xenolith.cpu.mmu.Ram;

class GrantedMappingsTest {
    private static final int SLOT = 200;
    private static final long VADDR = SLOT << Ram.PAGE_SHIFT;

    private final FramePool pool = TestMemory.freshPool(32 << 20);
    private final TestDomain domain = new TestDomain(TestMemory.freshFrames(pool, 1024));
    private final FrameTable frames = domain.frames;
    private final GrantedMappings granted = new GrantedMappings(domain.types);
    private final TlbShootdown tlb = domain.vcpu.tlb();

    /** A frame of another domain, and where this one sees it. */
    private final long hostBase = pool.allocate();

    private final long mfn = frames.grantWindow().add(hostBase, false);

    private long entryMaddr(int slot) {
        return (domain.l1 << Ram.PAGE_SHIFT) + slot * 8L;
    }

    @Test
    void mappedFrameIsSeenByTheGuestAndHeld() {
        assertThat(granted.map(entryMaddr(SLOT), mfn, true, tlb)).isTrue();
        domain.vcpu.mmu().write64(VADDR, 42);
        assertThat(Ram.getLong(hostBase)).isEqualTo(42);
        assertThat(frames.references(mfn)).isEqualTo(2);
        assertThat(frames.typeCount(mfn)).isEqualTo(1);
        assertThat(granted.unmap(entryMaddr(SLOT), mfn, tlb)).isTrue();
        assertThat(domain.get(domain.l1, SLOT)).isZero();
        assertThat(frames.references(mfn)).isEqualTo(1);
        assertThat(frames.typeCount(mfn)).isZero();
        assertThat(domain.vcpu.mmu().pte(VADDR)).isZero();
    }

    @Test
    void frameMappedForReadingIsNotWritable() {
        assertThat(granted.map(entryMaddr(SLOT), mfn, false, tlb)).isTrue();
        assertThat(domain.get(domain.l1, SLOT) & (Pte.PRESENT | Pte.WRITABLE | Pte.USER))
                .isEqualTo(Pte.PRESENT | Pte.USER);
        assertThat(frames.typeCount(mfn)).isZero();
    }

    @Test
    void mappingGivesBackWhatStoodThere() {
        assertThat(domain.update(domain.l1, SLOT, entry(domain.pages[9], RO))).isZero();
        assertThat(granted.map(entryMaddr(SLOT), mfn, true, tlb)).isTrue();
        assertThat(frames.references(domain.pages[9])).isEqualTo(2);
    }

    @Test
    void whatIsNoEntryOfAnL1TableIsRefusedAndHoldsNothing() {
        long inL2 = (domain.l2 << Ram.PAGE_SHIFT) + SLOT * 8L;
        long inPage = domain.pages[9] << Ram.PAGE_SHIFT;
        for (long maddr : new long[] {0, -8, inL2, inPage, entryMaddr(SLOT) + 4}) {
            assertThat(granted.map(maddr, mfn, true, tlb)).as("%#x", maddr).isFalse();
        }
        assertThat(frames.references(mfn)).isEqualTo(1);
        assertThat(granted.map(entryMaddr(SLOT), mfn + 1, true, tlb)).as("no frame").isFalse();
    }

    @Test
    void entryThatTheGuestHasTakenSinceIsLeftAlone() {
        assertThat(granted.map(entryMaddr(SLOT), mfn, true, tlb)).isTrue();
        assertThat(domain.update(domain.l1, SLOT, entry(domain.pages[9], RO))).isZero();
        assertThat(granted.unmap(entryMaddr(SLOT), mfn, tlb)).isTrue();
        assertThat(domain.get(domain.l1, SLOT)).isEqualTo(entry(domain.pages[9], RO));
    }

    @Test
    void frameThatIsStillMappedElsewhereIsTold() {
        assertThat(granted.map(entryMaddr(SLOT), mfn, true, tlb)).isTrue();
        assertThat(granted.unmap(entryMaddr(SLOT + 1), mfn, tlb)).isFalse();
        assertThat(granted.unmap(0, mfn, tlb)).isFalse();
        assertThat(granted.unmap(entryMaddr(SLOT), mfn, tlb)).isTrue();
    }
}

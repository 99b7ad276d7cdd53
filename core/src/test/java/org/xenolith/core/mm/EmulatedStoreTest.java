package org.xenolith.core.mm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.xenolith.core.mm.TestDomain.RO;
import static org.xenolith.core.mm.TestDomain.RW;
import static org.xenolith.core.mm.TestDomain.entry;

import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.xenolith.cpu.GuestFault;
import org.xenolith.cpu.mmu.Mmu;
import org.xenolith.cpu.mmu.Pte;

/** A guest stores into page tables through its read-only mapping of them. */
class EmulatedStoreTest {
    private static final long L2_MAPPED = (TestDomain.TABLES_SLOT + 2L) << 12;
    private static final long L1_MAPPED = (TestDomain.TABLES_SLOT + 3L) << 12;

    private final TestDomain domain = new TestDomain();
    private final Mmu mmu = domain.vcpu.mmu();

    private static long l1(int slot) {
        return L1_MAPPED + slot * 8L;
    }

    private static void assertFaults(long vaddr, ThrowingCallable store) {
        assertThatThrownBy(store)
                .isInstanceOfSatisfying(
                        GuestFault.class,
                        fault -> {
                            assertThat(fault.address()).isEqualTo(vaddr);
                            assertThat(fault.errorCode())
                                    .isEqualTo(GuestFault.PF_PRESENT | GuestFault.PF_WRITE);
                        });
    }

    @Test
    void storeIntoAnL1TableIsValidatedAndPerformed() {
        mmu.write64(l1(200), entry(domain.pages[9], RW));
        assertThat(domain.get(domain.l1, 200)).isEqualTo(entry(domain.pages[9], RW));
        assertThat(domain.frames.typeCount(domain.pages[9])).isEqualTo(2);
        mmu.write64(200L << 12, 77);
        assertThat(mmu.read64(9L << 12)).isEqualTo(77);
        mmu.write64(l1(200), 0);
        assertThat(domain.frames.typeCount(domain.pages[9])).isEqualTo(1);
        assertThatThrownBy(() -> mmu.read64(200L << 12)).isInstanceOf(GuestFault.class);
    }

    @Test
    void refusedStoreIsThePageFaultOfTheStore() {
        assertFaults(l1(200), () -> mmu.write64(l1(200), entry(domain.l1, RW)));
        assertFaults(l1(200), () -> mmu.write64(l1(200), entry(domain.frames.limitMfn(), RO)));
        assertThat(domain.get(domain.l1, 200)).isZero();
    }

    @Test
    void storeIntoAnUpperTableIsAPageFault() {
        assertFaults(L2_MAPPED, () -> mmu.write64(L2_MAPPED, 0));
    }

    @Test
    void storeOfOneBytePartOfAnEntryIsValidatedAsAWhole() {
        mmu.write64(l1(200), entry(domain.pages[9], RO));
        mmu.write8(l1(200), (int) RW);
        assertThat(domain.get(domain.l1, 200)).isEqualTo(entry(domain.pages[9], RW));
        assertThat(domain.frames.typeCount(domain.pages[9])).isEqualTo(2);
        mmu.write32(l1(200), 0);
        assertThat(domain.get(domain.l1, 200) & 0xffff_ffffL).isZero();
        assertThat(domain.frames.typeCount(domain.pages[9])).isEqualTo(1);
    }

    @Test
    void unalignedStoreIsAPageFault() {
        assertFaults(l1(200) + 2, () -> mmu.write32(l1(200) + 2, 0));
        assertFaults(l1(200) + 4, () -> mmu.write64(l1(200) + 4, 0));
    }

    @Test
    void compareAndSetChangesOnlyWhatWasExpected() {
        long old = domain.get(domain.l1, 9);
        long cleared = old & ~Pte.WRITABLE;
        assertThat(mmu.compareAndSetPageTable(l1(9), 8, old ^ 1 << 9, cleared)).isFalse();
        assertThat(domain.get(domain.l1, 9)).isEqualTo(old);
        assertThat(mmu.compareAndSetPageTable(l1(9), 8, old, cleared)).isTrue();
        assertThat(domain.get(domain.l1, 9)).isEqualTo(cleared);
        assertThat(domain.frames.typeCount(domain.pages[9])).isZero();
        assertFaults(9 << 12, () -> mmu.write8(9 << 12, 1));
    }

    @Test
    void refusedCompareAndSetIsAPageFault() {
        long old = domain.get(domain.l1, 9);
        assertFaults(l1(9), () -> mmu.compareAndSetPageTable(l1(9), 8, old, entry(domain.l2, RW)));
        assertThat(domain.get(domain.l1, 9)).isEqualTo(old);
        assertThat(domain.frames.typeCount(domain.pages[9])).isEqualTo(1);
    }

    @Test
    void clearedAccessedBitIsSetAgainByTheNextAccess() {
        mmu.read8(9 << 12);
        mmu.write64(l1(9), domain.get(domain.l1, 9) & ~(Pte.ACCESSED | Pte.DIRTY));
        mmu.read8(9 << 12);
        assertThat(domain.get(domain.l1, 9) & (Pte.ACCESSED | Pte.DIRTY)).isEqualTo(Pte.ACCESSED);
        mmu.write8(9 << 12, 1);
        assertThat(domain.get(domain.l1, 9) & Pte.DIRTY).isEqualTo(Pte.DIRTY);
    }
}

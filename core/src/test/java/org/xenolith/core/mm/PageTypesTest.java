package org.xenolith.core.mm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.xenolith.core.abi.XenErrno.EBUSY;
import static org.xenolith.core.abi.XenErrno.EINVAL;
import static org.xenolith.core.abi.XenErrno.EPERM;
import static org.xenolith.core.mm.TestDomain.RO;
import static org.xenolith.core.mm.TestDomain.RW;
import static org.xenolith.core.mm.TestDomain.TABLE;
import static org.xenolith.core.mm.TestDomain.entry;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.xenolith.core.abi.MmuExtOp;
import org.xenolith.cpu.GuestFault;
import org.xenolith.cpu.mmu.Pte;

import java.lang.reflect.Proxy;

class PageTypesTest {
    private static final int FREE_SLOT = 200;

    private final TestDomain domain = new TestDomain();
    private final FrameTable frames = domain.frames;

    private long pin(int level, long mfn) {
        return domain.extOp(MmuExtOp.PIN_L1_TABLE + level - 1, mfn, 0);
    }

    private long unpin(long mfn) {
        return domain.extOp(MmuExtOp.UNPIN_TABLE, mfn, 0);
    }

    @Test
    void pinningARootTypesEveryTableBelow() {
        assertThat(frames.type(domain.l4)).isEqualTo(FrameType.L4_TABLE);
        assertThat(frames.typeCount(domain.l4)).as("pin and CR3").isEqualTo(2);
        assertThat(frames.type(domain.l3)).isEqualTo(FrameType.L3_TABLE);
        assertThat(frames.type(domain.l2)).isEqualTo(FrameType.L2_TABLE);
        assertThat(frames.type(domain.l1)).isEqualTo(FrameType.L1_TABLE);
        assertThat(frames.typeCount(domain.l1)).isEqualTo(1);
        assertThat(frames.type(domain.pages[0])).isEqualTo(FrameType.WRITABLE);
        assertThat(frames.references(domain.pages[0])).as("reservation and mapping").isEqualTo(2);
    }

    @Test
    void writableMappingOfAPageTableIsRefused() {
        for (long table : new long[] {domain.l4, domain.l3, domain.l2, domain.l1}) {
            assertThat(domain.update(domain.l1, FREE_SLOT, entry(table, RW))).isEqualTo(-EBUSY);
            assertThat(domain.get(domain.l1, FREE_SLOT)).isZero();
            assertThat(domain.update(domain.l1, FREE_SLOT, entry(table, RO))).isZero();
            assertThat(domain.update(domain.l1, FREE_SLOT, 0)).isZero();
        }
    }

    @Test
    void frameWithAWritableMappingCannotBecomeAPageTable() {
        for (int level = 1; level <= 4; level++) {
            assertThat(pin(level, domain.pages[3])).isEqualTo(-EINVAL);
        }
        assertThat(domain.update(domain.l1, 3, entry(domain.pages[3], RO))).isZero();
        assertThat(pin(1, domain.pages[3])).isZero();
        assertThat(domain.update(domain.l1, 3, entry(domain.pages[3], RW))).isEqualTo(-EBUSY);
        assertThat(unpin(domain.pages[3])).isZero();
        assertThat(domain.update(domain.l1, 3, entry(domain.pages[3], RW))).isZero();
    }

    /** Siblings that map the frame and unmap it, over and over, until they are stopped. */
    private static final class BusySiblings {
        int rounds;
        boolean stand;

        TlbShootdown tlb() {
            return (TlbShootdown)
                    Proxy.newProxyInstance(
                            TlbShootdown.class.getClassLoader(),
                            new Class<?>[] {TlbShootdown.class},
                            (_, method, _) -> answer(method.getName()));
        }

        private Object answer(String method) {
            switch (method) {
                case "stopSiblings" -> stand = true;
                case "letSiblingsGo" -> stand = false;
                case "awaitSettled" -> assertThat(++rounds).isLessThan(10_000);
                default -> {}
            }
            return switch (method) {
                case "stamp" -> 1L;
                case "isSettled" -> stand;
                default -> null;
            };
        }
    }

    @Test
    void siblingsThatMapAFrameAllTheTimeDoNotKeepItFromBecomingATable() {
        BusySiblings siblings = new BusySiblings();
        TlbShootdown tlb = siblings.tlb();
        long mfn = domain.page();
        assertThat(domain.types.acquire(mfn, FrameType.WRITABLE, tlb)).isZero();
        domain.types.release(mfn, tlb);
        assertThat(domain.types.pinTable(mfn, FrameType.L1_TABLE, tlb)).isZero();
        assertThat(siblings.rounds).as("they are stopped only if they must").isGreaterThan(10);
        assertThat(siblings.stand).as("and let go").isFalse();
    }

    @Test
    void tableInUseAtOneLevelIsRefusedAtAnother() {
        assertThat(pin(2, domain.l1)).isEqualTo(-EINVAL);
        assertThat(pin(1, domain.l2)).isEqualTo(-EINVAL);
        assertThat(domain.update(domain.l3, 5, entry(domain.l1, TABLE))).isEqualTo(-EINVAL);
        assertThat(domain.update(domain.l4, 5, entry(domain.l4, TABLE)))
                .as("linear page table")
                .isEqualTo(-EINVAL);
    }

    @Test
    void pinningTwiceAndUnpinningWhatIsNotPinnedIsRefused() {
        assertThat(pin(4, domain.l4)).isEqualTo(-EINVAL);
        assertThat(frames.typeCount(domain.l4)).isEqualTo(2);
        assertThat(unpin(domain.l1)).isEqualTo(-EINVAL);
        assertThat(unpin(frames.limitMfn() + 5)).isEqualTo(-EINVAL);
        assertThat(unpin(-1)).isEqualTo(-EINVAL);
        assertThat(pin(1, -1)).isEqualTo(-EINVAL);
    }

    @Test
    void unpinningTheLastUseLetsEverythingGo() {
        long root = domain.page();
        long l3 = domain.page();
        domain.set(root, 3, entry(l3, TABLE));
        assertThat(pin(4, root)).isZero();
        assertThat(frames.typeCount(l3)).isEqualTo(1);
        assertThat(unpin(root)).isZero();
        assertThat(frames.typeCount(root)).isZero();
        assertThat(frames.typeCount(l3)).isZero();
        assertThat(frames.references(l3)).isEqualTo(1);
    }

    @Test
    void failedValidationLeavesAllCountsAsTheyWere() {
        long table = domain.page();
        long shared = domain.pages[5];
        for (int slot = 0; slot < 100; slot++) {
            domain.set(table, slot, entry(shared, RW));
        }
        domain.set(table, 100, entry(domain.l4, RW));
        assertThat(pin(1, table)).isEqualTo(-EBUSY);
        assertThat(frames.typeCount(shared)).isEqualTo(1);
        assertThat(frames.references(shared)).isEqualTo(2);
        assertThat(frames.typeCount(table)).isZero();
        assertThat(frames.references(table)).isEqualTo(1);
    }

    @Test
    void flagsThatXenKeepsForItselfAreRefused() {
        long page = domain.pages[5];
        for (long flag : new long[] {Pte.PAGE_SIZE, Pte.CACHE_DISABLE, Pte.WRITE_THROUGH}) {
            assertThat(domain.update(domain.l1, FREE_SLOT, entry(page, RO | flag)))
                    .isEqualTo(-EINVAL);
            assertThat(domain.update(domain.l2, 0, entry(domain.l1, TABLE | flag)))
                    .isEqualTo(-EINVAL);
            assertThat(domain.update(domain.l3, 0, entry(domain.l2, TABLE | flag)))
                    .isEqualTo(-EINVAL);
            assertThat(domain.update(domain.l4, 0, entry(domain.l3, TABLE | flag)))
                    .isEqualTo(-EINVAL);
        }
        assertThat(domain.update(domain.l2, 0, entry(domain.l1, TABLE | Pte.GLOBAL)))
                .isEqualTo(-EINVAL);
        assertThat(domain.update(domain.l1, FREE_SLOT, entry(page, RO | Pte.GLOBAL)))
                .as("only an L1 entry may be global")
                .isZero();
    }

    @ParameterizedTest
    @ValueSource(ints = {256, 257, 263, 271})
    void rootSlotsOfTheHypervisorCannotBeTouched(int slot) {
        assertThat(domain.update(domain.l4, slot, entry(domain.l3, TABLE))).isEqualTo(-EINVAL);
        assertThat(domain.update(domain.l4, slot, 0)).isEqualTo(-EINVAL);
    }

    @ParameterizedTest
    @ValueSource(ints = {255, 272})
    void rootSlotsBesideThoseOfTheHypervisorAreTheGuests(int slot) {
        assertThat(domain.update(domain.l4, slot, entry(domain.l3, TABLE))).isZero();
        assertThat(domain.update(domain.l4, slot, 0)).isZero();
        assertThat(frames.typeCount(domain.l3)).isEqualTo(1);
    }

    @Test
    void framesThatAreNotTheGuestsAreRefusedAsByXen() {
        long m2p = Pte.mfn(frames.machineToPhysical().hypervisorEntry(256));
        long unused = FrameTable.RAM_BASE + 1000;
        long beyond = frames.limitMfn();
        long allOnes = Pte.mfn(Pte.FRAME_MASK);
        assertThat(domain.update(domain.l1, FREE_SLOT, entry(m2p, RO))).isEqualTo(-EBUSY);
        assertThat(domain.update(domain.l1, FREE_SLOT, entry(unused, RO))).isEqualTo(-EBUSY);
        assertThat(domain.update(domain.l1, FREE_SLOT, entry(1, RO))).isEqualTo(-EBUSY);
        assertThat(domain.update(domain.l1, FREE_SLOT, entry(beyond, RO))).isEqualTo(-EPERM);
        assertThat(domain.update(domain.l1, FREE_SLOT, entry(allOnes, RO))).isEqualTo(-EINVAL);
        assertThat(domain.update(domain.l2, FREE_SLOT, entry(beyond, TABLE))).isEqualTo(-EINVAL);
        assertThat(domain.update(domain.l2, FREE_SLOT, entry(m2p, TABLE))).isEqualTo(-EINVAL);
    }

    @Test
    void frameSharedByTheHypervisorMayBeMappedButNeverBeATable() throws Exception {
        long shared = frames.xenFrames().add();
        assertThat(domain.update(domain.l1, FREE_SLOT, entry(shared, RW))).isZero();
        domain.vcpu.mmu().write64((long) FREE_SLOT << 12, 42);
        assertThat(domain.get(shared, 0)).isEqualTo(42);
        assertThat(domain.update(domain.l1, FREE_SLOT, 0)).isZero();
        assertThat(pin(1, shared)).isEqualTo(-EINVAL);
    }

    @Test
    void changedMappingIsSeenAtOnce() {
        long vaddr = 10L << 12;
        domain.set(domain.pages[11], 0, 11);
        assertThat(domain.vcpu.mmu().read64(vaddr)).isZero();
        assertThat(domain.update(domain.l1, 10, entry(domain.pages[11], RW))).isZero();
        assertThat(domain.vcpu.mmu().read64(vaddr)).isEqualTo(11);
    }

    @Test
    void changeInATableLinkedTwiceIsSeenAtBothPlaces() {
        assertThat(domain.update(domain.l2, 7, entry(domain.l1, TABLE))).isZero();
        long first = 10L << 12;
        long second = (7L << 21) + first;
        domain.set(domain.pages[11], 0, 11);
        assertThat(domain.vcpu.mmu().read64(first)).isZero();
        assertThat(domain.vcpu.mmu().read64(second)).isZero();
        assertThat(domain.update(domain.l1, 10, entry(domain.pages[11], RW))).isZero();
        assertThat(domain.vcpu.mmu().read64(first)).isEqualTo(11);
        assertThat(domain.vcpu.mmu().read64(second)).isEqualTo(11);
    }

    @Test
    void tableMovedFromOnePlaceToAnotherIsFollowed() {
        long table = domain.page();
        domain.set(table, 1, entry(domain.pages[20], RW));
        domain.set(domain.pages[21], 0, 21);
        assertThat(domain.update(domain.l2, 3, entry(table, TABLE))).isZero();
        assertThat(domain.vcpu.mmu().read64((3L << 21) + 0x1000)).isZero();
        assertThat(domain.update(domain.l2, 4, entry(table, TABLE))).isZero();
        assertThat(domain.update(domain.l2, 3, 0)).isZero();
        assertThat(domain.vcpu.mmu().read64((4L << 21) + 0x1000)).isZero();
        assertThat(domain.update(table, 1, entry(domain.pages[21], RW))).isZero();
        assertThat(domain.vcpu.mmu().read64((4L << 21) + 0x1000)).isEqualTo(21);
    }

    @Test
    void clearedUpperEntryUnmapsWhatIsBelow() {
        long table = domain.page();
        domain.set(table, 1, entry(domain.pages[20], RW));
        assertThat(domain.update(domain.l2, 3, entry(table, TABLE))).isZero();
        long vaddr = (3L << 21) + 0x1000;
        domain.vcpu.mmu().write64(vaddr, 1);
        assertThat(domain.update(domain.l2, 3, 0)).isZero();
        assertThat(domain.vcpu.mmu().pte(vaddr)).isZero();
        assertThatThrownBy(() -> domain.vcpu.mmu().read64(vaddr)).isInstanceOf(GuestFault.class);
    }

    @Test
    void typeChangeWaitsUntilSiblingsHaveDroppedTheirWriteMappings() {
        TestDomain.Vcpu sibling = domain.addVcpu();
        sibling.tlb().enter();
        long page = domain.pages[3];
        sibling.mmu().write64(0x3000, 1); // a write tag that the sibling keeps until it drains
        assertThat(domain.update(domain.l1, 3, entry(page, RO))).isZero();

        domain.frames.lock.lock();
        try {
            assertThat(domain.types.pin(page, 1, domain.vcpu.tlb()))
                    .isEqualTo(PageTypes.NOT_SETTLED);
        } finally {
            domain.frames.lock.unlock();
        }
        assertThat(frames.typeCount(page)).isZero();
        sibling.tlb().pollPoint();
        domain.set(page, 0, 0);
        assertThat(pin(1, page)).isZero();
        assertThatThrownBy(() -> sibling.mmu().write64(0x3000, entry(domain.l4, RW)))
                .as("a stale write tag would let this pass unchecked")
                .isInstanceOf(GuestFault.class);
    }
}

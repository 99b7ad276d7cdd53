package org.xenolith.core.mm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.xenolith.core.mm.TestDomain.RO;
import static org.xenolith.core.mm.TestDomain.RW;
import static org.xenolith.core.mm.TestDomain.TABLE;
import static org.xenolith.core.mm.TestDomain.entry;

import org.junit.jupiter.api.Test;
import org.xenolith.cpu.GuestFault;
import org.xenolith.cpu.mmu.MachineMemory;
import org.xenolith.cpu.mmu.Mmu;
import org.xenolith.cpu.mmu.Ram;
import org.xenolith.cpu.mmu.StoreWatch;

/**
 * Page tables change under the walk of a sibling, which stands between two of its loads for as long
 * as the test wants.
 */
class WalkedTablesTest {
    /** The first page behind an L1 table of its own. */
    private static final long WALKED = 0x20_0000;

    private static final long WINDOW = 200L << Ram.PAGE_SHIFT;
    private static final int WINDOW_SLOT = 200;

    private final TestDomain domain = new TestDomain();
    private final long table = domain.page();
    private final long page = domain.page();
    private final InterruptedMemory memory = new InterruptedMemory(new VcpuMemory(domain.types));
    private final Mmu walker = new Mmu(memory, StoreWatch.NONE);
    private final VcpuTlbs.VcpuTlb walkersTlb;

    WalkedTablesTest() {
        domain.set(table, 0, entry(page, RW));
        assertThat(domain.update(domain.l2, 1, entry(table, TABLE))).isZero();
        walkersTlb = domain.frames.tlbs().register(1, walker, () -> {});
        walker.setRoot(domain.l4);
        walkersTlb.enter();
    }

    /** Lets a sibling run before a frame is looked up, once. */
    private static final class InterruptedMemory implements MachineMemory {
        private final MachineMemory memory;
        private long mfn = -1;
        private Runnable sibling;

        InterruptedMemory(MachineMemory memory) {
            this.memory = memory;
        }

        void before(long lookedUp, Runnable action) {
            mfn = lookedUp;
            sibling = action;
        }

        @Override
        public long frame(long lookedUp) {
            long base = memory.frame(lookedUp);
            interrupt(lookedUp);
            return base;
        }

        @Override
        public long writableFrame(long lookedUp) {
            interrupt(lookedUp);
            return memory.writableFrame(lookedUp);
        }

        private void interrupt(long lookedUp) {
            if (lookedUp == mfn) {
                mfn = -1;
                sibling.run();
            }
        }

        @Override
        public boolean isLeafTable(long tableMfn) {
            return memory.isLeafTable(tableMfn);
        }

        @Override
        public long hypervisorEntry(int slot) {
            return memory.hypervisorEntry(slot);
        }

        @Override
        public boolean emulatesStores(long tableMfn) {
            return memory.emulatesStores(tableMfn);
        }

        @Override
        public boolean emulateStore(long maddr, int size, long value) {
            return memory.emulateStore(maddr, size, value);
        }

        @Override
        public CasResult emulateCompareAndSet(long maddr, int size, long expected, long value) {
            return memory.emulateCompareAndSet(maddr, size, expected, value);
        }
    }

    private void unlinkTable() {
        assertThat(domain.update(domain.l2, 1, 0)).isZero();
    }

    private int pin(long mfn) {
        domain.frames.lock.lock();
        try {
            return domain.types.pin(mfn, FrameType.L1_TABLE, domain.vcpu.tlb());
        } finally {
            domain.frames.lock.unlock();
        }
    }

    @Test
    void entryThatTheGuestForgedInAFormerTableLeadsNowhere() {
        long before = domain.get(domain.l4, 5);
        memory.before(
                table,
                () -> {
                    unlinkTable();
                    assertThat(domain.update(domain.l1, WINDOW_SLOT, entry(table, RW))).isZero();
                    domain.vcpu.mmu().write64(WINDOW, entry(domain.l4, RW));
                });
        assertThatThrownBy(() -> walker.write64(WALKED + 5 * 8, -1L))
                .isInstanceOf(GuestFault.class);
        assertThat(domain.get(domain.l4, 5)).as("an entry of the L4 table").isEqualTo(before);
    }

    @Test
    void entryThatWasChangedBeforeItsFrameWasLookedUpIsReadAgain() {
        long other = domain.page();
        memory.before(page, () -> assertThat(domain.update(table, 0, entry(other, RW))).isZero());
        walker.write64(WALKED, 42);
        assertThat(Ram.getLong(domain.frames.frame(page))).isZero();
        assertThat(Ram.getLong(domain.frames.frame(other))).isEqualTo(42);
    }

    @Test
    void frameWithTheNumberOfAFreedOneIsNoTableUntilSiblingsHavePolled() {
        long[] again = {0};
        memory.before(
                page,
                () -> {
                    assertThat(domain.update(table, 0, 0)).isZero();
                    domain.frames.lock.lock();
                    MemoryReservation reservation = domain.frames.reservation();
                    assertThat(reservation.decrease(page, domain.vcpu.tlb())).isTrue();
                    domain.frames.lock.unlock();
                    again[0] = domain.page();
                    assertThat(again[0]).as("the same number").isEqualTo(page);
                    assertThat(pin(page)).isEqualTo(PageTypes.NOT_SETTLED);
                });
        assertThatThrownBy(() -> walker.write64(WALKED, -1)).isInstanceOf(GuestFault.class);
        walkersTlb.pollPoint();
        assertThat(pin(page)).isZero();
    }

    @Test
    void formerTableIsNoTableAgainUntilSiblingsHavePolled() {
        unlinkTable();
        assertThat(pin(table)).isEqualTo(PageTypes.NOT_SETTLED);
        walkersTlb.pollPoint();
        assertThat(pin(table)).isZero();
    }

    @Test
    void frameOfNoTypeThatWasWrittenToIsNoTableUntilSiblingsHavePolled() {
        long untyped = domain.page();
        assertThat(domain.update(untyped, 3, entry(page, RO))).isZero();
        assertThat(pin(untyped)).isEqualTo(PageTypes.NOT_SETTLED);
        walkersTlb.pollPoint();
        assertThat(pin(untyped)).isZero();
    }
}

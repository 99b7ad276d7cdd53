package org.xenolith.core.mm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.xenolith.core.mm.TestDomain.RO;
import static org.xenolith.core.mm.TestDomain.RW;
import static org.xenolith.core.mm.TestDomain.entry;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.xenolith.core.abi.DomId;
import org.xenolith.core.abi.MmuExtOp;
import org.xenolith.core.parallel.HostThreads;
import org.xenolith.cpu.GuestFault;
import org.xenolith.cpu.mmu.Ram;

import java.util.SplittableRandom;

/** Four vCPUs change the same page tables at random, each on a host thread of its own. */
class ParallelPageTablesTest {
    private static final int VCPUS = 4;
    private static final int ROUNDS = 15_000;

    /** Pages that stay mapped where they are, and pages that now and then are L1 tables. */
    private static final int FIRST_DATA = 40, FIRST_TABLE = 48, TABLES = 4;

    /** Slots of the one L1 table that all of them fight for. */
    private static final int FIRST_SLOT = 120, SLOTS = 32;

    private final TestDomain domain = new TestDomain();
    private final TestDomain.Vcpu[] vcpus = new TestDomain.Vcpu[VCPUS];
    private final long[] own = new long[VCPUS];

    ParallelPageTablesTest() {
        for (int i = 0; i < VCPUS; i++) {
            vcpus[i] = i == 0 ? domain.vcpu : domain.addVcpu();
            own[i] = domain.page();
        }
        for (int i = 0; i < TABLES; i++) {
            assertThat(domain.update(domain.l1, FIRST_TABLE + i, 0)).isZero();
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void typesReferencesAndFramesAreRightAfterwards(long seed) {
        long free = domain.frames.pool().freeFrames();
        long pages = domain.frames.reservation().currentPages();
        HostThreads.Part[] parts = new HostThreads.Part[VCPUS];
        for (int i = 0; i < VCPUS; i++) {
            int id = i;
            parts[i] = () -> new Guest(id, seed).run();
            vcpus[i].tlb().enter();
        }
        HostThreads.together(parts);
        for (int slot = FIRST_SLOT; slot < FIRST_SLOT + SLOTS; slot++) {
            assertThat(domain.update(domain.l1, slot, 0)).isZero();
        }
        for (int i = 0; i < TABLES; i++) {
            domain.extOp(MmuExtOp.UNPIN_TABLE, domain.pages[FIRST_TABLE + i], 0);
            assertUses(FIRST_TABLE + i, 0, 1);
        }
        for (int i = FIRST_DATA; i < FIRST_TABLE; i++) {
            assertUses(i, 1, 2);
        }
        domain.frames.tlbs().reclaim();
        assertThat(domain.frames.reservation().currentPages()).isEqualTo(pages);
        assertThat(domain.frames.pool().freeFrames()).isEqualTo(free);
    }

    private void assertUses(int page, int uses, int references) {
        long mfn = domain.pages[page];
        assertThat(domain.frames.typeCount(mfn)).as("uses of page %d", page).isEqualTo(uses);
        assertThat(domain.frames.references(mfn)).as("of page %d", page).isEqualTo(references);
    }

    /** What one vCPU does. */
    private final class Guest {
        private final int id;
        private final TestDomain.Vcpu vcpu;
        private final long arguments;
        private final SplittableRandom random;

        Guest(int id, long seed) {
            this.id = id;
            vcpu = vcpus[id];
            arguments = TestDomain.ARGUMENTS + 0x1000L * id;
            random = new SplittableRandom(seed * VCPUS + id);
        }

        void run() {
            for (int round = 0; round < ROUNDS; round++) {
                step();
                vcpu.tlb().pollPoint();
            }
            vcpu.tlb().leave();
        }

        private void step() {
            int slot = FIRST_SLOT + random.nextInt(SLOTS);
            switch (random.nextInt(9)) {
                case 0, 1 -> update(slot, randomEntry());
                case 2 -> storeIntoTable(slot, randomEntry());
                case 3 -> store((long) slot << Ram.PAGE_SHIFT, entry(domain.pages[FIRST_DATA], RO));
                case 4 -> extOp(MmuExtOp.PIN_L1_TABLE, randomTable());
                case 5 -> extOp(MmuExtOp.UNPIN_TABLE, randomTable());
                case 6 -> exchangeOwnFrame();
                case 7 -> vcpu.tlb().flush(-1);
                default -> update(slot, 0);
            }
        }

        private long randomTable() {
            return domain.pages[FIRST_TABLE + random.nextInt(TABLES)];
        }

        private long randomEntry() {
            long mfn = domain.pages[FIRST_DATA + random.nextInt(FIRST_TABLE - FIRST_DATA + TABLES)];
            return random.nextInt(4) == 0 ? 0 : entry(mfn, random.nextBoolean() ? RW : RO);
        }

        /** May be refused: a page is writable, or a table. */
        private void update(int slot, long entry) {
            vcpu.mmu().write64(arguments, (domain.l1 << Ram.PAGE_SHIFT) + slot * 8L);
            vcpu.mmu().write64(arguments + 8, entry);
            domain.mmuUpdate.handle(vcpu, arguments, 1, 0, DomId.SELF);
        }

        private void storeIntoTable(int slot, long entry) {
            store((TestDomain.TABLES_SLOT + 3L << Ram.PAGE_SHIFT) + slot * 8L, entry);
        }

        private void store(long vaddr, long value) {
            try {
                vcpu.mmu().write64(vaddr, value);
            } catch (GuestFault refused) {
                assertThat(refused.address()).isEqualTo(vaddr);
            }
        }

        private void extOp(int command, long mfn) {
            vcpu.mmu().write32(arguments + MmuExtOp.CMD, command);
            vcpu.mmu().write64(arguments + MmuExtOp.ARG1, mfn);
            domain.mmuExtOps.handle(vcpu, arguments, 1, 0, DomId.SELF);
        }

        /** A frame goes back to the host and another one comes, often with the same number. */
        private void exchangeOwnFrame() {
            domain.frames.lock.lock();
            try {
                assertThat(domain.frames.reservation().decrease(own[id], vcpu.tlb())).isTrue();
            } finally {
                domain.frames.lock.unlock();
            }
            own[id] = domain.frames.reservation().populate(id);
            assertThat(Ram.getLong(domain.frames.frame(own[id]))).as("a fresh frame").isZero();
            Ram.putLong(domain.frames.frame(own[id]), -1);
        }
    }
}

package org.xenolith.core.mm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.xenolith.core.mm.TestDomain.RW;
import static org.xenolith.core.mm.TestDomain.TABLE;
import static org.xenolith.core.mm.TestDomain.entry;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.xenolith.core.abi.MmuExtOp;
import org.xenolith.core.parallel.HostThreads;
import org.xenolith.cpu.GuestFault;
import org.xenolith.cpu.mmu.Ram;

import java.util.HashMap;
import java.util.Map;
import java.util.SplittableRandom;

/**
 * Two vCPUs store wherever they can, while a third changes the tables of all levels that lead there
 * and makes tables of the pages. None of the stores ends in a page table.
 */
class ParallelRootsTest {
    private static final int ROUNDS = 1500;
    private static final int[] SLOTS = {1, 300};
    private static final long[] WINDOWS = {0, 0x20_0000, 0x4000_0000, 0x4020_0000};

    /** Entries of an L1 table, one for each place, so that no two pages share one of a TLB. */
    private static final int LEAVES = 4;

    private static final int TREES = 2;
    private static final int PAGES = 3;

    /** Stores between two poll points. */
    private static final int STORES = 8;

    private final TestDomain domain = new TestDomain();
    private final long[] roots = new long[3];
    private final long[] pages = new long[PAGES];

    /** For each tree an L3, an L2 and two L1 tables. */
    private final long[][] trees = new long[TREES][4];

    private volatile boolean over;

    ParallelRootsTest() {
        for (int i = 0; i < roots.length; i++) {
            roots[i] = domain.page();
            domain.set(roots[i], 0, entry(domain.l3, TABLE));
            domain.pin(roots[i], FrameType.L4_TABLE);
        }
        for (int i = 0; i < PAGES; i++) {
            pages[i] = domain.page();
        }
        for (long[] tree : trees) {
            for (int i = 0; i < tree.length; i++) {
                tree[i] = domain.page();
            }
            domain.set(tree[0], 0, entry(tree[1], TABLE));
            domain.set(tree[1], 0, entry(tree[2], TABLE));
            domain.set(tree[1], 1, entry(tree[3], TABLE));
            domain.pin(tree[0], FrameType.L3_TABLE);
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2})
    void noStoreEndsInAPageTable(long seed) {
        HostThreads.Part[] parts = new HostThreads.Part[3];
        parts[0] = new Changer(domain.vcpu, seed)::run;
        for (int i = 1; i < parts.length; i++) {
            parts[i] = new Storer(domain.addVcpu(), seed + i)::run;
        }
        HostThreads.together(parts);
    }

    /** Stores what is no present entry, so that each page may be a table. */
    private final class Storer {
        private final TestDomain.Vcpu vcpu;
        private final SplittableRandom random;
        private long stores;

        Storer(TestDomain.Vcpu vcpu, long seed) {
            this.vcpu = vcpu;
            random = new SplittableRandom(seed);
            vcpu.tlb().enter();
        }

        void run() {
            while (!over) {
                if (random.nextInt(64) == 0) {
                    load(roots[random.nextInt(roots.length)]);
                }
                for (int i = 0; i < STORES; i++) {
                    store();
                }
                vcpu.tlb().pollPoint();
            }
            vcpu.tlb().leave();
        }

        private void load(long root) {
            long old = vcpu.basePtr();
            assertThat(domain.types.acquire(root, FrameType.L4_TABLE, vcpu.tlb())).isZero();
            vcpu.newBasePtr(root);
            domain.types.release(old, vcpu.tlb());
        }

        private void store() {
            int slot = random.nextInt(SLOTS.length);
            int window = random.nextInt(WINDOWS.length);
            long leaf = slot * 2L + window / 2;
            long base = (long) SLOTS[slot] << 39 << 16 >> 16;
            try {
                vcpu.mmu()
                        .write64(base + WINDOWS[window] + (leaf << Ram.PAGE_SHIFT), ++stores << 1);
            } catch (GuestFault fault) {
                // Nothing is mapped there now.
            }
        }
    }

    private final class Changer {
        private final TestDomain.Vcpu vcpu;
        private final SplittableRandom random;

        /** What a page held when it became a table. */
        private final Map<Long, Long> tables = new HashMap<>();

        private int made;

        Changer(TestDomain.Vcpu vcpu, long seed) {
            this.vcpu = vcpu;
            random = new SplittableRandom(seed);
            vcpu.tlb().enter();
        }

        void run() {
            try {
                for (int round = 0; round < ROUNDS; round++) {
                    step();
                    vcpu.tlb().pollPoint();
                }
            } finally {
                over = true;
                vcpu.tlb().leave();
            }
            assertThat(made).as("pages that became tables").isGreaterThan(ROUNDS / 100);
        }

        private void step() {
            long[] tree = trees[random.nextInt(TREES)];
            long[] other = trees[random.nextInt(TREES)];
            int slot = random.nextInt(2);
            switch (random.nextInt(16)) {
                case 0 -> update(roots[random.nextInt(roots.length)], SLOTS[slot], other[0]);
                case 1 -> update(tree[0], slot, other[1]);
                case 2 -> update(tree[1], slot, other[2 + random.nextInt(2)]);
                case 3, 4, 5, 6, 7, 8 -> mapOrUnmap(tree[2 + slot]);
                default -> makeTableOrData(pages[random.nextInt(PAGES)]);
            }
        }

        private void update(long table, int slot, long child) {
            domain.update(table, slot, random.nextInt(3) == 0 ? 0 : entry(child, TABLE));
        }

        private void mapOrUnmap(long l1) {
            long page = pages[random.nextInt(PAGES)];
            long entry = random.nextInt(3) != 0 ? 0 : entry(page, RW);
            domain.update(l1, random.nextInt(LEAVES), entry);
        }

        private void makeTableOrData(long page) {
            Long before = tables.remove(page);
            if (before != null) {
                assertThat(content(page)).as("table %#x", page).isEqualTo(before);
                domain.extOp(vcpu, MmuExtOp.UNPIN_TABLE, page, 0);
            } else if (domain.extOp(vcpu, MmuExtOp.PIN_L1_TABLE, page, 0) == 0) {
                tables.put(page, content(page));
                made++;
            }
        }

        private long content(long page) {
            return Ram.getLongVolatile(domain.frames.frame(page));
        }
    }
}

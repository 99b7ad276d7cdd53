package org.xenolith.core.mm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.xenolith.core.mm.TestDomain.RO;
import static org.xenolith.core.mm.TestDomain.RW;
import static org.xenolith.core.mm.TestDomain.TABLE;
import static org.xenolith.core.mm.TestDomain.entry;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.xenolith.core.abi.MmuExtOp;
import org.xenolith.cpu.GuestFault;
import org.xenolith.cpu.mmu.Mmu;
import org.xenolith.cpu.mmu.Pte;
import org.xenolith.cpu.mmu.StoreWatch;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/**
 * A guest that does anything whatever to its page tables. After every step the counts must be those
 * that a slow look at all tables gives, and what the TLB answers must be what a fresh walk finds.
 */
class RandomPageTableOperationsTest {
    private static final int STEPS = 1500;
    private static final int SLOTS = 8;

    /** Where pages of the domain's own that no step touches keep hypercall arguments. */
    private static final int WORK_SLOT = 16;

    private final TestDomain domain = new TestDomain();
    private final FrameTable frames = domain.frames;
    private final List<Long> pool = new ArrayList<>();

    /** Frames that left the reservation but may live on in mappings. */
    private final List<Long> given = new ArrayList<>();

    private Random random;
    private long work;
    private TestDomain.Vcpu sibling;

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5})
    void countsAndTranslationsStayRight(long seed) {
        run(seed, STEPS);
    }

    @Test
    void countsAndTranslationsStayRightForANewSeedEachTime() {
        run(new Random().nextLong(), STEPS);
    }

    private void run(long seed, int steps) {
        random = new Random(seed);
        sibling = domain.addVcpu();
        for (int i = 0; i < 14; i++) {
            pool.add(domain.page());
        }
        work = domain.pages[WORK_SLOT];
        for (int step = 0; step < steps; step++) {
            String what = step();
            String where = "seed %d step %d: %s".formatted(seed, step, what);
            checkCounts(where);
            checkTranslations(domain.vcpu.mmu(), where);
            sibling.tlb().enter();
            checkTranslations(sibling.mmu(), where + " (sibling)");
            sibling.tlb().leave();
        }
    }

    private long anyFrame() {
        return random.nextInt(12) == 0 ? domain.l1 : pool.get(random.nextInt(pool.size()));
    }

    private long anyTable() {
        return switch (random.nextInt(6)) {
            case 0 -> domain.l4;
            case 1 -> domain.l3;
            case 2 -> domain.l2;
            default -> pool.get(random.nextInt(pool.size()));
        };
    }

    /** Slots of the fixture's own mapping are left alone, so that arguments stay reachable. */
    private int anySlot() {
        return 1 + random.nextInt(SLOTS - 1);
    }

    private long anyEntry() {
        return switch (random.nextInt(8)) {
            case 0 -> 0;
            case 1 -> entry(anyFrame(), RO);
            case 2 -> entry(anyFrame(), RW);
            case 3 -> entry(anyFrame(), RO | Pte.NO_EXECUTE);
            case 4 -> entry(frames.limitMfn() + 3, RO);
            default -> entry(anyFrame(), TABLE);
        };
    }

    private String step() {
        switch (random.nextInt(14)) {
            case 0, 1, 2 -> {
                long table = anyTable();
                int slot = anySlot();
                long entry = anyEntry();
                return "update %#x[%d] = %#x: %d"
                        .formatted(table, slot, entry, domain.update(table, slot, entry));
            }
            case 3, 4 -> {
                int level = 1 + random.nextInt(4);
                long frame = anyFrame();
                return "pin L%d %#x: %d".formatted(level, frame, domain.extOp(level - 1, frame, 0));
            }
            case 5 -> {
                long frame = anyFrame();
                return "unpin %#x: %d"
                        .formatted(frame, domain.extOp(MmuExtOp.UNPIN_TABLE, frame, 0));
            }
            case 6 -> {
                long frame = anyFrame();
                return "user root %#x: %d"
                        .formatted(frame, domain.extOp(MmuExtOp.NEW_USER_BASEPTR, frame, 0));
            }
            case 7 -> {
                return exchange();
            }
            case 8 -> {
                return scribble();
            }
            case 9 -> {
                return switchRoot();
            }
            case 10 -> {
                long table = anyTable();
                int slot = anySlot();
                long entry = domain.get(table, slot) ^ flag();
                return "flip %#x[%d] to %#x: %d"
                        .formatted(table, slot, entry, domain.update(table, slot, entry));
            }
            default -> {
                return store();
            }
        }
    }

    private long flag() {
        return random.nextBoolean() ? Pte.WRITABLE : 1L << 9;
    }

    /** Loads another root, one that still maps the arguments, or the first one again. */
    private String switchRoot() {
        long root = random.nextBoolean() ? domain.l4 : pool.get(random.nextInt(pool.size()));
        if (frames.typeCount(root) == 0) {
            domain.set(root, 0, entry(domain.l3, TABLE));
        }
        if (Pte.mfn(domain.get(root, 0)) != domain.l3) {
            return "nothing";
        }
        return "root %#x: %d".formatted(root, domain.extOp(MmuExtOp.NEW_BASEPTR, root, 0));
    }

    /** Gives a frame away, mapped or not, and takes a new one. */
    private String exchange() {
        int index = random.nextInt(pool.size());
        long old = pool.get(index);
        frames.lock.lock();
        try {
            assertThat(frames.reservation().decrease(old, domain.vcpu.tlb())).isTrue();
        } finally {
            frames.lock.unlock();
        }
        given.add(old);
        frames.tlbs().reclaim();
        long fresh = frames.reservation().populate(5000 + index);
        given.remove(fresh);
        pool.set(index, fresh);
        return "exchange %#x for %#x".formatted(old, fresh);
    }

    /** The guest fills a frame through a writable mapping: possible only while it is no table. */
    private String scribble() {
        long frame = anyFrame();
        if (frames.typeCount(frame) != 0 && frames.type(frame) != FrameType.WRITABLE) {
            return "nothing";
        }
        for (int slot = 0; slot < SLOTS; slot++) {
            domain.set(frame, slot, random.nextBoolean() ? 0 : anyEntry());
        }
        return "scribble on %#x".formatted(frame);
    }

    /** The guest stores through some mapping: a page table through a read-only one. */
    private String store() {
        long l1Mapped = (TestDomain.TABLES_SLOT + 3L) << 12;
        long vaddr = (random.nextBoolean() ? l1Mapped : anyVaddr()) + anySlot() * 8L;
        long value = anyEntry();
        try {
            domain.vcpu.mmu().write64(vaddr, value);
            return "store %#x at %#x".formatted(value, vaddr);
        } catch (GuestFault fault) {
            return "refused store %#x at %#x".formatted(value, vaddr);
        }
    }

    private long anyVaddr() {
        long vaddr = 0;
        for (int level = 1; level <= 4; level++) {
            int slot = level > 1 && random.nextInt(4) != 0 ? 0 : anySlot();
            vaddr |= (long) slot << 3 + 9 * level;
        }
        return vaddr;
    }

    // ---- the slow model ----

    private void checkCounts(String where) {
        Map<Long, Integer> uses = new HashMap<>();
        Map<Long, Integer> references = new HashMap<>();
        List<Long> all = new ArrayList<>(pool);
        all.addAll(given);
        for (long mfn = FrameTable.RAM_BASE; mfn < FrameTable.RAM_BASE + 68; mfn++) {
            all.add(mfn);
        }
        for (long mfn : all) {
            if (frames.exists(mfn)) {
                if (frames.has(mfn, FrameInfo.ALLOCATED)) {
                    references.merge(mfn, 1, Integer::sum);
                }
                if (frames.isPinned(mfn)) {
                    use(uses, references, mfn);
                }
                addEntries(mfn, uses, references);
            }
        }
        use(uses, references, domain.vcpu.basePtr());
        use(uses, references, sibling.basePtr());
        if (domain.vcpu.userBasePtr() != 0) {
            use(uses, references, domain.vcpu.userBasePtr());
        }
        for (long mfn : all) {
            assertThat(frames.typeCount(mfn))
                    .as("uses of %#x after %s", mfn, where)
                    .isEqualTo(uses.getOrDefault(mfn, 0));
            assertThat(frames.references(mfn))
                    .as("references to %#x after %s", mfn, where)
                    .isEqualTo(references.getOrDefault(mfn, 0));
        }
    }

    private static void use(Map<Long, Integer> uses, Map<Long, Integer> references, long mfn) {
        uses.merge(mfn, 1, Integer::sum);
        references.merge(mfn, 1, Integer::sum);
    }

    private void addEntries(long mfn, Map<Long, Integer> uses, Map<Long, Integer> references) {
        int type = frames.type(mfn);
        if (frames.typeCount(mfn) == 0 || !FrameType.isPageTable(type)) {
            return;
        }
        for (int slot = 0; slot < Pte.ENTRIES; slot++) {
            long entry = domain.get(mfn, slot);
            if (Pte.isPresent(entry)) {
                references.merge(Pte.mfn(entry), 1, Integer::sum);
                boolean isUse = type > FrameType.L1_TABLE || (entry & Pte.WRITABLE) != 0;
                if (isUse) {
                    uses.merge(Pte.mfn(entry), 1, Integer::sum);
                }
            }
        }
    }

    /** Whatever the TLB still holds must be what a walk without TLB finds. */
    private void checkTranslations(Mmu mmu, String where) {
        Mmu fresh = new Mmu(mmu.memory(), StoreWatch.NONE);
        fresh.setRoot(mmu.root());
        for (int i = 0; i < 20; i++) {
            long vaddr = anyVaddr();
            assertThat(translate(mmu, vaddr, false))
                    .as("%#x read after %s", vaddr, where)
                    .isEqualTo(translate(fresh, vaddr, false));
            assertThat(translate(mmu, vaddr, true))
                    .as("%#x written after %s", vaddr, where)
                    .isEqualTo(translate(fresh, vaddr, true));
        }
        assertThat(work).isEqualTo(domain.pages[WORK_SLOT]);
    }

    private static long translate(Mmu mmu, long vaddr, boolean write) {
        try {
            return write ? mmu.hostForBulkWrite(vaddr) : mmu.hostForRead(vaddr);
        } catch (GuestFault fault) {
            return -100 - fault.errorCode();
        }
    }
}

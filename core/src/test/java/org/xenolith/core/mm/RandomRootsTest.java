package org.xenolith.core.mm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.xenolith.core.mm.TestDomain.RO;
import static org.xenolith.core.mm.TestDomain.RW;
import static org.xenolith.core.mm.TestDomain.TABLE;
import static org.xenolith.core.mm.TestDomain.entry;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.xenolith.core.abi.MmuCommand;
import org.xenolith.core.abi.MmuExtOp;
import org.xenolith.cpu.GuestFault;
import org.xenolith.cpu.mmu.Mmu;
import org.xenolith.cpu.mmu.Pte;
import org.xenolith.cpu.mmu.Ram;
import org.xenolith.cpu.mmu.StoreWatch;

import java.util.Random;

/**
 * A few roots with few tables below, in both halves of the address space, that come, change and go
 * at random, in all ways that a guest has to change one. Tables become data, data and tables of
 * other levels tables, and frames are given back while they are mapped. After one step or more each
 * vCPU finds under its roots what a walk without TLB finds there, and has left the Accessed and
 * Dirty bits that such a walk leaves. So no guest ever needs to ask for a flush. The same holds in
 * the middle of a step that pauses, with another one made meanwhile.
 */
class RandomRootsTest {
    private static final int STEPS = 4000;
    private static final int[] SLOTS = {1, 2, 300, 301};

    /** What is looked at in each slot: a page of two L1 tables in each of two L2 tables. */
    private static final long[] WINDOWS = {0, 0x20_0000, 0x4000_0000, 0x4020_0000};

    /** Entries of an L1 table, one for each place, so that no two pages share one of a TLB. */
    private static final int LEAVES = 8;

    /** Where the L1 table that is just stored into is mapped, and its slot in the fixture's L1. */
    private static final int STORE_SLOT = 0x80;

    private static final long STORE_WINDOW = (long) STORE_SLOT << Ram.PAGE_SHIFT;

    /** More steps than a sibling's mailbox holds. */
    private static final int MANY = 600;

    private static final int TREES = 3;
    private static final int PAGES = 4;

    private TestDomain domain;
    private TestDomain.Vcpu[] vcpus;
    private final long[] roots = new long[5];
    private final long[] pages = new long[PAGES];

    /** For each tree an L3, an L2 and two L1 tables. */
    private final long[][] trees = new long[TREES][4];

    private Random random = new Random(0);
    private int pauses;

    private void build(TestDomain of) {
        domain = of;
        vcpus = new TestDomain.Vcpu[] {of.vcpu, of.addVcpu()};
        roots[0] = domain.l4;
        for (int i = 1; i < roots.length; i++) {
            roots[i] = domain.page();
            domain.set(roots[i], 0, entry(domain.l3, TABLE));
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
            for (int i = 0; i < LEAVES; i++) {
                domain.set(tree[2], i, entry(any(pages), RW));
                domain.set(tree[3], i, entry(any(pages), RW));
            }
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4})
    void eachVcpuFindsWhatItsRootLeadsTo(long seed) {
        build(new TestDomain());
        run(seed);
    }

    @Test
    void eachVcpuFindsWhatItsRootLeadsToForANewSeedEachTime() {
        build(new TestDomain());
        run(new Random().nextLong());
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4})
    void eachVcpuFindsWhatItsRootLeadsToInTheMiddleOfAChange(long seed) {
        build(new TestDomain(TableWork.LEAST_TABLES_PER_HOLD));
        vcpus[0].pausing = true;
        vcpus[0].whilePaused = () -> whilePaused(seed);
        run(seed);
        assertThat(pauses).isPositive();
        assertThat(domain.types.work().kept().isEmpty()).as("kept for nothing").isTrue();
    }

    /** The sibling makes a step while the first vCPU is in the middle of one. */
    private void whilePaused(long seed) {
        pauses++;
        vcpus[0].tlb().leave();
        vcpus[1].tlb().enter();
        String what = step(vcpus[1]);
        check(vcpus[1], "vCPU 1, seed %d: %s", seed, what);
        vcpus[1].tlb().leave();
        vcpus[0].tlb().enter();
        check(vcpus[0], "vCPU 0 in the middle, seed %d: %s", seed, what);
    }

    private void run(long seed) {
        random = new Random(seed);
        int step = 0;
        while (step < STEPS) {
            String what = "";
            TestDomain.Vcpu caller = vcpus[random.nextInt(vcpus.length)];
            for (int left = stepsUntilLook(); left > 0; left--) {
                caller.tlb().enter();
                what = step(caller);
                caller.tlb().leave();
                step++;
            }
            for (TestDomain.Vcpu vcpu : vcpus) {
                vcpu.tlb().enter();
                check(vcpu, "vCPU %d, seed %d step %d: %s", vcpu.vcpuId(), seed, step, what);
                vcpu.tlb().leave();
            }
        }
    }

    /** Mostly one, so that what goes wrong is known; now and then a sibling sleeps. */
    private int stepsUntilLook() {
        return switch (random.nextInt(200)) {
            case 0 -> MANY;
            case 1, 2, 3, 4, 5 -> 5;
            default -> 1;
        };
    }

    private String step(TestDomain.Vcpu caller) {
        long root = any(roots);
        long[] tree = trees[random.nextInt(TREES)];
        long l1 = tree[2 + random.nextInt(2)];
        return switch (random.nextInt(20)) {
            case 0, 1, 2 -> load(caller, root);
            case 3 -> comeBack(caller, root);
            case 4, 5, 6 -> write(caller, root, any(SLOTS), anyTree());
            case 7 -> pinOrUnpin(caller, root, FrameType.L4_TABLE);
            case 8, 9 -> {
                long l2 = random.nextInt(3) == 0 ? 0 : anyL2();
                yield write(caller, tree[0], random.nextInt(2), l2);
            }
            case 10, 11 -> write(caller, tree[1], random.nextInt(2), anyL1());
            case 12 -> {
                int i = random.nextInt(3);
                yield pinOrUnpin(caller, tree[i], FrameType.L3_TABLE - i);
            }
            case 13, 14 -> store(caller, l1, anyLeaf());
            case 15 -> updateVaMapping(caller, anyVaddr(), anyLeaf());
            case 16 -> exchangeRoles();
            case 17 -> giveBack(caller, random.nextInt(PAGES));
            default -> write(caller, l1, random.nextInt(LEAVES), anyLeaf());
        };
    }

    private long anyVaddr() {
        return vaddr(random.nextInt(SLOTS.length), random.nextInt(WINDOWS.length));
    }

    /** Where an L1 table is looked at, by indexes of slot and window: with an entry of its own. */
    private static long vaddr(int slot, int window) {
        long leaf = slot * 2L + window / 2;
        return ((long) SLOTS[slot] << 39 << 16 >> 16) + WINDOWS[window] + (leaf << Ram.PAGE_SHIFT);
    }

    private long any(long[] mfns) {
        return mfns[random.nextInt(mfns.length)];
    }

    private int any(int[] slots) {
        return slots[random.nextInt(slots.length)];
    }

    private long anyTable() {
        return switch (random.nextInt(6)) {
            case 0 -> TABLE & ~Pte.WRITABLE;
            case 1 -> TABLE | Pte.NO_EXECUTE;
            case 2 -> TABLE & ~Pte.ACCESSED;
            default -> TABLE;
        };
    }

    private long anyTree() {
        return random.nextInt(5) < 3 ? 0 : entry(trees[random.nextInt(TREES)][0], anyTable());
    }

    /** Mostly linked at one place, now and then at more than are kept. */
    private long anyL2() {
        return entry(trees[random.nextInt(TREES)][1], anyTable());
    }

    private long anyL1() {
        return entry(trees[random.nextInt(TREES)][2 + random.nextInt(2)], TABLE);
    }

    private long anyLeaf() {
        long flags = random.nextBoolean() ? RW : RO;
        return switch (random.nextInt(8)) {
            case 0 -> 0;
            case 1 -> entry(any(pages), flags & ~Pte.ACCESSED);
            case 2 -> entry(any(pages), flags | Pte.DIRTY);
            case 3 -> entry(any(pages), flags | Pte.NO_EXECUTE);
            case 4 -> entry(any(trees[random.nextInt(TREES)]), flags);
            default -> entry(any(pages), flags);
        };
    }

    private String load(TestDomain.Vcpu caller, long root) {
        return switch (random.nextInt(6)) {
            case 0 -> command(caller, MmuExtOp.NEW_USER_BASEPTR, root);
            case 1 -> command(caller, MmuExtOp.NEW_USER_BASEPTR, 0);
            default -> command(caller, MmuExtOp.NEW_BASEPTR, root);
        };
    }

    /** Leaves a root, which may be none for a while then, and loads it again with another entry. */
    private String comeBack(TestDomain.Vcpu caller, long root) {
        command(caller, MmuExtOp.NEW_BASEPTR, any(roots));
        command(caller, MmuExtOp.UNPIN_TABLE, root);
        return write(caller, root, any(SLOTS), anyTree())
                + ", then "
                + command(caller, MmuExtOp.NEW_BASEPTR, root);
    }

    private String pinOrUnpin(TestDomain.Vcpu caller, long table, int level) {
        int pin = MmuExtOp.PIN_L1_TABLE + level - FrameType.L1_TABLE;
        return command(caller, random.nextInt(4) == 0 ? pin : MmuExtOp.UNPIN_TABLE, table);
    }

    private String command(TestDomain.Vcpu caller, int command, long mfn) {
        long result = domain.extOp(caller, command, mfn, 0);
        return "vCPU %d, command %d for %#x: %d".formatted(caller.vcpuId(), command, mfn, result);
    }

    /** By a hypercall, or as the guest does with a table that is none yet. */
    private String write(TestDomain.Vcpu caller, long table, int slot, long entry) {
        String what = "%#x[%d] = %#x".formatted(table, slot, entry);
        if (domain.frames.typeCount(table) == 0) {
            domain.set(table, slot, entry);
            return what + " untyped";
        }
        long maddr = (table << Ram.PAGE_SHIFT) + slot * 8L;
        int command =
                random.nextInt(4) == 0
                        ? MmuCommand.PT_UPDATE_PRESERVE_AD
                        : MmuCommand.NORMAL_PT_UPDATE;
        return what + ": " + domain.request(caller, maddr | command, entry);
    }

    /** Through a mapping of the L1 table, read-only to the guest. */
    private String store(TestDomain.Vcpu caller, long l1, long entry) {
        int slot = random.nextInt(LEAVES);
        long vaddr = STORE_WINDOW + slot * 8L;
        String what = "store of %#x into %#x[%d]".formatted(entry, l1, slot);
        write(caller, domain.l1, STORE_SLOT, entry(l1, RO));
        try {
            if (random.nextBoolean()) {
                caller.mmu().write64(vaddr, entry);
            } else {
                long old = domain.get(l1, slot);
                caller.mmu().compareAndSetPageTable(vaddr, 8, old, entry);
            }
            return what;
        } catch (GuestFault fault) {
            return what + " refused";
        }
    }

    private String updateVaMapping(TestDomain.Vcpu caller, long vaddr, long entry) {
        long result = domain.updateVaMapping.handle(caller, vaddr, entry, 0);
        return "%#x -> %#x: %d".formatted(vaddr, entry, result);
    }

    /** A frame that is no table becomes one of another level, or what was data. */
    private String exchangeRoles() {
        long[] tables = trees[random.nextInt(TREES)];
        long[] others = random.nextBoolean() ? pages : trees[random.nextInt(TREES)];
        int i = random.nextInt(tables.length);
        int j = random.nextInt(others.length);
        long table = tables[i];
        long other = others[j];
        if (domain.frames.typeCount(table) != 0 || domain.frames.typeCount(other) != 0) {
            return "no exchange";
        }
        for (int slot = 0; slot < LEAVES; slot++) {
            domain.set(table, slot, 0);
            domain.set(other, slot, 0);
        }
        tables[i] = other;
        others[j] = table;
        return "%#x and %#x exchanged".formatted(table, other);
    }

    /** A frame that may be mapped still: what is mapped there goes on being the old one. */
    private String giveBack(TestDomain.Vcpu caller, int page) {
        long mfn = pages[page];
        domain.frames.lock.lock();
        try {
            domain.frames.reservation().decrease(mfn, caller.tlb());
        } finally {
            domain.frames.lock.unlock();
        }
        pages[page] = domain.page();
        return "%#x given back for %#x".formatted(mfn, pages[page]);
    }

    private void check(TestDomain.Vcpu vcpu, String where, Object... arguments) {
        Mmu mmu = vcpu.mmu();
        check(mmu, where, arguments);
        long user = vcpu.userBasePtr();
        if (user != 0) {
            long kernel = mmu.root();
            mmu.setRoot(user);
            check(mmu, where + ", user", arguments);
            mmu.setRoot(kernel);
        }
    }

    private void check(Mmu mmu, String where, Object... arguments) {
        Mmu fresh = new Mmu(mmu.memory(), StoreWatch.NONE);
        fresh.setRoot(mmu.root());
        for (int slot = 0; slot < SLOTS.length; slot++) {
            for (int window = 0; window < WINDOWS.length; window++) {
                long vaddr = vaddr(slot, window);
                for (int access = 0; access < 3; access++) {
                    String what = "access %d to %#x, ".formatted(access, vaddr) + where;
                    long host = translate(mmu, vaddr, access);
                    if (host >= 0) {
                        assertThat(bitsSet(mmu.root(), vaddr, access)).as(what, arguments).isTrue();
                    }
                    assertThat(host).as(what, arguments).isEqualTo(translate(fresh, vaddr, access));
                }
            }
        }
    }

    /** Whether Accessed is set at each level, and Dirty in the leaf behind a write. */
    private boolean bitsSet(long root, long vaddr, int access) {
        long table = root;
        long entry = 0;
        long accessed = Pte.ACCESSED;
        for (int level = 4; level > 0; level--) {
            entry = domain.get(table, Pte.index(vaddr, level));
            accessed &= entry;
            table = Pte.mfn(entry);
        }
        return accessed != 0 && (access != 1 || (entry & Pte.DIRTY) != 0);
    }

    private static long translate(Mmu mmu, long vaddr, int access) {
        try {
            return switch (access) {
                case 0 -> mmu.hostForRead(vaddr);
                case 1 -> mmu.hostForBulkWrite(vaddr);
                default -> mmu.hostForFetch(vaddr);
            };
        } catch (GuestFault fault) {
            return -100 - fault.errorCode();
        }
    }
}

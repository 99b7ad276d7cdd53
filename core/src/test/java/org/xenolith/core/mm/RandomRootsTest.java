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

import java.util.Random;

/**
 * A few roots with few tables below, in both halves of the address space, that come, change and go
 * at random. After every step each vCPU finds under its root what a walk without TLB finds there,
 * and has left the Accessed and Dirty bits that such a walk leaves. So no guest ever needs to ask
 * for a flush.
 */
class RandomRootsTest {
    private static final int STEPS = 4000;
    private static final int[] SLOTS = {1, 2, 300, 301};

    /** What is looked at in each slot: the first page of two L1 tables in each of two L2 tables. */
    private static final long[] WINDOWS = {0, 0x20_0000, 0x4000_0000, 0x4020_0000};

    private static final int TREES = 3;
    private static final int PAGES = 4;

    private final TestDomain domain = new TestDomain();
    private final TestDomain.Vcpu[] vcpus = {domain.vcpu, domain.addVcpu()};
    private final long[] roots = new long[5];
    private final long[] pages = new long[PAGES];

    /** For each tree an L3, an L2 and two L1 tables. */
    private final long[][] trees = new long[TREES][4];

    private Random random;

    RandomRootsTest() {
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
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4})
    void eachVcpuFindsWhatItsRootLeadsTo(long seed) {
        run(seed);
    }

    @Test
    void eachVcpuFindsWhatItsRootLeadsToForANewSeedEachTime() {
        run(new Random().nextLong());
    }

    private void run(long seed) {
        random = new Random(seed);
        for (int step = 0; step < STEPS; step++) {
            String what = step();
            for (TestDomain.Vcpu vcpu : vcpus) {
                vcpu.tlb().enter();
                check(vcpu.mmu(), "vCPU %d, seed %d step %d: %s", vcpu.vcpuId(), seed, step, what);
                vcpu.tlb().leave();
            }
        }
    }

    private String step() {
        long root = any(roots);
        long[] tree = trees[random.nextInt(TREES)];
        return switch (random.nextInt(10)) {
            case 0, 1, 2 -> load(vcpus[random.nextInt(vcpus.length)], root);
            case 3, 4 -> write(root, any(SLOTS), anyTree());
            case 5 -> pinOrUnpin(root);
            case 6 -> write(tree[0], random.nextInt(2), random.nextInt(3) == 0 ? 0 : anyL2());
            case 7 -> write(tree[1], random.nextInt(2), anyL1());
            default -> write(tree[2 + random.nextInt(2)], 0, anyLeaf());
        };
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
        return random.nextInt(3) == 0 ? 0 : entry(trees[random.nextInt(TREES)][0], anyTable());
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
        return switch (random.nextInt(5)) {
            case 0 -> 0;
            case 1 -> entry(any(pages), flags & ~Pte.ACCESSED);
            case 2 -> entry(any(pages), flags | Pte.DIRTY);
            default -> entry(any(pages), flags);
        };
    }

    private String load(TestDomain.Vcpu vcpu, long root) {
        vcpu.tlb().enter();
        long result = domain.extOp(vcpu, MmuExtOp.NEW_BASEPTR, root, 0);
        vcpu.tlb().leave();
        return "vCPU %d loads %#x: %d".formatted(vcpu.vcpuId(), root, result);
    }

    private String pinOrUnpin(long root) {
        int command = random.nextBoolean() ? MmuExtOp.PIN_L4_TABLE : MmuExtOp.UNPIN_TABLE;
        return "command %d for %#x: %d".formatted(command, root, domain.extOp(command, root, 0));
    }

    /** By a hypercall, or as the guest does with a table that is none yet. */
    private String write(long table, int slot, long entry) {
        String what = "%#x[%d] = %#x".formatted(table, slot, entry);
        if (domain.frames.typeCount(table) == 0) {
            domain.set(table, slot, entry);
            return what + " untyped";
        }
        return what + ": " + domain.update(table, slot, entry);
    }

    private void check(Mmu mmu, String where, Object... arguments) {
        Mmu fresh = new Mmu(mmu.memory(), Mmu.StoreWatch.NONE);
        fresh.setRoot(mmu.root());
        for (int slot : SLOTS) {
            for (long window : WINDOWS) {
                long vaddr = ((long) slot << 39 << 16 >> 16) + window;
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

package org.xenolith.core.mm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.xenolith.core.mm.TestDomain.RO;
import static org.xenolith.core.mm.TestDomain.RW;
import static org.xenolith.core.mm.TestDomain.TABLE;
import static org.xenolith.core.mm.TestDomain.entry;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.xenolith.core.abi.MmuExtOp;
import org.xenolith.cpu.GuestFault;
import org.xenolith.cpu.mmu.Mmu;
import org.xenolith.cpu.mmu.Pte;
import org.xenolith.cpu.mmu.Ram;

/**
 * Roots that are equal in one half share what a vCPU has cached for it, until a hypercall makes a
 * difference. Two kernel roots have the fixture's mappings below and the same tables above.
 */
class SharedTranslationsTest {
    private static final int KERNEL_SLOT = 300;
    private static final int ADDED_SLOT = 301;
    private static final long KERNEL = inSlot(KERNEL_SLOT);
    private static final long ADDED = inSlot(ADDED_SLOT);

    /** Lower half, a slot that only some roots use. */
    private static final int USER_SLOT = 5;

    private static final long USER = inSlot(USER_SLOT);

    private final TestDomain domain = new TestDomain();
    private final TestDomain.Vcpu vcpu = domain.vcpu;
    private final Tree kernel = new Tree(0x1111);
    private final long second = domain.page();

    /** An L3, L2 and L1 table with one page, at the first address of an L4 slot. */
    private final class Tree {
        final long l3 = domain.page();
        final long l2 = domain.page();
        final long l1 = domain.page();
        final long page = domain.page();

        Tree(long content) {
            domain.set(page, 0, content);
            domain.set(l1, 0, entry(page, RW));
            domain.set(l2, 0, entry(l1, TABLE));
            domain.set(l3, 0, entry(l2, TABLE));
        }

        long root() {
            return entry(l3, TABLE);
        }
    }

    private static long inSlot(int slot) {
        return (long) slot << 39 << 16 >> 16;
    }

    @BeforeEach
    void makeRoots() {
        assertThat(domain.update(domain.l4, KERNEL_SLOT, kernel.root())).isZero();
        domain.set(second, 0, entry(domain.l3, TABLE));
        domain.set(second, KERNEL_SLOT, kernel.root());
        domain.pin(second, FrameType.L4_TABLE);
        // The vCPU has loaded its root before: now it sees what was added.
        assertReads(vcpu.mmu(), KERNEL, 0x1111);
    }

    private void load(TestDomain.Vcpu loading, long root) {
        assertThat(domain.extOp(loading, MmuExtOp.NEW_BASEPTR, root, 0)).isZero();
    }

    private void load(long root) {
        load(vcpu, root);
    }

    private static void assertReads(Mmu mmu, long vaddr, long value) {
        assertThat(mmu.read64(vaddr)).as("at %#x", vaddr).isEqualTo(value);
    }

    private static void assertReadsWithoutWalk(Mmu mmu, long vaddr, long value) {
        long walks = mmu.walks();
        assertReads(mmu, vaddr, value);
        assertThat(mmu.walks()).as("walks for %#x", vaddr).isEqualTo(walks);
    }

    private static void assertNotMapped(Mmu mmu, long vaddr) {
        assertThatThrownBy(() -> mmu.read64(vaddr)).isInstanceOf(GuestFault.class);
    }

    @Test
    void kernelIsKnownInTheNextProcess() {
        load(second);
        assertReadsWithoutWalk(vcpu.mmu(), KERNEL, 0x1111);
    }

    @Test
    void kernelStaysKnownWhenAProcessEnds() {
        load(second);
        assertReads(vcpu.mmu(), KERNEL, 0x1111);
        load(domain.l4);
        assertThat(domain.extOp(MmuExtOp.UNPIN_TABLE, second, 0)).isZero();
        assertThat(domain.frames.typeCount(second)).isZero();
        assertReadsWithoutWalk(vcpu.mmu(), KERNEL, 0x1111);
    }

    @Test
    void entryAddedToOneRootLeadsNowhereInTheOther() {
        Tree added = new Tree(0x2222);
        assertReads(vcpu.mmu(), KERNEL, 0x1111);
        assertThat(domain.update(domain.l4, ADDED_SLOT, added.root())).isZero();
        assertReads(vcpu.mmu(), ADDED, 0x2222);
        load(second);
        assertNotMapped(vcpu.mmu(), ADDED);
        assertReads(vcpu.mmu(), KERNEL, 0x1111);
    }

    @Test
    void entryAddedToARootThatIsNotLoadedIsFoundThere() {
        Tree added = new Tree(0x2222);
        load(second);
        assertReads(vcpu.mmu(), KERNEL, 0x1111);
        load(domain.l4);
        assertThat(domain.update(second, ADDED_SLOT, added.root())).isZero();
        assertNotMapped(vcpu.mmu(), ADDED);
        load(second);
        assertReads(vcpu.mmu(), ADDED, 0x2222);
    }

    @Test
    void entryChangedInOneRootStaysInTheOther() {
        Tree other = new Tree(0x3333);
        assertReads(vcpu.mmu(), KERNEL, 0x1111);
        assertThat(domain.update(second, KERNEL_SLOT, other.root())).isZero();
        assertReads(vcpu.mmu(), KERNEL, 0x1111);
        load(second);
        assertReads(vcpu.mmu(), KERNEL, 0x3333);
        assertThat(domain.update(second, KERNEL_SLOT, 0)).isZero();
        assertNotMapped(vcpu.mmu(), KERNEL);
        load(domain.l4);
        assertReads(vcpu.mmu(), KERNEL, 0x1111);
    }

    @Test
    void rootsThatBecomeEqualShareFromThen() {
        Tree added = new Tree(0x2222);
        assertThat(domain.update(domain.l4, ADDED_SLOT, added.root())).isZero();
        assertReads(vcpu.mmu(), ADDED, 0x2222);
        assertThat(domain.update(second, ADDED_SLOT, added.root())).isZero();
        load(second);
        assertReadsWithoutWalk(vcpu.mmu(), ADDED, 0x2222);
    }

    @Test
    void changeBelowAnEntryIsSeenInAllRootsThatHaveIt() {
        Tree other = new Tree(0x3333);
        load(second);
        assertReads(vcpu.mmu(), KERNEL, 0x1111);
        assertThat(domain.update(kernel.l2, 0, entry(other.l1, TABLE))).isZero();
        assertReads(vcpu.mmu(), KERNEL, 0x3333);
        load(domain.l4);
        assertReads(vcpu.mmu(), KERNEL, 0x3333);
        assertThat(domain.update(kernel.l3, 0, 0)).isZero();
        assertNotMapped(vcpu.mmu(), KERNEL);
        load(second);
        assertNotMapped(vcpu.mmu(), KERNEL);
    }

    @Test
    void kernelStaysKnownWhenAProcessLosesATable() {
        Tree user = new Tree(0x5555);
        assertThat(domain.update(domain.l4, USER_SLOT, user.root())).isZero();
        assertReads(vcpu.mmu(), USER, 0x5555);
        assertReads(vcpu.mmu(), KERNEL, 0x1111);
        assertThat(domain.update(user.l2, 0, 0)).isZero();
        assertNotMapped(vcpu.mmu(), USER);
        assertReadsWithoutWalk(vcpu.mmu(), KERNEL, 0x1111);
        assertThat(domain.update(user.l3, 0, 0)).isZero();
        assertReadsWithoutWalk(vcpu.mmu(), KERNEL, 0x1111);
        assertThat(domain.update(domain.l4, USER_SLOT, 0)).isZero();
        assertReadsWithoutWalk(vcpu.mmu(), KERNEL, 0x1111);
    }

    @Test
    void clearedAccessedBitsAreSetAgainByTheNextAccess() {
        long[][] entries = {{kernel.l2, 0}, {kernel.l3, 0}, {domain.l4, KERNEL_SLOT}};
        for (long[] place : entries) {
            long entry = domain.get(place[0], (int) place[1]);
            long cleared = entry & ~Pte.ACCESSED;
            assertThat(domain.update(place[0], (int) place[1], cleared)).isZero();
            assertReads(vcpu.mmu(), KERNEL, 0x1111);
            assertThat(domain.get(place[0], (int) place[1])).isEqualTo(entry);
        }
    }

    @Test
    void pageThatTheKernelMapsElsewhereIsElsewhereInAllProcesses() {
        long page = domain.page();
        domain.set(page, 0, 0x4444);
        assertReads(vcpu.mmu(), KERNEL, 0x1111);
        load(second);
        assertReads(vcpu.mmu(), KERNEL, 0x1111);
        assertThat(domain.update(kernel.l1, 0, entry(page, RW))).isZero();
        assertReads(vcpu.mmu(), KERNEL, 0x4444);
        load(domain.l4);
        assertReads(vcpu.mmu(), KERNEL, 0x4444);
    }

    @Test
    void tablesOfADeadProcessSayNothingAboutTheSameFramesInANewOne() {
        Tree tree = new Tree(0x5555);
        long page = domain.page();
        domain.set(page, 0, 0x6666);
        long root = domain.page();
        domain.set(root, 0, entry(domain.l3, TABLE));
        domain.set(root, USER_SLOT, tree.root());
        load(root);
        assertReads(vcpu.mmu(), USER, 0x5555);
        load(domain.l4);
        assertThat(domain.frames.typeCount(tree.l1)).isZero();
        domain.set(tree.l1, 0, entry(page, RW));
        load(root);
        assertReads(vcpu.mmu(), USER, 0x6666);
    }

    @Test
    void tablesOfADeadProcessSayNothingUnderAnotherRoot() {
        Tree tree = new Tree(0x5555);
        long page = domain.page();
        domain.set(page, 0, 0x6666);
        long[] roots = {domain.page(), domain.page()};
        for (long root : roots) {
            domain.set(root, 0, entry(domain.l3, TABLE));
            domain.set(root, USER_SLOT, tree.root());
        }
        load(roots[0]);
        assertReads(vcpu.mmu(), USER, 0x5555);
        load(domain.l4);
        domain.set(tree.l1, 0, entry(page, RO));
        load(roots[1]);
        assertReads(vcpu.mmu(), USER, 0x6666);
        assertThatThrownBy(() -> vcpu.mmu().write64(USER, 0)).isInstanceOf(GuestFault.class);
    }

    @Test
    void rootThatIsOneAgainLeadsWhereItSaysThen() {
        Tree before = new Tree(0x5555);
        Tree after = new Tree(0x6666);
        long root = domain.page();
        domain.set(root, 0, entry(domain.l3, TABLE));
        domain.set(root, USER_SLOT, before.root());
        domain.pin(before.l3, FrameType.L3_TABLE);
        load(root);
        assertReads(vcpu.mmu(), USER, 0x5555);
        load(domain.l4);
        domain.set(root, USER_SLOT, after.root());
        load(root);
        assertReads(vcpu.mmu(), USER, 0x6666);
    }

    @Test
    void siblingLearnsOfThem() {
        Tree tree = new Tree(0x5555);
        long page = domain.page();
        domain.set(page, 0, 0x6666);
        long root = domain.page();
        domain.set(root, 0, entry(domain.l3, TABLE));
        domain.set(root, USER_SLOT, tree.root());
        TestDomain.Vcpu sibling = domain.addVcpu();
        sibling.tlb().enter();
        load(root);
        load(sibling, root);
        assertReads(sibling.mmu(), USER, 0x5555);
        load(sibling, domain.l4);
        load(domain.l4);
        assertThat(domain.frames.typeCount(tree.l3)).isZero();
        domain.set(tree.l1, 0, entry(page, RW));
        sibling.tlb().pollPoint();
        load(root);
        load(sibling, root);
        assertReads(sibling.mmu(), USER, 0x6666);
        sibling.tlb().leave();
    }

    @Test
    void siblingThatWalksThroughANewEntryKeepsItToThatRoot() {
        Tree added = new Tree(0x2222);
        TestDomain.Vcpu sibling = domain.addVcpu();
        sibling.tlb().enter();
        load(sibling, second);
        assertReads(sibling.mmu(), KERNEL, 0x1111);
        load(sibling, domain.l4);
        assertThat(domain.update(domain.l4, ADDED_SLOT, added.root())).isZero();
        assertReads(sibling.mmu(), ADDED, 0x2222);
        load(sibling, second);
        assertNotMapped(sibling.mmu(), ADDED);
        load(sibling, domain.l4);
        assertReads(sibling.mmu(), ADDED, 0x2222);
        sibling.tlb().leave();
    }

    @Test
    void siblingFollowsAnEntryThatChangedInOneOfItsRoots() {
        Tree other = new Tree(0x3333);
        TestDomain.Vcpu sibling = domain.addVcpu();
        sibling.tlb().enter();
        load(sibling, second);
        assertReads(sibling.mmu(), KERNEL, 0x1111);
        load(sibling, domain.l4);
        assertThat(domain.update(second, KERNEL_SLOT, other.root())).isZero();
        assertReads(sibling.mmu(), KERNEL, 0x1111);
        load(sibling, second);
        assertReads(sibling.mmu(), KERNEL, 0x3333);
        sibling.tlb().leave();
    }

    @Test
    void siblingSeesWhatChangedInATableBeforeItWasLinkedToItsRoot() {
        Tree added = new Tree(0x2222);
        long page = domain.page();
        domain.set(page, 0, 0x7777);
        TestDomain.Vcpu sibling = domain.addVcpu();
        sibling.tlb().enter();
        assertThat(domain.update(second, ADDED_SLOT, added.root())).isZero();
        load(sibling, second);
        assertReads(sibling.mmu(), ADDED, 0x2222);
        load(sibling, domain.l4);
        assertThat(domain.update(added.l1, 0, entry(page, RW))).isZero();
        assertThat(domain.update(domain.l4, ADDED_SLOT, added.root())).isZero();
        long elsewhere = ADDED + 3 * Ram.PAGE_SIZE;
        assertNotMapped(sibling.mmu(), elsewhere);
        assertReads(sibling.mmu(), ADDED, 0x7777);
        sibling.tlb().leave();
    }
}

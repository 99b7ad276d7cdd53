package org.xenolith.cpu.mmu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.xenolith.cpu.FlatMachine;
import org.xenolith.cpu.GuestFault;

/** Two processes: each has a page of its own at one address, and the kernel's at another. */
class AddressSpacesTest {
    private static final long USER = 0x50_0000;
    private static final long KERNEL = 0xffff_8880_0000_3000L;
    private static final long FLAGS = Pte.PRESENT | Pte.WRITABLE | Pte.USER;

    private final FlatMachine machine = new FlatMachine();
    private final FlatMachine second = new FlatMachine();
    private final Mmu mmu = machine.cpu.mmu();

    @BeforeEach
    void mapPages() {
        machine.map(USER, 1);
        machine.map(KERNEL, 1);
        second.map(USER, 1);
        copyEntry(machine.root, second.root, KERNEL);
        fill(machine.host(USER), 1);
        fill(second.host(USER), 2);
        fill(machine.host(KERNEL), 3);
    }

    private static void fill(long host, int value) {
        Ram.putLong(host, value);
    }

    private static long entryAt(long root, long vaddr) {
        return (root << Ram.PAGE_SHIFT) + Pte.index(vaddr, 4) * 8L;
    }

    private static void copyEntry(long from, long to, long vaddr) {
        Ram.putLong(entryAt(from, vaddr), Ram.getLong(entryAt(from, vaddr)) | Pte.ACCESSED);
        Ram.putLong(entryAt(to, vaddr), Ram.getLong(entryAt(from, vaddr)));
    }

    /** A root that leads where another one does. */
    private static long copyOf(long root) {
        long copy = FlatMachine.newFrame();
        Ram.copy(root << Ram.PAGE_SHIFT, copy << Ram.PAGE_SHIFT, Ram.PAGE_SIZE);
        return copy;
    }

    private void assertReadsWithoutWalk(long vaddr, long value) {
        long walks = mmu.walks();
        assertThat(mmu.read64(vaddr)).isEqualTo(value);
        assertThat(mmu.walks()).as("walks for %#x", vaddr).isEqualTo(walks);
    }

    private void assertNotMapped(long vaddr) {
        assertThatThrownBy(() -> mmu.read64(vaddr)).isInstanceOf(GuestFault.class);
    }

    @Test
    void whatTheKernelUsesSurvivesASwitchToAnotherProcess() {
        mmu.read64(KERNEL);
        mmu.hostForFetch(KERNEL);
        mmu.setRoot(second.root);
        assertReadsWithoutWalk(KERNEL, 3);
        long walks = mmu.walks();
        mmu.hostForFetch(KERNEL);
        assertThat(mmu.walks()).isEqualTo(walks);
    }

    @Test
    void whatTheKernelMayWriteMayBeWrittenInTheOtherProcessToo() {
        mmu.write64(KERNEL, 30);
        mmu.setRoot(second.root);
        long walks = mmu.walks();
        mmu.write64(KERNEL, 31);
        assertThat(mmu.walks()).isEqualTo(walks);
        assertThat(Ram.getLong(machine.host(KERNEL))).isEqualTo(31);
    }

    @Test
    void pagesOfProcessesAreKeptApart() {
        assertThat(mmu.read64(USER)).isEqualTo(1);
        mmu.setRoot(second.root);
        assertThat(mmu.read64(USER)).isEqualTo(2);
        mmu.write64(USER, 20);
        mmu.setRoot(machine.root);
        assertThat(mmu.read64(USER)).isEqualTo(1);
        assertThat(Ram.getLong(second.host(USER))).isEqualTo(20);
    }

    @Test
    void bothRootsOfAProcessShareItsMemory() {
        long userRoot = FlatMachine.newFrame();
        copyEntry(machine.root, userRoot, USER);
        mmu.read64(USER);
        mmu.setRoot(userRoot);
        assertReadsWithoutWalk(USER, 1);
        assertNotMapped(KERNEL);
    }

    @Test
    void eachRootHasItsAccessedBitSetByItsFirstUse() {
        long copy = copyOf(machine.root);
        mmu.read64(USER);
        mmu.setRoot(copy);
        assertThat(Ram.getLong(entryAt(copy, USER)) & Pte.ACCESSED).isZero();
        assertThat(mmu.read64(USER)).isEqualTo(1);
        assertThat(Ram.getLong(entryAt(copy, USER)) & Pte.ACCESSED).isNotZero();
        assertReadsWithoutWalk(USER, 1);
        mmu.setRoot(machine.root);
        assertReadsWithoutWalk(USER, 1);
    }

    @Test
    void entriesThatMayNotDoTheSameAreNotTheSame() {
        mmu.read64(USER);
        long readOnly = copyOf(machine.root);
        Ram.putLong(entryAt(readOnly, USER), Ram.getLong(entryAt(readOnly, USER)) & ~Pte.WRITABLE);
        long noExecute = copyOf(machine.root);
        Ram.putLong(
                entryAt(noExecute, USER), Ram.getLong(entryAt(noExecute, USER)) | Pte.NO_EXECUTE);
        mmu.write64(USER, 1);
        mmu.hostForFetch(USER);
        mmu.setRoot(readOnly);
        assertThatThrownBy(() -> mmu.write64(USER, 1)).isInstanceOf(GuestFault.class);
        mmu.setRoot(noExecute);
        assertThatThrownBy(() -> mmu.hostForFetch(USER)).isInstanceOf(GuestFault.class);
    }

    @Test
    void entryThatARootGetsLaterLeadsNowhereInTheOther() {
        long added = KERNEL + (1L << 39);
        machine.map(added, 1);
        fill(machine.host(added), 4);
        assertThat(mmu.read64(added)).isEqualTo(4);
        mmu.setRoot(second.root);
        assertNotMapped(added);
        mmu.setRoot(machine.root);
        assertThat(mmu.read64(added)).isEqualTo(4);
    }

    @Test
    void rootThatGetsTheSameEntryLaterSharesWhatIsKnown() {
        long added = KERNEL + (1L << 39);
        machine.map(added, 1);
        mmu.read64(added);
        mmu.setRoot(second.root);
        mmu.read64(KERNEL);
        copyEntry(machine.root, second.root, added);
        fill(machine.host(added), 4);
        assertThat(mmu.read64(added)).isEqualTo(4);
        assertReadsWithoutWalk(added, 4);
        mmu.setRoot(machine.root);
        assertReadsWithoutWalk(added, 4);
    }

    @Test
    void changedEntryLeadsElsewhereInItsRootOnly() {
        mmu.read64(USER);
        long other = copyOf(machine.root);
        copyEntry(second.root, machine.root, USER);
        mmu.flushAll();
        assertThat(mmu.read64(USER)).isEqualTo(2);
        mmu.setRoot(other);
        assertThat(mmu.read64(USER)).isEqualTo(1);
    }

    @Test
    void tableThatIsOneAgainWithOtherContentIsWalkedAnew() {
        mmu.read64(KERNEL);
        mmu.read64(USER);
        long copy = copyOf(machine.root);
        long l3 = Pte.mfn(Ram.getLong(entryAt(machine.root, USER)));
        long secondL3 = Pte.mfn(Ram.getLong(entryAt(second.root, USER)));
        Ram.copy(secondL3 << Ram.PAGE_SHIFT, l3 << Ram.PAGE_SHIFT, Ram.PAGE_SIZE);
        mmu.dropTable(l3);
        assertThat(mmu.read64(USER)).isEqualTo(2);
        assertReadsWithoutWalk(KERNEL, 3);
        mmu.setRoot(copy);
        assertReadsWithoutWalk(USER, 2);
    }

    @Test
    void rootThatIsOneAgainWithOtherContentIsLookedAtAnew() {
        mmu.setRoot(second.root);
        mmu.read64(USER);
        mmu.setRoot(machine.root);
        mmu.dropRoot(second.root);
        long third = new FlatMachine().root;
        Ram.copy(third << Ram.PAGE_SHIFT, second.root << Ram.PAGE_SHIFT, Ram.PAGE_SIZE);
        mmu.setRoot(second.root);
        assertNotMapped(USER);
        assertNotMapped(KERNEL);
    }

    @Test
    void kernelStaysKnownHoweverManyProcessesThereAre() {
        mmu.read64(KERNEL);
        for (int i = 0; i < 500; i++) {
            FlatMachine process = new FlatMachine();
            process.map(USER, 1);
            fill(process.host(USER), 1000 + i);
            copyEntry(machine.root, process.root, KERNEL);
            mmu.setRoot(process.root);
            assertThat(mmu.read64(USER)).isEqualTo(1000 + i);
            assertReadsWithoutWalk(KERNEL, 3);
        }
        mmu.setRoot(machine.root);
        assertThat(mmu.read64(USER)).isEqualTo(1);
    }

    @Test
    void numberThatIsGivenAgainBringsNothingBack() {
        mmu.setRoot(machine.root);
        long number = mmu.asid(USER);
        mmu.read64(USER);
        mmu.setRoot(second.root);
        int flushes = 0;
        do {
            mmu.flushAll();
            flushes++;
        } while (mmu.asid(USER) != number && flushes < 10_000);
        assertThat(mmu.asid(USER)).isEqualTo(number);
        assertThat(mmu.read64(USER)).isEqualTo(2);
    }

    @Test
    void whatASiblingChangedBeforeItLinkedATableIsSeenWithTheLink() {
        long other = FlatMachine.newFrame();
        fill(other << Ram.PAGE_SHIFT, 9);
        mmu.read64(USER);
        long bare = FlatMachine.newFrame();
        mmu.setRoot(bare);
        second.cpu.mmu().setRoot(machine.root);
        long entry = second.cpu.mmu().pteMachineAddress(USER); // its host address, too
        Ram.putLong(entry, other << Ram.PAGE_SHIFT | FLAGS);
        mmu.mailbox().postDropPage(USER);
        Ram.copy(machine.root << Ram.PAGE_SHIFT, bare << Ram.PAGE_SHIFT, Ram.PAGE_SIZE);
        assertThat(mmu.read64(KERNEL)).isEqualTo(3);
        assertThat(mmu.read64(USER)).isEqualTo(9);
    }

    /** A unit of one half asks for any address under that half's number. */
    @Test
    void halvesOfOneRootHaveTwoNumbersEvenIfTheirContentIsEqual() {
        long low = 20L << 39;
        long high = -1L << 47 | low;
        long root = FlatMachine.newFrame();
        long entry = Ram.getLong(entryAt(machine.root, USER)) | Pte.ACCESSED;
        Ram.putLong(entryAt(root, low), entry);
        Ram.putLong(entryAt(root, high), entry);
        mmu.setRoot(root);
        assertThat(mmu.asid(high)).isNotEqualTo(mmu.asid(low));
    }
}

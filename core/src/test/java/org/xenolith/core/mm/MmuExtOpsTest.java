package org.xenolith.core.mm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.params.provider.Arguments.arguments;
import static org.xenolith.core.abi.XenErrno.EACCES;
import static org.xenolith.core.abi.XenErrno.EFAULT;
import static org.xenolith.core.abi.XenErrno.EINVAL;
import static org.xenolith.core.abi.XenErrno.ENOSYS;
import static org.xenolith.core.abi.XenErrno.EOPNOTSUPP;
import static org.xenolith.core.abi.XenErrno.ESRCH;
import static org.xenolith.core.mm.TestDomain.ARGUMENTS;
import static org.xenolith.core.mm.TestDomain.DONE;
import static org.xenolith.core.mm.TestDomain.RO;
import static org.xenolith.core.mm.TestDomain.RW;
import static org.xenolith.core.mm.TestDomain.TABLE;
import static org.xenolith.core.mm.TestDomain.entry;

import org.junit.jupiter.api.Named;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.xenolith.core.abi.AddressSpace;
import org.xenolith.core.abi.DomId;
import org.xenolith.core.abi.MmuCommand;
import org.xenolith.core.abi.MmuExtOp;
import org.xenolith.cpu.mmu.Mmu;

import java.util.concurrent.atomic.AtomicLong;
import java.util.function.ToLongFunction;
import java.util.stream.Stream;

class MmuExtOpsTest {
    private static final long NOT_MAPPED = 0x70000000L;

    /** Where a test puts the bitmap of the vCPUs to flush. */
    private static final long VCPUS = 0x3000;

    private final TestDomain domain = new TestDomain();
    private final FrameTable frames = domain.frames;

    /** A second address space that shares the tables below the root. */
    private long secondRoot() {
        long root = domain.page();
        domain.set(root, 0, entry(domain.l3, TABLE));
        return root;
    }

    @Test
    void loadedRootIsHeldUntilAnotherIsLoaded() {
        long root = secondRoot();
        assertThat(domain.extOp(MmuExtOp.NEW_BASEPTR, root, 0)).isZero();
        assertThat(domain.vcpu.basePtr()).isEqualTo(root);
        assertThat(frames.type(root)).isEqualTo(FrameType.L4_TABLE);
        assertThat(frames.typeCount(root)).isEqualTo(1);
        assertThat(frames.typeCount(domain.l4)).as("only pinned now").isEqualTo(1);
        assertThat(frames.typeCount(domain.l3)).isEqualTo(2);
        assertThat(domain.extOp(MmuExtOp.NEW_BASEPTR, domain.l4, 0)).isZero();
        assertThat(frames.typeCount(root)).isZero();
        assertThat(frames.typeCount(domain.l3)).isEqualTo(1);
    }

    @Test
    void rootThatCannotBeOneLeavesTheOldLoaded() {
        for (long mfn : new long[] {domain.l1, domain.pages[0], 0, -1, frames.limitMfn()}) {
            assertThat(domain.extOp(MmuExtOp.NEW_BASEPTR, mfn, 0)).isEqualTo(-EINVAL);
            assertThat(domain.vcpu.basePtr()).isEqualTo(domain.l4);
        }
        assertThat(frames.typeCount(domain.l4)).isEqualTo(2);
    }

    @Test
    void userRootIsHeldAndCanBeNone() {
        long root = secondRoot();
        assertThat(domain.extOp(MmuExtOp.NEW_USER_BASEPTR, root, 0)).isZero();
        assertThat(domain.vcpu.userBasePtr()).isEqualTo(root);
        assertThat(domain.vcpu.basePtr()).isEqualTo(domain.l4);
        assertThat(domain.extOp(MmuExtOp.NEW_USER_BASEPTR, root, 0)).isZero();
        assertThat(frames.typeCount(root)).isEqualTo(1);
        assertThat(domain.extOp(MmuExtOp.NEW_USER_BASEPTR, 0, 0)).isZero();
        assertThat(domain.vcpu.userBasePtr()).isZero();
        assertThat(frames.typeCount(root)).isZero();
    }

    @Test
    void unpinnedRootThatIsLoadedStaysATable() {
        assertThat(domain.extOp(MmuExtOp.UNPIN_TABLE, domain.l4, 0)).isZero();
        assertThat(frames.typeCount(domain.l4)).isEqualTo(1);
        assertThat(frames.typeCount(domain.l1)).isEqualTo(1);
    }

    @Test
    void flushWalksToNoPageAgain() {
        Mmu mmu = domain.vcpu.mmu();
        mmu.read64(0x5000);
        mmu.write64(0x3000, 0b01);
        mmu.write64(TestDomain.ARGUMENTS, 0);
        long walks = mmu.walks();
        assertThat(domain.extOp(MmuExtOp.TLB_FLUSH_LOCAL, 0, 0)).isZero();
        assertThat(domain.extOp(MmuExtOp.TLB_FLUSH_ALL, 0, 0)).isZero();
        assertThat(domain.extOp(MmuExtOp.TLB_FLUSH_MULTI, 0, 0x3000)).isZero();
        assertThat(domain.extOp(MmuExtOp.INVLPG_LOCAL, 0x5000, 0)).isZero();
        assertThat(domain.extOp(MmuExtOp.INVLPG_ALL, 0x5000, 0)).isZero();
        assertThat(domain.extOp(MmuExtOp.INVLPG_MULTI, 0x5000, 0x3000)).isZero();
        mmu.read64(0x5000);
        assertThat(mmu.walks()).isEqualTo(walks);
        assertThat(domain.extOp(MmuExtOp.TLB_FLUSH_MULTI, 0, NOT_MAPPED)).isEqualTo(-EINVAL);
    }

    @Test
    void flushTakesInWhatASiblingHasPosted() {
        TestDomain.Vcpu sibling = domain.addVcpu();
        sibling.tlb().dropPage(0x5000);
        assertThat(domain.vcpu.mmu().mailbox().isEmpty()).isFalse();
        assertThat(domain.extOp(MmuExtOp.TLB_FLUSH_LOCAL, 0, 0)).isZero();
        assertThat(domain.vcpu.mmu().mailbox().isEmpty()).isTrue();
    }

    @ParameterizedTest
    @MethodSource("flushes")
    void flushTakesInTheChangeThatASiblingIsJustMaking(int command, long argument)
            throws InterruptedException {
        TestDomain.Vcpu sibling = domain.addVcpu();
        long arg1 = command == MmuExtOp.NEW_BASEPTR ? domain.l4 : argument;
        Thread flushing;
        frames.lock.lock();
        try {
            // The sibling has changed an entry, and the guest may have seen that.
            flushing = Thread.ofPlatform().start(() -> domain.extOp(command, arg1, argument));
            while (flushing.isAlive() && !frames.lock.hasQueuedThread(flushing)) {
                Thread.onSpinWait();
            }
            sibling.tlb().dropPage(0x5000);
        } finally {
            frames.lock.unlock();
        }
        flushing.join();
        assertThat(domain.vcpu.mmu().mailbox().isEmpty()).isTrue();
    }

    private static Stream<Arguments> flushes() {
        return Stream.of(
                arguments(MmuExtOp.TLB_FLUSH_LOCAL, 0L),
                arguments(MmuExtOp.INVLPG_LOCAL, 0x5000L),
                arguments(MmuExtOp.TLB_FLUSH_MULTI, 0x3000L),
                arguments(MmuExtOp.TLB_FLUSH_ALL, 0L),
                arguments(MmuExtOp.NEW_BASEPTR, 0L));
    }

    @ParameterizedTest
    @MethodSource("flushesOfAll")
    @Timeout(60)
    void flushReturnsWhenRunningSiblingsHaveDoneIt(ToLongFunction<TestDomain> flush)
            throws InterruptedException {
        TestDomain.Vcpu sibling = domain.addVcpu();
        sibling.tlb().enter();
        domain.vcpu.mmu().write64(VCPUS, 0b10);
        domain.vcpu.tlb().dropPage(0x5000);
        AtomicLong result = new AtomicLong();
        Thread flushing =
                Thread.ofPlatform().daemon().start(() -> result.set(flush.applyAsLong(domain)));
        assertThat(sibling.isAwaitedBy(flushing)).isTrue();
        assertThat(sibling.mmu().mailbox().isEmpty()).isFalse();
        sibling.tlb().pollPoint();
        assertThat(sibling.mmu().mailbox().isEmpty()).isTrue();
        flushing.join();
        assertThat(result.get()).isZero();
        sibling.tlb().leave();
    }

    private static Stream<Named<ToLongFunction<TestDomain>>> flushesOfAll() {
        return Stream.of(
                Named.of("flush all", d -> d.extOp(MmuExtOp.TLB_FLUSH_ALL, 0, 0)),
                Named.of("flush some", d -> d.extOp(MmuExtOp.TLB_FLUSH_MULTI, 0, VCPUS)),
                Named.of("page of all", d -> d.extOp(MmuExtOp.INVLPG_ALL, 0x5000, 0)),
                Named.of("page of some", d -> d.extOp(MmuExtOp.INVLPG_MULTI, 0x5000, VCPUS)),
                Named.of(
                        "unmap and flush all",
                        d -> unmap(d, MmuCommand.UVMF_TLB_FLUSH | MmuCommand.UVMF_ALL)),
                Named.of(
                        "unmap for all",
                        d -> unmap(d, MmuCommand.UVMF_INVLPG | MmuCommand.UVMF_ALL)),
                Named.of("unmap for some", d -> unmap(d, MmuCommand.UVMF_INVLPG | VCPUS)));
    }

    private static long unmap(TestDomain domain, long flags) {
        return domain.updateVaMapping.handle(domain.vcpu, 0x5000, 0, flags);
    }

    @Test
    void flushOfOthersDoesNotWaitForThoseThatAreNotNamed() {
        TestDomain.Vcpu sibling = domain.addVcpu();
        sibling.tlb().enter();
        domain.vcpu.mmu().write64(VCPUS, 0b01);
        domain.vcpu.tlb().dropPage(0x5000);
        assertThat(domain.extOp(MmuExtOp.TLB_FLUSH_MULTI, 0, VCPUS)).isZero();
        assertThat(domain.extOp(MmuExtOp.TLB_FLUSH_LOCAL, 0, 0)).isZero();
        assertThat(sibling.isKicked()).isFalse();
        sibling.tlb().leave();
    }

    @Test
    void localDescriptorTableIsCheckedAndSet() {
        assertThat(domain.extOp(MmuExtOp.SET_LDT, 0x5000, 16)).isZero();
        assertThat(domain.vcpu.ldtVaddr).isEqualTo(0x5000);
        assertThat(domain.vcpu.ldtEntries).isEqualTo(16);
        assertThat(domain.extOp(MmuExtOp.SET_LDT, 0x5008, 16)).isEqualTo(-EINVAL);
        assertThat(domain.extOp(MmuExtOp.SET_LDT, 0x5000, 8193)).isEqualTo(-EINVAL);
        assertThat(domain.extOp(MmuExtOp.SET_LDT, 0x5000, -1)).isEqualTo(-EINVAL);
        assertThat(domain.extOp(MmuExtOp.SET_LDT, 1L << 50, 16)).isEqualTo(-EINVAL);
        assertThat(domain.extOp(MmuExtOp.SET_LDT, AddressSpace.MACH2PHYS_VIRT_START, 16))
                .as("in the hypervisor's part")
                .isEqualTo(-EINVAL);
        assertThat(domain.extOp(MmuExtOp.SET_LDT, 1L << 50, 0)).isZero();
        assertThat(domain.vcpu.ldtEntries).isZero();
    }

    @Test
    void pagesAreClearedAndCopiedButNeverTables() {
        domain.set(domain.pages[9], 5, 55);
        assertThat(domain.extOp(MmuExtOp.COPY_PAGE, domain.pages[10], domain.pages[9])).isZero();
        assertThat(domain.get(domain.pages[10], 5)).isEqualTo(55);
        assertThat(domain.extOp(MmuExtOp.CLEAR_PAGE, domain.pages[9], 0)).isZero();
        assertThat(domain.get(domain.pages[9], 5)).isZero();
        assertThat(domain.extOp(MmuExtOp.CLEAR_PAGE, domain.l1, 0)).isEqualTo(-EINVAL);
        assertThat(domain.extOp(MmuExtOp.COPY_PAGE, domain.l1, domain.pages[9])).isEqualTo(-EINVAL);
        assertThat(domain.extOp(MmuExtOp.COPY_PAGE, domain.pages[9], -1)).isEqualTo(-EINVAL);
        assertThat(frames.references(domain.pages[9])).isEqualTo(2);
    }

    @Test
    void unknownAndForbiddenOperationsHaveXensAnswers() {
        assertThat(domain.extOp(MmuExtOp.FLUSH_CACHE, 0, 0)).isEqualTo(-EACCES);
        assertThat(domain.extOp(MmuExtOp.MARK_SUPER, 0, 0)).isEqualTo(-EOPNOTSUPP);
        assertThat(domain.extOp(14, 0, 0)).isEqualTo(-ENOSYS);
        assertThat(domain.extOp(-1, 0, 0)).isEqualTo(-ENOSYS);
        assertThat(domain.mmuExtOps.handle(domain.vcpu, ARGUMENTS, 1, 0, 3)).isEqualTo(-ESRCH);
    }

    @Test
    void operationsBeforeTheBadOneAreCounted() {
        long table = domain.page();
        domain.vcpu.mmu().write32(ARGUMENTS, MmuExtOp.PIN_L1_TABLE);
        domain.vcpu.mmu().write64(ARGUMENTS + 8, table);
        domain.vcpu.mmu().write32(ARGUMENTS + 24, MmuExtOp.PIN_L1_TABLE);
        domain.vcpu.mmu().write64(ARGUMENTS + 32, table);
        assertThat(domain.mmuExtOps.handle(domain.vcpu, ARGUMENTS, 2, DONE, DomId.SELF))
                .isEqualTo(-EINVAL);
        assertThat(domain.vcpu.mmu().read32(DONE)).isEqualTo(1);
        assertThat(frames.isPinned(table)).isTrue();
        assertThat(domain.mmuExtOps.handle(domain.vcpu, NOT_MAPPED, 1, 0, DomId.SELF))
                .isEqualTo(-EFAULT);
    }

    @Test
    void descriptorPageIsTypedWhileItIsAGdt() {
        long page = domain.pages[9];
        domain.set(page, 2, 0x00af9b000000ffffL);
        domain.vcpu.mmu().write64(0x3000, page);
        assertThat(domain.descriptors.setGdt(domain.vcpu, 0x3000, 16))
                .as("mapped writable")
                .isEqualTo(-EINVAL);
        assertThat(domain.update(domain.l1, 9, entry(page, RO))).isZero();
        assertThat(domain.descriptors.setGdt(domain.vcpu, 0x3000, 16)).isZero();
        assertThat(domain.vcpu.gdtMfns()).containsExactly(page);
        assertThat(domain.get(page, 2)).as("lowered to ring 3").isEqualTo(0x00affb000000ffffL);
        assertThat(domain.update(domain.l1, 9, entry(page, RW))).isNegative();
        assertThat(domain.descriptors.setGdt(domain.vcpu, 0x3000, 0)).isZero();
        assertThat(domain.update(domain.l1, 9, entry(page, RW))).isZero();
        assertThat(domain.descriptors.setGdt(domain.vcpu, 0x3000, 7169)).isEqualTo(-EINVAL);
        assertThat(domain.descriptors.setGdt(domain.vcpu, NOT_MAPPED, 1)).isEqualTo(-EFAULT);
    }

    @Test
    void gatesAreRefusedInDescriptorPages() {
        long gate = 0x00008c0000000000L;
        long page = domain.pages[9];
        assertThat(domain.update(domain.l1, 9, entry(page, RO))).isZero();
        domain.set(page, 500, gate);
        domain.vcpu.mmu().write64(0x3000, page);
        assertThat(domain.descriptors.setGdt(domain.vcpu, 0x3000, 16)).isEqualTo(-EINVAL);
        domain.set(page, 500, 0);
        assertThat(domain.descriptors.setGdt(domain.vcpu, 0x3000, 16)).isZero();
        long maddr = page << 12;
        assertThat(domain.descriptors.updateDescriptor(domain.vcpu, maddr + 24, gate))
                .isEqualTo(-EINVAL);
        assertThat(domain.descriptors.updateDescriptor(domain.vcpu, maddr + 4, 0))
                .isEqualTo(-EINVAL);
        assertThat(domain.descriptors.updateDescriptor(domain.vcpu, domain.l1 << 12, 0))
                .isEqualTo(-EINVAL);
        assertThat(domain.descriptors.updateDescriptor(domain.vcpu, -8, 0)).isEqualTo(-EINVAL);
        assertThat(
                        domain.descriptors.updateDescriptor(
                                domain.vcpu, maddr + 24, 0x00cff3000000ffffL))
                .isZero();
        assertThat(domain.get(page, 3)).isEqualTo(0x00cff3000000ffffL);
    }
}

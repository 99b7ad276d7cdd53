package org.xenolith.core.hypercall;

import static org.assertj.core.api.Assertions.assertThat;
import static org.xenolith.core.abi.XenErrno.EEXIST;
import static org.xenolith.core.abi.XenErrno.EFAULT;
import static org.xenolith.core.abi.XenErrno.EINVAL;
import static org.xenolith.core.abi.XenErrno.ENOENT;
import static org.xenolith.core.domain.PvGuest.ARGUMENTS;
import static org.xenolith.core.domain.PvGuest.NON_CANONICAL;
import static org.xenolith.core.domain.PvGuest.UNMAPPED;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.xenolith.core.abi.Hypercall;
import org.xenolith.core.abi.VcpuGuestContext;
import org.xenolith.core.abi.VcpuGuestContext.UserRegs;
import org.xenolith.core.abi.VcpuInfo;
import org.xenolith.core.abi.VcpuInfo.Time;
import org.xenolith.core.domain.DomainEnd;
import org.xenolith.core.domain.PvGuest;
import org.xenolith.core.domain.VirtualCpu;
import org.xenolith.core.mm.TestDomain;
import org.xenolith.cpu.mmu.Mmu;
import org.xenolith.cpu.mmu.Ram;

import java.util.Arrays;

/** {@code vcpu_op}: timers, areas, and virtual CPUs that come up and go down. */
class VcpuOpTest {
    private static final int VCPUOP_INITIALISE = 0;
    private static final int VCPUOP_UP = 1;
    private static final int VCPUOP_DOWN = 2;
    private static final int VCPUOP_IS_UP = 3;
    private static final int VCPUOP_GET_RUNSTATE = 4;
    private static final int VCPUOP_REGISTER_RUNSTATE = 5;
    private static final int VCPUOP_SET_PERIODIC = 6;
    private static final int VCPUOP_SET_SINGLESHOT = 8;
    private static final int VCPUOP_STOP_SINGLESHOT = 9;
    private static final int VCPUOP_REGISTER_VCPU_INFO = 10;
    private static final int VCPUOP_REGISTER_TIME_AREA = 13;

    /** What {@code xen_version(0)} returns: 4.17. */
    private static final long VERSION = 0x40011;

    private final PvGuest.FakeClock clock = new PvGuest.FakeClock();
    private final PvGuest guest = new PvGuest(2, clock);
    private final VirtualCpu vcpu = guest.vcpu(0);
    private final VirtualCpu sibling = guest.vcpu(1);
    private final Mmu mmu = vcpu.mmu();

    private long call(int number, long... arguments) {
        return guest.call(vcpu, number, arguments);
    }

    private long vcpuOp(int command, long id) {
        return call(Hypercall.VCPU_OP, command, id, ARGUMENTS);
    }

    @ParameterizedTest
    @CsvSource({"2", "8191", "-1", "4294967296"})
    void vcpuThatDoesNotExistIsNotFound(long id) {
        for (int command = 0; command < 14; command++) {
            assertThat(vcpuOp(command, id)).isEqualTo(-ENOENT);
        }
    }

    @Test
    void oneShotTimerIsTheCallersOwnAndThePastIsNoError() {
        clock.now = 1_000_000;
        mmu.write64(ARGUMENTS, 5);
        assertThat(vcpuOp(VCPUOP_SET_SINGLESHOT, 0)).isZero();
        assertThat(vcpu.timers.oneShotDeadline()).isEqualTo(5);
        assertThat(vcpuOp(VCPUOP_SET_SINGLESHOT, 1)).isEqualTo(-EINVAL);
        assertThat(vcpuOp(VCPUOP_STOP_SINGLESHOT, 0)).isZero();
        assertThat(vcpu.timers.oneShotDeadline()).isEqualTo(VirtualCpu.NEVER);
        mmu.write64(ARGUMENTS, -1);
        assertThat(vcpuOp(VCPUOP_SET_SINGLESHOT, 0)).isZero();
        assertThat(vcpu.timers.oneShotDeadline()).as("long ago").isZero();
    }

    @Test
    void timerOpSetsAndCancels() {
        assertThat(call(Hypercall.SET_TIMER_OP, 99)).isZero();
        assertThat(vcpu.timers.oneShotDeadline()).isEqualTo(99);
        assertThat(call(Hypercall.SET_TIMER_OP, 0)).isZero();
        assertThat(vcpu.timers.oneShotDeadline()).isEqualTo(VirtualCpu.NEVER);
    }

    @Test
    void periodicTimerIsNeitherTooFastNorOverflows() {
        mmu.write64(ARGUMENTS, 999_999);
        assertThat(vcpuOp(VCPUOP_SET_PERIODIC, 0)).isEqualTo(-EINVAL);
        mmu.write64(ARGUMENTS, Long.MAX_VALUE);
        clock.now = 10;
        assertThat(vcpuOp(VCPUOP_SET_PERIODIC, 0)).isZero();
        assertThat(vcpu.timers.periodicDeadline()).isEqualTo(VirtualCpu.NEVER);
    }

    private long registerInfo(long id, long mfn, int offset) {
        mmu.write64(ARGUMENTS, mfn);
        mmu.write32(ARGUMENTS + 8, offset);
        return vcpuOp(VCPUOP_REGISTER_VCPU_INFO, id);
    }

    @Test
    void registeredVcpuInfoHasTheOldContentAndOneSpuriousUpcall() {
        vcpu.info.setUpcallMask(true);
        assertThat(registerInfo(0, guest.memory.pages[5], 128)).isZero();
        long at = 0x5000 + 128;
        assertThat(mmu.read8(at + VcpuInfo.EVTCHN_UPCALL_MASK)).isEqualTo(1);
        assertThat(mmu.read8(at + VcpuInfo.EVTCHN_UPCALL_PENDING)).isEqualTo(1);
        assertThat(mmu.read64(at + VcpuInfo.EVTCHN_PENDING_SEL)).isEqualTo(-1);
        assertThat(mmu.read32(at + VcpuInfo.TIME + Time.VERSION) % 2).isZero();
        assertThat(mmu.read32(at + VcpuInfo.TIME + Time.TSC_TO_SYSTEM_MUL)).isNotZero();
        assertThat(registerInfo(0, guest.memory.pages[6], 0)).as("once only").isEqualTo(-EINVAL);
    }

    @Test
    void vcpuInfoMayNotLieInAPageTable() {
        mmu.write64(ARGUMENTS, 0);
        byte[] before = guest.page(guest.memory.l1);
        assertThat(registerInfo(0, guest.memory.l1, 0)).isEqualTo(-EINVAL);
        assertThat(Arrays.equals(guest.page(guest.memory.l1), before)).isTrue();
        assertThat(registerInfo(0, guest.memory.l4, 0)).isEqualTo(-EINVAL);
    }

    @Test
    void vcpuInfoMayNotLieOutsideItsPageOrTheDomain() {
        long mfn = guest.memory.pages[5];
        assertThat(registerInfo(0, mfn, 4096 - 56)).isEqualTo(-EINVAL);
        assertThat(registerInfo(0, mfn, -64)).isEqualTo(-EINVAL);
        assertThat(registerInfo(0, mfn, 4)).isEqualTo(-EINVAL);
        assertThat(registerInfo(0, -1, 0)).isEqualTo(-EINVAL);
        assertThat(registerInfo(0, 1L << 40, 0)).isEqualTo(-EINVAL);
    }

    @Test
    void frameOfAVcpuInfoBecomesNoPageTable() {
        long mfn = guest.memory.page();
        assertThat(registerInfo(0, mfn, 0)).isZero();
        assertThat(guest.memory.extOp(0, mfn, 0)).as("pin it as L1").isNegative();
    }

    @Test
    void timeAreaAcrossTwoPagesStaysWithinThem() {
        long mfnBehind = guest.memory.pages[6];
        Ram.fill(guest.memory.frames.frame(mfnBehind), Ram.PAGE_SIZE, 0x5a);
        // Pages 5 and 7 are neighbours of the guest's making: its frames lie elsewhere.
        guest.memory.update(
                guest.memory.l1, 6, TestDomain.entry(guest.memory.pages[7], TestDomain.RW));
        mmu.write64(ARGUMENTS, 0x6000 - 11);
        assertThat(vcpuOp(VCPUOP_REGISTER_TIME_AREA, 0)).isZero();
        assertThat(mmu.read32(0x6000 - 11 + Time.TSC_TO_SYSTEM_MUL)).isEqualTo(0x8000_0000);
        byte[] behind = guest.page(mfnBehind);
        for (byte b : behind) {
            assertThat(b).isEqualTo((byte) 0x5a);
        }
        mmu.write64(ARGUMENTS, UNMAPPED);
        assertThat(vcpuOp(VCPUOP_REGISTER_TIME_AREA, 0)).isEqualTo(-EFAULT);
        mmu.write64(ARGUMENTS, 0);
        assertThat(vcpuOp(VCPUOP_REGISTER_TIME_AREA, 0)).isZero();
    }

    @Test
    void runstateCountsTheTimeOfThePresentStateToo() {
        vcpu.runstate.set(2, 100);
        vcpu.runstate.set(0, 1100);
        clock.now = 1500;
        assertThat(vcpuOp(VCPUOP_GET_RUNSTATE, 0)).isZero();
        assertThat(mmu.read32(ARGUMENTS)).isZero();
        assertThat(mmu.read64(ARGUMENTS + 8)).isEqualTo(1100);
        assertThat(mmu.read64(ARGUMENTS + 16)).as("running").isEqualTo(400);
        assertThat(mmu.read64(ARGUMENTS + 32)).as("blocked").isEqualTo(1000);
    }

    @Test
    void runstateAreaOfASiblingIsWrittenByTheSiblingOnly() {
        mmu.write64(ARGUMENTS, 0x5000);
        mmu.write32(0x5000, 0x1234);
        assertThat(vcpuOp(VCPUOP_REGISTER_RUNSTATE, 1)).isZero();
        assertThat(mmu.read32(0x5000)).isEqualTo(0x1234);
        sibling.runstate.set(0, 10);
        sibling.runstate.publish();
        assertThat(mmu.read64(0x5008)).isEqualTo(10);
    }

    @Test
    void runstateAreaThatIsGoneIsForgotten() {
        mmu.write64(ARGUMENTS, UNMAPPED);
        assertThat(vcpuOp(VCPUOP_REGISTER_RUNSTATE, 0)).isZero();
        vcpu.runstate.publish();
        assertThat(vcpu.runstate.area()).isZero();
    }

    @Test
    void lastVcpuThatGoesDownPowersTheDomainOff() {
        assertThat(vcpuOp(VCPUOP_DOWN, 1)).isZero();
        assertThat(vcpuOp(VCPUOP_IS_UP, 1)).isZero();
        assertThat(guest.domain.hasEnded()).isFalse();
        assertThat(vcpuOp(VCPUOP_DOWN, 0)).isZero();
        assertThat(guest.domain.ending().reason()).isEqualTo(DomainEnd.SHUTDOWN_POWEROFF);
    }

    @Test
    void vcpuThatWasNeverInitialisedCannotComeUp() {
        sibling.initialised = false;
        sibling.down = true;
        assertThat(vcpuOp(VCPUOP_UP, 1)).isEqualTo(-EINVAL);
        assertThat(vcpuOp(VCPUOP_INITIALISE, 0)).isEqualTo(-EEXIST);
    }

    private void context(long root, long rip) {
        long at = 0x10000;
        mmu.copyTo(at, new byte[VcpuGuestContext.SIZE], 0, VcpuGuestContext.SIZE);
        mmu.write64(at + VcpuGuestContext.CTRLREG + 24, root << Ram.PAGE_SHIFT);
        mmu.write64(at + VcpuGuestContext.USER_REGS + UserRegs.RIP, rip);
        mmu.write64(at + VcpuGuestContext.USER_REGS + UserRegs.RFLAGS, 0x1000);
        mmu.write64(at + VcpuGuestContext.USER_REGS + UserRegs.CS, 0x10);
    }

    private long initialise() {
        return call(Hypercall.VCPU_OP, VCPUOP_INITIALISE, 1, 0x10000);
    }

    /** A snapshot of such a vCPU could not be restored. */
    @ParameterizedTest
    @ValueSource(longs = {NON_CANONICAL, 0xffff_8000_0000_0000L, 0x5008})
    void newVcpuWithItsLdtWhereNoneCanBeIsRefused(long base) {
        sibling.initialised = false;
        context(guest.memory.l4, 0x8000);
        mmu.write64(0x10000 + VcpuGuestContext.LDT_BASE, base);
        mmu.write64(0x10000 + VcpuGuestContext.LDT_ENTS, 1);
        assertThat(initialise()).isEqualTo(-EINVAL);
        mmu.write64(0x10000 + VcpuGuestContext.LDT_ENTS, 0);
        assertThat(initialise()).as("without entries").isZero();
        assertThat(sibling.descriptors.ldtBase()).isZero();
    }

    @Test
    void newVcpuWithAStackPointerThatIsNotCanonicalIsRefused() {
        sibling.initialised = false;
        context(guest.memory.l4, 0x8000);
        mmu.write64(0x10000 + VcpuGuestContext.USER_REGS + UserRegs.RSP, NON_CANONICAL);
        assertThat(initialise()).isEqualTo(-EINVAL);
    }

    @Test
    void contextOfANewVcpuIsCheckedAndLoaded() {
        sibling.initialised = false;
        context(guest.memory.pages[3], 0x8000);
        assertThat(initialise()).as("the root is no L4 table").isEqualTo(-EINVAL);
        context(guest.memory.l4, NON_CANONICAL);
        assertThat(initialise()).isEqualTo(-EINVAL);
        context(guest.memory.l4, 0x8000);
        mmu.write64(0x10000 + VcpuGuestContext.GDT_ENTS, 1L << 32);
        assertThat(initialise()).isEqualTo(-EINVAL);
        mmu.write64(0x10000 + VcpuGuestContext.GDT_ENTS, 0);
        mmu.write64(0x10000 + VcpuGuestContext.LDT_ENTS, -1);
        assertThat(initialise()).isEqualTo(-EINVAL);
        assertThat(sibling.initialised).isFalse();
        context(guest.memory.l4, 0x8000);
        assertThat(initialise()).isZero();
        assertThat(sibling.cpu().rip).isEqualTo(0x8000);
        assertThat(sibling.cpu().selectors[1]).isEqualTo(0x13);
        assertThat(sibling.ioPrivilege.level()).isEqualTo(1);
        assertThat(initialise()).isEqualTo(-EEXIST);
    }
}

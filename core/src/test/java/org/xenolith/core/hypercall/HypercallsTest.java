package org.xenolith.core.hypercall;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.xenolith.core.abi.XenErrno.EFAULT;
import static org.xenolith.core.abi.XenErrno.EINVAL;
import static org.xenolith.core.abi.XenErrno.ENOSYS;
import static org.xenolith.core.abi.XenErrno.EOPNOTSUPP;
import static org.xenolith.core.abi.XenErrno.EPERM;
import static org.xenolith.core.domain.PvGuest.ARGUMENTS;
import static org.xenolith.core.domain.PvGuest.NON_CANONICAL;
import static org.xenolith.core.domain.PvGuest.UNMAPPED;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.xenolith.core.abi.Hypercall;
import org.xenolith.core.abi.TrapInfo;
import org.xenolith.core.domain.Domain;
import org.xenolith.core.domain.DomainEnd;
import org.xenolith.core.domain.PvGuest;
import org.xenolith.core.domain.Selectors;
import org.xenolith.core.domain.VirtualCpu;
import org.xenolith.core.domain.Waits.For;
import org.xenolith.cpu.Cpu;
import org.xenolith.cpu.GuestFault;
import org.xenolith.cpu.Platform;
import org.xenolith.cpu.Vector;
import org.xenolith.cpu.mmu.Mmu;

import java.nio.charset.StandardCharsets;

/** Hypercalls as a guest makes them, most of all one that means no good. */
class HypercallsTest {
    /** What {@code xen_version(0)} returns: 4.17. */
    private static final long VERSION = 0x40011;

    private static final int VCPUOP_SET_SINGLESHOT = 8;

    private final PvGuest.FakeClock clock = new PvGuest.FakeClock();
    private final PvGuest guest = new PvGuest(2, clock);
    private final VirtualCpu vcpu = guest.vcpu(0);
    private final Mmu mmu = vcpu.mmu();
    private final Platform platform = vcpu.cpu().platform();

    private long call(int number, long... arguments) {
        return guest.call(vcpu, number, arguments);
    }

    @ParameterizedTest
    @CsvSource({"11", "22", "27", "43", "63", "64", "4096", "-1"})
    void numberThatIsNoHypercallIsNotImplemented(int number) {
        assertThat(call(number)).isEqualTo(-ENOSYS);
    }

    @ParameterizedTest
    @CsvSource({
        "SET_TRAP_TABLE,0", "CALLBACK_OP,1", "VCPU_OP,2", "SCHED_OP,1", "EVENT_CHANNEL_OP,1",
        "PHYSDEV_OP,1", "XEN_VERSION,1", "CONSOLE_IO,2", "MULTICALL,0", "MEMORY_OP,1",
        "MMU_UPDATE,0", "MMUEXT_OP,0", "SET_GDT,0"
    })
    void pointerThatLeadsNowhereIsAFault(String name, int position) throws Exception {
        int number = Hypercall.class.getField(name).getInt(null);
        int[] commands = {0, 0};
        switch (number) {
            case Hypercall.VCPU_OP -> commands[0] = VCPUOP_SET_SINGLESHOT;
            case Hypercall.SCHED_OP -> commands[0] = 2;
            case Hypercall.EVENT_CHANNEL_OP, Hypercall.PHYSDEV_OP -> commands[0] = 6;
            case Hypercall.XEN_VERSION -> commands[0] = 1;
            case Hypercall.MEMORY_OP -> commands[0] = 9;
            case Hypercall.CONSOLE_IO -> commands[1] = 8;
            default -> {}
        }
        for (long pointer : new long[] {UNMAPPED, NON_CANONICAL}) {
            long[] arguments = {commands[0], commands[1], 1, 0x7ff0};
            if (position == 0) {
                arguments[1] = 1;
                arguments[2] = 0;
            }
            arguments[position] = pointer;
            assertThat(call(number, arguments)).isEqualTo(-EFAULT);
        }
        assertThat(guest.domain.hasEnded()).isFalse();
    }

    @Test
    void extensionAnswersWhatXenDoesNotHaveAndNothingElse() {
        guest.hypercalls.extend(
                (caller, number, a1, a2, a3, a4) ->
                        number == Hypercall.ARCH_7
                                ? a1 + caller.mmu().read32(a2) + a3 + a4
                                : -ENOSYS);
        mmu.write32(ARGUMENTS, 20);
        assertThat(call(Hypercall.ARCH_7, 1, ARGUMENTS, 300, 4000)).isEqualTo(4321);
        assertThat(call(Hypercall.ARCH_7, 1, UNMAPPED, 0, 0)).isEqualTo(-EFAULT);
        assertThat(call(Hypercall.ARCH_0)).isEqualTo(-ENOSYS);
        assertThat(call(Hypercall.XEN_VERSION, 0)).isEqualTo(VERSION);
    }

    @Test
    void hypercallChangesOnlyRaxRcxAndR11() {
        Cpu cpu = vcpu.cpu();
        for (int i = 0; i < 16; i++) {
            cpu.r[i] = 1000 + i;
        }
        cpu.r[Cpu.RAX] = Hypercall.XEN_VERSION;
        cpu.r[Cpu.RDI] = 0;
        guest.hypercalls.execute(vcpu);
        assertThat(cpu.r[Cpu.RAX]).isEqualTo(VERSION);
        assertThat(cpu.r[Cpu.RCX]).isEqualTo(cpu.rip);
        assertThat(cpu.r[Cpu.R11]).isEqualTo(cpu.rflags());
        for (int i : new int[] {2, 3, 4, 5, 6, 8, 9, 10, 12, 13, 14, 15}) {
            assertThat(cpu.r[i]).as("register %d", i).isEqualTo(1000 + i);
        }
    }

    @Test
    void featuresHaveWhatLinuxNeedsAndNothingOfDomain0() {
        assertThat(call(Hypercall.XEN_VERSION, 6, ARGUMENTS)).isZero();
        int features = mmu.read32(ARGUMENTS + 4);
        assertThat(features & 0xa0).isEqualTo(0xa0);
        assertThat(features & (1 | 1 << 2 | 1 << 3 | 1 << 11)).isZero();
        mmu.write32(ARGUMENTS, 1);
        assertThat(call(Hypercall.XEN_VERSION, 6, ARGUMENTS)).isEqualTo(-EINVAL);
    }

    @Test
    void privilegedHypercallsAreDenied() {
        assertThat(call(Hypercall.PLATFORM_OP)).isEqualTo(-EPERM);
        assertThat(call(Hypercall.DOMCTL)).isEqualTo(-EPERM);
        assertThat(call(Hypercall.XENPMU_OP)).isEqualTo(-EOPNOTSUPP);
    }

    private void trap(int index, int vector, int flags, long address) {
        long at = ARGUMENTS + (long) index * TrapInfo.SIZE;
        mmu.write8(at + TrapInfo.VECTOR, vector);
        mmu.write8(at + TrapInfo.FLAGS, flags);
        mmu.write64(at + TrapInfo.ADDRESS, address);
    }

    @Test
    void trapTablesMergeAndANullPointerClearsAll() {
        trap(0, 14, 4, 0x1000);
        assertThat(call(Hypercall.SET_TRAP_TABLE, ARGUMENTS)).isZero();
        trap(0, 3, 3, 0x2000);
        assertThat(call(Hypercall.SET_TRAP_TABLE, ARGUMENTS)).isZero();
        assertThat(vcpu.traps.address(14)).isEqualTo(0x1000);
        assertThat(vcpu.traps.masksEvents(14)).isTrue();
        assertThat(vcpu.traps.privilege(3)).isEqualTo(3);
        trap(0, 3, 3, NON_CANONICAL);
        assertThat(call(Hypercall.SET_TRAP_TABLE, ARGUMENTS)).isEqualTo(-EINVAL);
        assertThat(call(Hypercall.SET_TRAP_TABLE, 0)).isZero();
        assertThat(vcpu.traps.address(14)).isZero();
    }

    @Test
    void longTrapTableLetsOthersRunBetweenItsPieces() {
        for (int i = 0; i < 700; i++) {
            trap(i, i & 0xff, 0, 0x1000 + i);
        }
        long[] result = guest.callCounting(vcpu, Hypercall.SET_TRAP_TABLE, ARGUMENTS);
        assertThat(result[0]).isZero();
        assertThat(result[1]).as("calls").isEqualTo(3);
        assertThat(vcpu.traps.address(699 & 0xff)).isEqualTo(0x1000 + 699);
    }

    private long callback(int type, int flags, long address) {
        mmu.write16(ARGUMENTS, type);
        mmu.write16(ARGUMENTS + 2, flags);
        mmu.write64(ARGUMENTS + 8, address);
        return call(Hypercall.CALLBACK_OP, 0, ARGUMENTS);
    }

    @Test
    void callbacksOf64BitGuestsAreRegisteredThoseOf32BitEntriesRefused() {
        assertThat(callback(0, 0, 0x100)).isZero();
        assertThat(callback(1, 0, 0x200)).isZero();
        assertThat(callback(2, 1, 0x300)).isZero();
        assertThat(callback(4, 0, 0x400)).isZero();
        assertThat(vcpu.entry.eventCallback).isEqualTo(0x100);
        assertThat(vcpu.entry.failsafeCallback).isEqualTo(0x200);
        assertThat(vcpu.entry.syscallCallback).isEqualTo(0x300);
        assertThat(vcpu.entry.syscallMasksEvents).isTrue();
        assertThat(vcpu.traps.address(Vector.NMI)).isEqualTo(0x400);
        assertThat(vcpu.traps.masksEvents(Vector.NMI)).isTrue();
        assertThat(callback(5, 0, 0x500)).isNegative();
        assertThat(callback(7, 0, 0x500)).isNegative();
        assertThat(callback(0, 0, NON_CANONICAL)).isEqualTo(-EINVAL);
    }

    @Test
    void segmentBasesAreCanonicalAndKnowTheirMode() {
        assertThat(call(Hypercall.SET_SEGMENT_BASE, 0, 0x11)).isZero();
        assertThat(call(Hypercall.SET_SEGMENT_BASE, 1, 0x22)).isZero();
        assertThat(call(Hypercall.SET_SEGMENT_BASE, 2, 0x33)).isZero();
        assertThat(vcpu.cpu().r[Cpu.FS_BASE]).isEqualTo(0x11);
        assertThat(vcpu.mode.inactiveGsBase()).isEqualTo(0x22);
        assertThat(vcpu.cpu().r[Cpu.GS_BASE]).isEqualTo(0x33);
        assertThat(call(Hypercall.SET_SEGMENT_BASE, 0, NON_CANONICAL)).isEqualTo(-EINVAL);
        assertThat(call(Hypercall.SET_SEGMENT_BASE, 9, 0)).isEqualTo(-EINVAL);
    }

    @Test
    void gsOfTheProcessesIsLoadedAsASelectorWithItsBase() {
        long kernels = vcpu.cpu().r[Cpu.GS_BASE];
        assertThat(call(Hypercall.SET_SEGMENT_BASE, 3, Selectors.FLAT_SS & ~3)).isZero();
        assertThat(vcpu.cpu().selectors[Selectors.GS]).isEqualTo(Selectors.FLAT_SS);
        assertThat(vcpu.mode.inactiveGsBase()).isZero();
        assertThat(vcpu.cpu().r[Cpu.GS_BASE]).as("the kernel's own").isEqualTo(kernels);
        vcpu.mode.setInactiveGsBase(0x22);
        assertThat(call(Hypercall.SET_SEGMENT_BASE, 3, 0x53)).as("no such descriptor").isZero();
        assertThat(vcpu.cpu().selectors[Selectors.GS]).isZero();
        assertThat(vcpu.mode.inactiveGsBase()).isZero();
        assertThat(call(Hypercall.SET_SEGMENT_BASE, 3, 2)).isZero();
        assertThat(vcpu.cpu().selectors[Selectors.GS]).as("null with its RPL").isEqualTo(2);
    }

    @Test
    void debugRegistersKeepTheirFixedBitsAndWatchNothingOfTheHypervisors() {
        assertThat(call(Hypercall.SET_DEBUGREG, 0, 0x1000)).isZero();
        assertThat(call(Hypercall.GET_DEBUGREG, 0)).isEqualTo(0x1000);
        assertThat(call(Hypercall.SET_DEBUGREG, 0, 0xffff_8000_0000_1000L)).isEqualTo(-EINVAL);
        assertThat(call(Hypercall.SET_DEBUGREG, 8, 0)).isEqualTo(-EINVAL);
        assertThat(call(Hypercall.SET_DEBUGREG, -1, 0)).isEqualTo(-EINVAL);
        assertThat(call(Hypercall.SET_DEBUGREG, 6, 0)).isZero();
        assertThat(call(Hypercall.GET_DEBUGREG, 6)).isEqualTo(0xffff_0ff0L);
        assertThat(call(Hypercall.SET_DEBUGREG, 7, 0)).isZero();
        assertThat(call(Hypercall.GET_DEBUGREG, 7)).isEqualTo(0x400);
        assertThat(call(Hypercall.GET_DEBUGREG, 99)).isEqualTo(-EINVAL);
    }

    @Test
    void processMayNotTouchDebugRegistersPortsOrMsrs() {
        vcpu.ioPrivilege.setLevel(2);
        vcpu.mode.enterUser();
        Cpu cpu = vcpu.cpu();
        assertThatThrownBy(() -> platform.readDebug(cpu, 0)).isInstanceOf(GuestFault.class);
        assertThatThrownBy(() -> platform.writeDebug(cpu, 7, 0)).isInstanceOf(GuestFault.class);
        assertThatThrownBy(() -> platform.portIn(cpu, 0x60, 1)).isInstanceOf(GuestFault.class);
        assertThatThrownBy(() -> platform.readMsr(cpu, 0x1b)).isInstanceOf(GuestFault.class);
        assertThatThrownBy(() -> platform.readControl(cpu, 0)).isInstanceOf(GuestFault.class);
    }

    /** Linux since 7.2 reads it on every Intel processor, and reports a fault. */
    @Test
    void platformIdOfAnIntelProcessorIsReadAndNotWritten() {
        Cpu cpu = vcpu.cpu();
        assertThat(platform.readMsr(cpu, 0x17)).isZero();
        assertThatThrownBy(() -> platform.writeMsr(cpu, 0x17, 0)).isInstanceOf(GuestFault.class);
    }

    @Test
    void timeStampIsDeniedToProcessesOnlyWhileCr4SaysSo() {
        Cpu cpu = vcpu.cpu();
        clock.now = 77;
        platform.writeControl(cpu, 4, 1 << 2);
        assertThat(platform.timeStampCounter(cpu)).isEqualTo(77);
        vcpu.mode.enterUser();
        assertThatThrownBy(() -> platform.timeStampCounter(cpu)).isInstanceOf(GuestFault.class);
        vcpu.mode.enterKernel();
        platform.writeControl(cpu, 4, 0);
        vcpu.mode.enterUser();
        assertThat(platform.timeStampCounter(cpu)).isEqualTo(77);
    }

    private long poll(int count, int port, long timeout) {
        mmu.write64(ARGUMENTS, 0x3000);
        mmu.write32(ARGUMENTS + 8, count);
        mmu.write64(ARGUMENTS + 16, timeout);
        mmu.write32(0x3000, port);
        return call(Hypercall.SCHED_OP, 3, ARGUMENTS);
    }

    @Test
    void pollTakesAtMost128PortsThatExist() {
        assertThat(poll(129, 1, 0)).isEqualTo(-EINVAL);
        assertThat(poll(-1, 1, 0)).isEqualTo(-EINVAL);
        assertThat(poll(1, 4096, 0)).isEqualTo(-EINVAL);
        assertThat(poll(1, -1, 0)).isEqualTo(-EINVAL);
        assertThat(vcpu.waits.reason()).isEqualTo(For.NOTHING);
        assertThat(poll(1, 7, 500)).isZero();
        assertThat(vcpu.waits.reason()).isEqualTo(For.PORTS);
        assertThat(vcpu.waits.pollDeadline()).isEqualTo(500);
    }

    @Test
    void blockUnmasksUpcallsFirst() {
        vcpu.info.setUpcallMask(true);
        assertThat(call(Hypercall.SCHED_OP, 1)).isZero();
        assertThat(vcpu.info.upcallsMasked()).isFalse();
        assertThat(vcpu.waits.reason()).isEqualTo(For.UPCALL);
    }

    @Test
    void codeThatWasLatchedIsReportedInThePlaceOfTheReason() {
        mmu.write32(ARGUMENTS, 0x100 + 77);
        assertThat(call(Hypercall.SCHED_OP, 5, ARGUMENTS)).isZero();
        assertThat(guest.domain.hasEnded()).isFalse();
        mmu.write32(ARGUMENTS, 99);
        assertThat(call(Hypercall.SCHED_OP, 5, ARGUMENTS)).isZero();
        mmu.write32(ARGUMENTS, DomainEnd.SHUTDOWN_POWEROFF);
        assertThat(call(Hypercall.SCHED_OP, 2, ARGUMENTS)).isZero();
        assertThat(guest.domain.ending().reason()).as("eight bits of the first").isEqualTo(77);
        assertThat(call(Hypercall.SCHED_OP, 5, UNMAPPED)).isEqualTo(-EFAULT);
    }

    @Test
    void shutdownWantsAKnownReasonAndSuspendIsCancelled() {
        for (int reason : new int[] {-1, 6, Integer.MAX_VALUE}) {
            mmu.write32(ARGUMENTS, reason);
            assertThat(call(Hypercall.SCHED_OP, 2, ARGUMENTS)).isEqualTo(-EINVAL);
        }
        mmu.write32(ARGUMENTS, DomainEnd.SHUTDOWN_SUSPEND);
        assertThat(call(Hypercall.SCHED_OP, 2, ARGUMENTS)).isEqualTo(1);
        assertThat(guest.domain.hasEnded()).isFalse();
        mmu.write32(ARGUMENTS, DomainEnd.SHUTDOWN_REBOOT);
        assertThat(call(Hypercall.SCHED_OP, 2, ARGUMENTS)).isZero();
        mmu.write32(ARGUMENTS, DomainEnd.SHUTDOWN_CRASH);
        call(Hypercall.SCHED_OP, 2, ARGUMENTS);
        assertThat(guest.domain.ending().reason())
                .as("the first reason stays")
                .isEqualTo(DomainEnd.SHUTDOWN_REBOOT);
    }

    @Test
    void consoleWriteGetsACarriageReturnBeforeABareLineFeed() {
        byte[] text = "\none\r\ntwo\n".getBytes(StandardCharsets.US_ASCII);
        mmu.copyTo(ARGUMENTS, text, 0, text.length);
        assertThat(call(Hypercall.CONSOLE_IO, 0, text.length, ARGUMENTS)).isZero();
        assertThat(guest.console.toString(StandardCharsets.US_ASCII))
                .isEqualTo("\r\none\r\ntwo\r\n");
        assertThat(call(Hypercall.CONSOLE_IO, 0, -1, ARGUMENTS)).isEqualTo(-EINVAL);
        assertThat(call(Hypercall.CONSOLE_IO, 0, Integer.MAX_VALUE, ARGUMENTS)).isEqualTo(-EINVAL);
        assertThat(call(Hypercall.CONSOLE_IO, 1, 8, ARGUMENTS)).isZero();
    }

    @Test
    void ioPrivilegeIsOneOfFourLevels() {
        mmu.write32(ARGUMENTS, 1);
        assertThat(call(Hypercall.PHYSDEV_OP, 6, ARGUMENTS)).isZero();
        assertThat(platform.portIn(vcpu.cpu(), 0x60, 1)).isEqualTo(-1);
        assertThat(platform.portIn(vcpu.cpu(), 0x42, 1))
                .as("the interval timer counts")
                .isNotEqualTo(platform.portIn(vcpu.cpu(), 0x42, 1));
        mmu.write32(ARGUMENTS, 4);
        assertThat(call(Hypercall.PHYSDEV_OP, 6, ARGUMENTS)).isEqualTo(-EINVAL);
    }

    private long bitmap(long vaddr, int ports) {
        mmu.write64(ARGUMENTS, vaddr);
        mmu.write32(ARGUMENTS + 8, ports);
        return call(Hypercall.PHYSDEV_OP, 7, ARGUMENTS);
    }

    @Test
    void bitmapOfPortsLetsTheGuestUseThem() {
        mmu.write32(ARGUMENTS, 0);
        assertThat(call(Hypercall.PHYSDEV_OP, 6, ARGUMENTS)).isZero();
        assertThat(bitmap(ARGUMENTS + 64, 65536)).isZero();
        assertThat(platform.portIn(vcpu.cpu(), 0x80, 1)).isEqualTo(-1);
        assertThat(bitmap(ARGUMENTS, 65537)).isEqualTo(-EINVAL);
        assertThat(bitmap(ARGUMENTS, -1)).isEqualTo(-EINVAL);
        assertThat(bitmap(NON_CANONICAL, 8)).isEqualTo(-EINVAL);
    }

    @Test
    void assistsOutOfRangeAreRefused() {
        assertThat(call(Hypercall.VM_ASSIST, 0, 3)).isZero();
        assertThat(call(Hypercall.VM_ASSIST, 0, Domain.ASSIST_RUNSTATE_UPDATE_FLAG)).isZero();
        assertThat(guest.domain.assists(Domain.ASSIST_RUNSTATE_UPDATE_FLAG)).isTrue();
        assertThat(call(Hypercall.VM_ASSIST, 0, 64)).isEqualTo(-EINVAL);
        assertThat(call(Hypercall.VM_ASSIST, 2, 0)).isEqualTo(-EINVAL);
    }
}

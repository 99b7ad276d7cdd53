package org.xenolith.core.domain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.xenolith.core.abi.Hypercall;
import org.xenolith.core.abi.VcpuInfo;
import org.xenolith.cpu.Cpu;
import org.xenolith.cpu.Exit;
import org.xenolith.cpu.GuestFault;
import org.xenolith.cpu.Vector;
import org.xenolith.cpu.mmu.Ram;
import org.xenolith.cpu.semantics.Flags;

/** Bounce frames against frames written out by hand from public/arch-x86/xen.h. */
class TrapDeliveryTest extends BouncedVcpu {
    private static final int MASK_EVENTS = 4;
    private static final long MASKED_BEFORE = 1L << 32;
    private static final int NOP = 0x90;
    private static final long DR7_GLOBAL_1 = 1 << 3;

    private void setPending() {
        Ram.putByte(vcpu.vcpuInfo() + VcpuInfo.EVTCHN_UPCALL_PENDING, 1);
    }

    // ---- exceptions

    @Test
    void pageFaultInTheKernelPushesTheFrameOnItsOwnStackRoundedDown() {
        handle(Vector.PAGE_FAULT, 0);
        cpu.r[Cpu.RSP] = 0xfff8 - 3;
        cpu.setRflags(Flags.CF | Flags.IF);
        delivery.fault(GuestFault.pageFault(PvGuest.UNMAPPED, GuestFault.PF_WRITE));
        assertThat(cpu.rip).isEqualTo(HANDLER);
        assertThat(cpu.r[Cpu.RSP]).isEqualTo(0xfff0 - 8 * 8);
        assertThat(frame(8))
                .containsExactly(
                        0x111,
                        0x222,
                        GuestFault.PF_WRITE,
                        RIP,
                        Selectors.FLAT_CS64 & ~3,
                        Flags.CF | Flags.IF | Flags.FIXED,
                        0xfff8 - 3,
                        Selectors.FLAT_SS);
        assertThat(Ram.getLong(vcpu.vcpuInfo() + VcpuInfo.ARCH_CR2)).isEqualTo(PvGuest.UNMAPPED);
        assertThat(vcpu.info.upcallsMasked()).as("a trap gate").isFalse();
    }

    @Test
    void pageFaultOfAProcessChangesStackTablesAndGsAndSetsTheUserBit() {
        handle(Vector.PAGE_FAULT, MASK_EVENTS);
        inProcess();
        delivery.fault(GuestFault.pageFault(PvGuest.UNMAPPED, 0));
        assertThat(vcpu.mode.isKernel()).isTrue();
        assertThat(cpu.mmu().root()).isEqualTo(guest.memory.l4);
        assertThat(cpu.r[Cpu.GS_BASE]).isEqualTo(PvGuest.KERNEL_GS);
        assertThat(vcpu.mode.inactiveGsBase()).isEqualTo(PvGuest.USER_GS);
        assertThat(cpu.r[Cpu.RSP]).isEqualTo(PvGuest.KERNEL_STACK - 8 * 8);
        long[] frame = frame(8);
        assertThat(frame[2]).isEqualTo(GuestFault.PF_USER);
        assertThat(frame[4]).as("RPL of a process").isEqualTo(Selectors.FLAT_CS64);
        assertThat(frame[6]).isEqualTo(PvGuest.USER_STACK - 40);
        assertThat(vcpu.info.upcallsMasked()).as("an interrupt gate").isTrue();
    }

    @Test
    void frameTellsWhetherUpcallsWereMasked() {
        handle(Vector.DIVIDE_ERROR, 0);
        vcpu.info.setUpcallMask(true);
        delivery.fault(GuestFault.of(Vector.DIVIDE_ERROR));
        long[] frame = frame(7);
        assertThat(frame[3]).isEqualTo(Selectors.FLAT_CS64 & ~3L | MASKED_BEFORE);
        assertThat(frame[4] & Flags.IF).isZero();
    }

    @Test
    void handlerStartsWithoutTrapNestedTaskAndAlignmentFlags() {
        handle(Vector.GENERAL_PROTECTION, 0);
        cpu.setRflags(Flags.TF | Flags.NT | Flags.AC | Flags.DF | Flags.ZF);
        delivery.fault(GuestFault.of(Vector.GENERAL_PROTECTION, 0x18));
        assertThat(cpu.rflags()).isEqualTo(Flags.DF | Flags.ZF | Flags.IF | Flags.FIXED);
        assertThat(frame(3)[2]).isEqualTo(0x18);
        assertThat(frame(6)[5] & Flags.TF).as("the pushed flags keep it").isNotZero();
    }

    @Test
    void deviceNotAvailableIsDeliveredWithTaskSwitchedClear() {
        handle(Vector.DEVICE_NOT_AVAILABLE, 0);
        cpu.taskSwitched = true;
        delivery.fault(GuestFault.of(Vector.DEVICE_NOT_AVAILABLE));
        assertThat(cpu.taskSwitched).isFalse();
    }

    @Test
    void exceptionWithoutHandlerEndsTheGuestWithVectorAndAddress() {
        assertThatThrownBy(() -> delivery.fault(GuestFault.of(Vector.INVALID_OPCODE)))
                .isInstanceOf(GuestCrash.class)
                .hasMessageContaining("vector 6")
                .hasMessageContaining("0x8123");
    }

    @Test
    void stackThatCannotTakeTheFrameEndsTheGuest() {
        handle(Vector.DIVIDE_ERROR, 0);
        for (long rsp : new long[] {PvGuest.UNMAPPED, PvGuest.NON_CANONICAL, 0}) {
            cpu.r[Cpu.RSP] = rsp;
            assertThatThrownBy(() -> delivery.fault(GuestFault.of(Vector.DIVIDE_ERROR)))
                    .isInstanceOf(GuestCrash.class)
                    .hasMessageContaining("bounce frame");
        }
    }

    @Test
    void forcedEmulationRunsCpuidAndPlainUd2StaysInvalid() {
        handle(Vector.INVALID_OPCODE, 0);
        guest.put(RIP, 0x0f, 0x0b, 0x78, 0x65, 0x6e, 0x0f, 0xa2);
        cpu.r[Cpu.RAX] = 0x4000_0000;
        delivery.fault(GuestFault.of(Vector.INVALID_OPCODE));
        assertThat(cpu.rip).isEqualTo(RIP + 7);
        assertThat(cpu.r[Cpu.RBX]).isEqualTo(0x566e_6558L);
        guest.put(RIP + 7, 0x0f, 0x0b, 0x90);
        delivery.fault(GuestFault.of(Vector.INVALID_OPCODE));
        assertThat(cpu.rip).isEqualTo(HANDLER);
        assertThat(frame(3)[2]).isEqualTo(RIP + 7);
    }

    @Test
    void pageFaultThatASiblingHasMendedMeanwhileIsNotDelivered() {
        cpu.mmu().mailbox().postDropPage(0x3000);
        delivery.fault(GuestFault.pageFault(0x3000, GuestFault.PF_WRITE));
        assertThat(cpu.rip).isEqualTo(RIP);
    }

    // ---- software interrupts

    @Test
    void interruptOfTheKernelNeedsPrivilege1AndPushesNoErrorCode() {
        handle(Vector.PAGE_FAULT, 1);
        guest.put(RIP - 2, 0xcd, Vector.PAGE_FAULT);
        delivery.softwareInterrupt(Vector.PAGE_FAULT);
        assertThat(cpu.r[Cpu.RSP]).isEqualTo(PvGuest.KERNEL_STACK - 7 * 8);
        assertThat(frame(3)).containsExactly(0x111, 0x222, RIP);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void interruptWithoutHandlerIsAProtectionFaultAndNotTheEndOfTheGuest(boolean process) {
        handle(Vector.GENERAL_PROTECTION, 0);
        guest.put(RIP - 2, 0xcd, 0x80);
        if (process) {
            inProcess();
        }
        delivery.softwareInterrupt(0x80);
        assertThat(frame(4)[2]).as("error code: IDT, vector").isEqualTo(0x80 * 8 + 2);
        assertThat(frame(4)[3]).isEqualTo(RIP - 2);
    }

    @Test
    void interruptOfTheKernelWithPrivilege0IsAProtectionFault() {
        handle(Vector.GENERAL_PROTECTION, 0);
        handle(0x81, 0);
        guest.put(RIP - 2, 0xcd, 0x81);
        delivery.softwareInterrupt(0x81);
        assertThat(frame(4)[2]).isEqualTo(0x81 * 8 + 2);
    }

    @Test
    void interruptThatAProcessMayNotUseIsAProtectionFaultAtTheInstruction() {
        handle(Vector.GENERAL_PROTECTION, 0);
        handle(0x80, 0);
        guest.put(RIP - 2, 0xcd, 0x80);
        inProcess();
        delivery.softwareInterrupt(0x80);
        assertThat(frame(4)[2]).as("error code: IDT, vector").isEqualTo(0x80 * 8 + 2);
        assertThat(frame(4)[3]).isEqualTo(RIP - 2);
    }

    @ParameterizedTest
    @ValueSource(ints = {Vector.BREAKPOINT, Vector.OVERFLOW})
    void breakpointAndOverflowOfAProcessAskForNoPrivilege(int vector) {
        handle(vector, 0);
        guest.put(RIP - 2, 0xcd, vector);
        inProcess();
        delivery.softwareInterrupt(vector);
        assertThat(cpu.rip).isEqualTo(HANDLER);
        assertThat(frame(3)[2]).as("behind the instruction").isEqualTo(RIP);
    }

    @Test
    void icebpOfAProcessAsksForNoPrivilege() {
        handle(Vector.DEBUG, 0);
        guest.put(RIP - 1, 0xf1);
        inProcess();
        delivery.softwareInterrupt(Vector.DEBUG);
        assertThat(cpu.rip).isEqualTo(HANDLER);
        assertThat(frame(3)[2]).isEqualTo(RIP);
    }

    @Test
    void singleStepSetsItsBitInDr6() {
        handle(Vector.DEBUG, 0);
        cpu.setDebugStatus(Cpu.DR6_SINGLE_STEP);
        delivery.debugTrap();
        assertThat(vcpu.debug.get(6)).isEqualTo(0xffff_4ff0L);
    }

    @Test
    void breakpointThatTheKernelArmsComesToItsHandlerAndIntoDr6() {
        handle(Vector.DEBUG, 0);
        guest.put(RIP, NOP, NOP);
        assertThat(guest.call(vcpu, Hypercall.SET_DEBUGREG, 1, RIP + 1)).isZero();
        assertThat(guest.call(vcpu, Hypercall.SET_DEBUGREG, 7, DR7_GLOBAL_1)).isZero();
        cpu.rip = RIP;
        assertThat(cpu.run(10)).isEqualTo(Exit.DEBUG_TRAP);
        delivery.debugTrap();
        assertThat(cpu.rip).isEqualTo(HANDLER);
        assertThat(frame(3)[2]).as("in front of the instruction").isEqualTo(RIP + 1);
        assertThat(vcpu.debug.get(6)).isEqualTo(0xffff_0ff2L);
    }

    // ---- upcalls and NMIs

    @Test
    void upcallMasksFurtherOnesAndLeavesPendingToTheGuest() {
        vcpu.entry.eventCallback = CALLBACK;
        setPending();
        delivery.upcallIfDue();
        assertThat(cpu.rip).isEqualTo(CALLBACK);
        assertThat(vcpu.info.upcallsMasked()).isTrue();
        assertThat(vcpu.info.isUpcallPending()).isTrue();
        assertThat(frame(3)).containsExactly(0x111, 0x222, RIP);
        delivery.upcallIfDue();
        assertThat(frame(3)[2]).as("not a second time").isEqualTo(RIP);
    }

    @Test
    void maskedUpcallWaits() {
        vcpu.entry.eventCallback = CALLBACK;
        vcpu.info.setUpcallMask(true);
        setPending();
        delivery.upcallIfDue();
        assertThat(cpu.rip).isEqualTo(RIP);
    }

    @Test
    void secondNmiWaitsForTheIretOfTheFirst() {
        handle(Vector.NMI, 0);
        vcpu.nmiPending = true;
        delivery.upcallIfDue();
        assertThat(cpu.rip).isEqualTo(HANDLER);
        cpu.rip = RIP;
        vcpu.nmiPending = true;
        delivery.upcallIfDue();
        assertThat(cpu.rip).isEqualTo(RIP);
        iretFrame(0, RIP, Selectors.FLAT_CS64 & ~3, Flags.IF);
        delivery.iret();
        delivery.upcallIfDue();
        assertThat(cpu.rip).isEqualTo(HANDLER);
    }

    @Test
    void nmiGoesBeforeAnUpcallAndItsGateKeepsUpcallsOffUntilIret() {
        handle(Vector.NMI, MASK_EVENTS);
        vcpu.entry.eventCallback = CALLBACK;
        setPending();
        vcpu.nmiPending = true;
        delivery.upcallIfDue();
        assertThat(cpu.rip).isEqualTo(HANDLER);
        assertThat(frame(3)).containsExactly(0x111, 0x222, RIP);
        assertThat(vcpu.info.upcallsMasked()).isTrue();
        iretFrame(0, RIP, Selectors.FLAT_CS64 & ~3, Flags.IF);
        delivery.iret();
        delivery.upcallIfDue();
        assertThat(cpu.rip).isEqualTo(CALLBACK);
        assertThat(frame(3)[2]).isEqualTo(RIP);
    }

    @Test
    void upcallInterruptsAnNmiHandlerThatDoesNotMaskEvents() {
        handle(Vector.NMI, 0);
        vcpu.entry.eventCallback = CALLBACK;
        setPending();
        vcpu.nmiPending = true;
        delivery.upcallIfDue();
        assertThat(cpu.rip).isEqualTo(CALLBACK);
        assertThat(frame(3)[2]).isEqualTo(HANDLER);
    }

    @Test
    void upcallWithoutARegisteredCallbackIsACrash() {
        setPending();
        assertThatThrownBy(delivery::upcallIfDue)
                .isInstanceOf(GuestCrash.class)
                .hasMessageContaining("0x8123")
                .hasMessageContaining("no event callback");
    }

    // ---- the failsafe callback

    private static final int GONE = 0x53;

    @Test
    void failsafeCallbackHearsOfTheSelectorsThatCannotBeLoadedAnyMore() {
        vcpu.entry.failsafeCallback = CALLBACK;
        inProcess();
        cpu.selectors[Selectors.DS] = Selectors.FLAT_SS;
        cpu.selectors[Selectors.ES] = 0;
        cpu.selectors[Selectors.FS] = GONE;
        long rsp = cpu.r[Cpu.RSP];
        delivery.reloadSegments();
        assertThat(cpu.rip).isEqualTo(CALLBACK);
        assertThat(vcpu.mode.isKernel()).isTrue();
        long[] frame = frame(11);
        assertThat(frame).startsWith(0x111, 0x222, Selectors.FLAT_SS, 0, GONE, 0, RIP);
        assertThat(frame[9]).isEqualTo(rsp);
        assertThat(cpu.r[Cpu.RSP]).isEqualTo(PvGuest.KERNEL_STACK - 11 * 8);
        assertThat(cpu.selectors[Selectors.FS]).isZero();
        assertThat(cpu.selectors[Selectors.DS]).isEqualTo(Selectors.FLAT_SS);
        assertThat(vcpu.info.upcallsMasked()).isFalse();
    }

    @Test
    void failsafeCallbackMasksEventsIfRegisteredSo() {
        vcpu.entry.failsafeCallback = CALLBACK;
        vcpu.entry.failsafeMasksEvents = true;
        cpu.selectors[Selectors.GS] = GONE;
        delivery.reloadSegments();
        assertThat(vcpu.info.upcallsMasked()).isTrue();
        assertThat(frame(8)[7] >>> 32).as("saved mask").isZero();
    }

    @Test
    void segmentsThatCanBeLoadedAreNoMatterForTheFailsafeCallback() {
        cpu.selectors[Selectors.DS] = Selectors.FLAT_SS;
        cpu.selectors[Selectors.ES] = 3;
        delivery.reloadSegments();
        assertThat(cpu.rip).isEqualTo(RIP);
    }

    @Test
    void lostSegmentWithoutAFailsafeCallbackIsACrash() {
        cpu.selectors[Selectors.ES] = GONE;
        assertThatThrownBy(delivery::reloadSegments)
                .isInstanceOf(GuestCrash.class)
                .hasMessageContaining("no failsafe callback");
    }

    // ---- system calls

    @Test
    void systemCallPushesWhatSyscallLeavesInRcxAndR11() {
        vcpu.entry.syscallCallback = CALLBACK;
        inProcess();
        cpu.setRflags(Flags.DF | Flags.CF);
        long flags = cpu.rflags();
        delivery.systemCall();
        assertThat(cpu.rip).isEqualTo(CALLBACK);
        long[] frame = frame(7);
        assertThat(frame[0]).isEqualTo(RIP);
        assertThat(frame[1]).isEqualTo(flags);
        assertThat(frame[2]).isEqualTo(RIP);
        assertThat(frame[4]).isEqualTo(flags);
        assertThat(cpu.r[Cpu.RCX]).isEqualTo(RIP);
        assertThat(cpu.rflags() & Flags.DF).isZero();
        assertThat(vcpu.info.upcallsMasked()).isFalse();
    }

    @Test
    void frameIsTheSameOnAPageThatWasNotWrittenBeforeAndOnOneThatWas() {
        vcpu.entry.syscallCallback = CALLBACK;
        inProcess();
        cpu.mmu().dropPage(PvGuest.KERNEL_STACK - 1);
        delivery.systemCall();
        long stack = cpu.r[Cpu.RSP];
        long[] first = frame(7);
        vcpu.mode.enterUser();
        putTheCpuSomewhere();
        inProcess();
        cpu.rip = RIP + 0x10;
        delivery.systemCall();
        assertThat(cpu.r[Cpu.RSP]).isEqualTo(stack);
        long[] second = frame(7);
        first[0] = RIP + 0x10;
        first[2] = RIP + 0x10;
        assertThat(second).isEqualTo(first);
    }

    @Test
    void systemCallMasksUpcallsIfItsCallbackAsksForIt() {
        vcpu.entry.syscallCallback = CALLBACK;
        vcpu.entry.syscallMasksEvents = true;
        inProcess();
        delivery.systemCall();
        assertThat(vcpu.info.upcallsMasked()).isTrue();
    }

    @Test
    void systemCallWithoutCallbackIsAnInvalidOpcodeAtTheInstruction() {
        handle(Vector.INVALID_OPCODE, 0);
        inProcess();
        delivery.systemCall();
        assertThat(cpu.rip).isEqualTo(HANDLER);
        assertThat(frame(3)[2]).isEqualTo(RIP - 2);
    }
}

package org.xenolith.core.domain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.xenolith.core.event.Virq;
import org.xenolith.cpu.Cpu;
import org.xenolith.cpu.Vector;
import org.xenolith.cpu.semantics.Flags;

/** The iret hypercall on frames written out by hand: public/arch-x86/xen.h, struct iret_context. */
class IretTest extends BouncedVcpu {
    @Test
    void iretWithKernelSelectorStaysInTheKernel() {
        iretFrame(0, 0x8800, Selectors.FLAT_CS64 & ~3, Flags.CF);
        delivery.iret();
        assertThat(vcpu.mode.isKernel()).isTrue();
        assertThat(cpu.rip).isEqualTo(0x8800);
        assertThat(cpu.r[Cpu.RSP]).isEqualTo(PvGuest.USER_STACK);
        assertThat(cpu.r[Cpu.RAX]).isEqualTo(0xaaa);
        assertThat(cpu.r[Cpu.R11]).isEqualTo(0xbbb);
        assertThat(cpu.r[Cpu.RCX]).isEqualTo(0xccc);
        assertThat(cpu.selectors[Selectors.CS]).isEqualTo(Selectors.FLAT_CS64);
        assertThat(cpu.rflags()).isEqualTo(Flags.CF | Flags.IF | Flags.FIXED);
        assertThat(vcpu.info.upcallsMasked()).as("IF was clear in the frame").isTrue();
    }

    @Test
    void architecturalPrivilegeIsInTheFramesThatTheKernelGetsAndReturnsBy() {
        guest.domain.setAssist(Domain.ASSIST_ARCHITECTURAL_IOPL, true);
        iretFrame(0, 0x8800, Selectors.FLAT_CS64, Flags.IF | 2 << 12);
        delivery.iret();
        assertThat(vcpu.ioPrivilege.level()).isEqualTo(2);
        assertThat(cpu.rflags() & Flags.IOPL).as("the processor's own").isZero();
        handle(Vector.DIVIDE_ERROR, 0);
        delivery.exception(Vector.DIVIDE_ERROR, 0);
        assertThat(frame(7)[4] & Flags.IOPL).isEqualTo(2 << 12);
    }

    @Test
    void privilegeThatIsNotArchitecturalIsInNoFrame() {
        vcpu.ioPrivilege.setLevel(1);
        iretFrame(0, 0x8800, Selectors.FLAT_CS64, Flags.IF | 2 << 12);
        delivery.iret();
        assertThat(vcpu.ioPrivilege.level()).isEqualTo(1);
        handle(Vector.DIVIDE_ERROR, 0);
        delivery.exception(Vector.DIVIDE_ERROR, 0);
        assertThat(frame(7)[4] & Flags.IOPL).isZero();
    }

    @Test
    void iretToAProcessLoadsItsTablesAndGsAndUnmasks() {
        vcpu.info.setUpcallMask(true);
        iretFrame(0, 0x8800, Selectors.FLAT_CS64, Flags.IF);
        delivery.iret();
        assertThat(vcpu.mode.isKernel()).isFalse();
        assertThat(cpu.mmu().root()).isEqualTo(guest.userL4);
        assertThat(cpu.r[Cpu.GS_BASE]).isEqualTo(PvGuest.USER_GS);
        assertThat(vcpu.info.upcallsMasked()).isFalse();
    }

    @Test
    void iretAsFromASystemCallLeavesRcxAndR11AsSysretDoes() {
        iretFrame(0x100, 0x8800, Selectors.FLAT_CS64, Flags.IF | Flags.ZF);
        delivery.iret();
        assertThat(cpu.r[Cpu.RCX]).isEqualTo(0x8800);
        assertThat(cpu.r[Cpu.R11]).isEqualTo(Flags.IF | Flags.ZF | Flags.FIXED);
    }

    @Test
    void iretToAProcessWithoutTablesEndsTheGuest() {
        vcpu.newUserBasePtr(0);
        iretFrame(0, 0x8800, Selectors.FLAT_CS64, 0);
        assertThatThrownBy(delivery::iret).isInstanceOf(GuestCrash.class);
    }

    @Test
    void iretFromAnUnreadableFrameEndsTheGuest() {
        cpu.r[Cpu.RSP] = PvGuest.UNMAPPED;
        assertThatThrownBy(delivery::iret).isInstanceOf(GuestCrash.class);
    }

    @Test
    void iretToWhatIsNoCodeIsAProtectionFaultWithTheSelector() {
        handle(Vector.GENERAL_PROTECTION, 0);
        for (long cs : new long[] {Selectors.FLAT_SS, 0x23, 3}) {
            iretFrame(0, 0x8800, cs, Flags.IF);
            delivery.iret();
            assertThat(cpu.rip).isEqualTo(HANDLER);
            assertThat(frame(4)[2]).isEqualTo(cs & ~3);
            assertThat(frame(4)[3]).isEqualTo(0x8800);
        }
    }

    @Test
    void iretWithAStackSegmentThatIsGoneIsAProtectionFaultWithTheSelector() {
        handle(Vector.GENERAL_PROTECTION, 0);
        for (int ss : new int[] {0x7, 0x53, Selectors.FLAT_CS64, 3}) {
            iretFrame(0, 0x8800, Selectors.FLAT_CS64, Flags.IF);
            cpu.mmu().write64(PvGuest.KERNEL_STACK - 8, ss);
            delivery.iret();
            assertThat(cpu.rip).isEqualTo(HANDLER);
            assertThat(frame(4)[2]).isEqualTo(ss & ~3);
            assertThat(frame(4)[3]).isEqualTo(0x8800);
        }
    }

    @Test
    void iretToANonCanonicalAddressIsAProtectionFault() {
        handle(Vector.GENERAL_PROTECTION, 0);
        iretFrame(0, PvGuest.NON_CANONICAL, Selectors.FLAT_CS64, Flags.IF);
        delivery.iret();
        assertThat(cpu.rip).isEqualTo(HANDLER);
    }

    @Test
    void eventThatWaitedComesBeforeTheFirstInstructionAfterIret() {
        vcpu.entry.eventCallback = CALLBACK;
        vcpu.info.setUpcallMask(true);
        guest.domain.events().deliver(guest.domain.events().bindVirq(Virq.TIMER, 0));
        iretFrame(0, 0x8800, Selectors.FLAT_CS64, Flags.IF);
        delivery.iret();
        delivery.upcallIfDue();
        assertThat(cpu.rip).isEqualTo(CALLBACK);
        assertThat(frame(3)[2]).isEqualTo(0x8800);
        assertThat(frame(4)[3]).as("from a process").isEqualTo(Selectors.FLAT_CS64);
    }
}

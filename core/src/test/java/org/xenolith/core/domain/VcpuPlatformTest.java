package org.xenolith.core.domain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.xenolith.cpu.Cpu;
import org.xenolith.cpu.Exit;
import org.xenolith.cpu.GuestFault;
import org.xenolith.cpu.Platform;
import org.xenolith.cpu.Vector;

import java.util.List;

/** Who may use what of the machine. Xen's arch/x86/pv/emul-priv-op.c. */
class VcpuPlatformTest {
    private static final int CLI = 0xfa;
    private static final int STI = 0xfb;

    private final PvGuest guest = new PvGuest(1, new PvGuest.FakeClock());
    private final VirtualCpu vcpu = guest.vcpu(0);
    private final Cpu cpu = vcpu.cpu();
    private final Platform platform = cpu.platform();

    private void enter(boolean kernel) {
        if (!kernel) {
            assertThat(vcpu.mode.enterUser()).isTrue();
        }
    }

    @ParameterizedTest
    @CsvSource({"true,1", "true,2", "true,3", "false,3"})
    void ioPrivilegeAllowsPortsAndTheInterruptFlag(boolean kernel, int iopl) {
        enter(kernel);
        vcpu.ioPrivilege.setLevel(iopl);
        assertThatCode(() -> platform.requirePort(cpu, 0x60, 1)).doesNotThrowAnyException();
        assertThat(platform.portIn(cpu, 0x60, 1)).isEqualTo(-1);
        assertThatCode(() -> platform.portOut(cpu, 0x60, 1, 0)).doesNotThrowAnyException();
        assertThatCode(() -> platform.setInterrupts(cpu, false)).doesNotThrowAnyException();
        assertThatCode(() -> platform.setInterrupts(cpu, true)).doesNotThrowAnyException();
    }

    private static final long BITMAP = 9 << 12;

    private boolean allows(int port, int size) {
        try {
            platform.portIn(cpu, port, size);
            return true;
        } catch (GuestFault fault) {
            return false;
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void bitmapAllowsThePortsWhoseBitsAre0(boolean kernel) {
        cpu.mmu().write32(BITMAP + 0x10, 0xfffffef0);
        vcpu.ioPrivilege.setBitmap(BITMAP, 0x90);
        enter(kernel);
        assertThat(allows(0x80, 4)).isTrue();
        assertThat(allows(0x81, 4)).as("one of its ports is not allowed").isFalse();
        assertThat(allows(0x84, 1)).isFalse();
        assertThat(allows(0x88, 1)).isTrue();
        assertThat(allows(0x8f, 1)).isFalse();
        cpu.mmu().setRoot(vcpu.mode.kernelRoot());
        cpu.mmu().write32(BITMAP + 0x10, 0);
        assertThat(allows(0x8f, 1)).as("read anew").isTrue();
        assertThat(allows(0x8f, 2)).as("beyond its end").isFalse();
    }

    @Test
    void bitmapThatIsNotMappedAllowsNothing() {
        vcpu.ioPrivilege.setBitmap(0x7f_0000_0000L, IoPrivilege.PORTS);
        assertThat(allows(0x80, 1)).isFalse();
    }

    @ParameterizedTest
    @CsvSource({"true,0", "false,0", "false,1", "false,2"})
    void withoutItTheyAreGeneralProtectionFaults(boolean kernel, int iopl) {
        enter(kernel);
        vcpu.ioPrivilege.setLevel(iopl);
        List<Runnable> uses =
                List.of(
                        () -> platform.requirePort(cpu, 0x60, 1),
                        () -> platform.portIn(cpu, 0x60, 1),
                        () -> platform.portOut(cpu, 0x60, 1, 0),
                        () -> platform.setInterrupts(cpu, false),
                        () -> platform.setInterrupts(cpu, true));
        assertThat(uses)
                .allSatisfy(
                        use ->
                                assertThatThrownBy(use::run)
                                        .isInstanceOfSatisfying(
                                                GuestFault.class,
                                                fault ->
                                                        assertThat(fault.vector())
                                                                .isEqualTo(
                                                                        Vector
                                                                                .GENERAL_PROTECTION)));
    }

    @ParameterizedTest
    @CsvSource({"true,0,true", "true,3,true", "false,2,false", "false,3,true"})
    void architecturalPrivilegeCountsTheKernelAsRing0(boolean kernel, int iopl, boolean may) {
        guest.domain.setAssist(Domain.ASSIST_ARCHITECTURAL_IOPL, true);
        enter(kernel);
        vcpu.ioPrivilege.setLevel(iopl);
        if (may) {
            assertThat(platform.portIn(cpu, 0x60, 1)).isEqualTo(-1);
        } else {
            assertThatThrownBy(() -> platform.portIn(cpu, 0x60, 1)).isInstanceOf(GuestFault.class);
        }
    }

    @Test
    void whatACliMasksIsNoEvent() {
        vcpu.info.setUpcallMask(false);
        vcpu.ioPrivilege.setLevel(1);
        platform.setInterrupts(cpu, false);
        assertThat(vcpu.info.upcallsMasked()).isFalse();
    }

    @Test
    void onlyAKernelFlushesTheCaches() {
        assertThatCode(() -> platform.flushCaches(cpu)).doesNotThrowAnyException();
        vcpu.ioPrivilege.setLevel(3);
        enter(false);
        assertThatThrownBy(() -> platform.flushCaches(cpu)).isInstanceOf(GuestFault.class);
    }

    @ParameterizedTest
    @ValueSource(ints = {CLI, STI})
    void theInstructionFaultsWhereItStands(int opcode) {
        guest.put(PvGuest.CODE, 0x48, 0xff, 0xc3, opcode);
        cpu.rip = PvGuest.CODE;
        assertThat(cpu.run(1_000)).isEqualTo(Exit.FAULT);
        assertThat(cpu.fault().vector()).isEqualTo(Vector.GENERAL_PROTECTION);
        assertThat(cpu.rip).isEqualTo(PvGuest.CODE + 3);
        assertThat(cpu.r[Cpu.RBX]).isEqualTo(1);
    }
}

package org.xenolith.core.domain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.xenolith.cpu.Cpu;
import org.xenolith.cpu.GuestFault;
import org.xenolith.cpu.Vector;

/** Kernel and process: each has its tables and its GS base. */
class GuestModeTest {
    private final PvGuest guest = new PvGuest(1, new PvGuest.FakeClock());
    private final Cpu cpu = guest.vcpu(0).cpu();
    private final GuestMode mode = guest.vcpu(0).mode;

    private void assertMode(boolean kernel, long root, long active, long inactive) {
        assertThat(mode.isKernel()).isEqualTo(kernel);
        assertThat(cpu.mmu().root()).isEqualTo(root);
        assertThat(cpu.r[Cpu.GS_BASE]).isEqualTo(active);
        assertThat(mode.inactiveGsBase()).isEqualTo(inactive);
    }

    @Test
    void eachModeHasItsTablesAndItsGsBase() {
        assertMode(true, guest.memory.l4, PvGuest.KERNEL_GS, PvGuest.USER_GS);
        assertThat(mode.enterUser()).isTrue();
        assertMode(false, guest.userL4, PvGuest.USER_GS, PvGuest.KERNEL_GS);
        mode.enterKernel();
        assertMode(true, guest.memory.l4, PvGuest.KERNEL_GS, PvGuest.USER_GS);
    }

    @Test
    void whoIsInAModeAlreadyDoesNotEnterItAgain() {
        mode.enterKernel();
        assertMode(true, guest.memory.l4, PvGuest.KERNEL_GS, PvGuest.USER_GS);
        mode.enterUser();
        assertThat(mode.enterUser()).isTrue();
        assertMode(false, guest.userL4, PvGuest.USER_GS, PvGuest.KERNEL_GS);
    }

    @Test
    void processWithoutTablesIsNotEntered() {
        mode.setUserRoot(0);
        assertThat(mode.enterUser()).isFalse();
        assertMode(true, guest.memory.l4, PvGuest.KERNEL_GS, PvGuest.USER_GS);
    }

    @Test
    void tablesOfTheModeThatRunsAreLoadedAtOnceThoseOfTheOtherLater() {
        mode.setUserRoot(guest.memory.l4);
        mode.setKernelRoot(guest.userL4);
        assertThat(cpu.mmu().root()).isEqualTo(guest.userL4);
        mode.enterUser();
        assertThat(cpu.mmu().root()).isEqualTo(guest.memory.l4);
        mode.setKernelRoot(guest.memory.l4);
        mode.setUserRoot(guest.userL4);
        assertThat(cpu.mmu().root()).isEqualTo(guest.userL4);
    }

    @Test
    void kernelsTablesAreLoadedForAnAccessOfItsOwnOnly() {
        mode.enterUser();
        mode.throughKernelTables(() -> assertThat(cpu.mmu().root()).isEqualTo(guest.memory.l4));
        assertThat(cpu.mmu().root()).isEqualTo(guest.userL4);
        assertThatThrownBy(
                        () ->
                                mode.throughKernelTables(
                                        () -> {
                                            throw new IllegalStateException();
                                        }))
                .isInstanceOf(IllegalStateException.class);
        assertThat(cpu.mmu().root()).as("after a failure too").isEqualTo(guest.userL4);
    }

    @Test
    void instructionOfTheKernelIsAProtectionFaultInAProcess() {
        assertThatCode(mode::requireKernel).doesNotThrowAnyException();
        mode.enterUser();
        assertThatThrownBy(mode::requireKernel)
                .isInstanceOfSatisfying(
                        GuestFault.class,
                        fault -> assertThat(fault.vector()).isEqualTo(Vector.GENERAL_PROTECTION));
    }
}

package org.xenolith.core.domain;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.xenolith.core.abi.AddressSpace;
import org.xenolith.cpu.Cpu;
import org.xenolith.cpu.Exit;

class DebugRegistersTest {
    private static final long DR6_RESET = 0xffff_0ff0L;
    private static final long DR7_RESET = 0x400;

    private final PvGuest guest = new PvGuest(1, new PvGuest.FakeClock());
    private final Cpu cpu = guest.vcpu(0).cpu();
    private final DebugRegisters debug = guest.vcpu(0).debug;

    @Test
    void fourAndFiveAreOtherNamesOfSixAndSeven() {
        assertThat(debug.set(4, 0x1)).isTrue();
        assertThat(debug.set(5, 0x2)).isTrue();
        assertThat(debug.get(6)).isEqualTo(DR6_RESET | 1).isEqualTo(debug.get(4));
        assertThat(debug.get(7)).isEqualTo(DR7_RESET | 2).isEqualTo(debug.get(5));
    }

    @Test
    void bitsThatTheProcessorFixesStayAsTheyAre() {
        assertThat(debug.get(6)).isEqualTo(DR6_RESET);
        assertThat(debug.get(7)).isEqualTo(DR7_RESET);
        debug.set(6, -1);
        debug.set(7, -1);
        assertThat(debug.get(6)).isEqualTo(DR6_RESET | 0xe00f);
        assertThat(debug.get(7)).isEqualTo(0xffff_07ffL);
    }

    @Test
    void breakpointsBeginAndEndAtTheHypervisorsMemory() {
        long start = AddressSpace.HYPERVISOR_VIRT_START;
        long end = AddressSpace.HYPERVISOR_VIRT_END;
        assertThat(debug.set(3, start)).isFalse();
        assertThat(debug.set(3, end - 1)).isFalse();
        assertThat(debug.set(3, PvGuest.NON_CANONICAL)).isFalse();
        assertThat(debug.get(3)).as("as it was").isZero();
        assertThat(debug.set(3, end)).isTrue();
        assertThat(debug.get(3)).isEqualTo(end);
        assertThat(debug.set(8, 0)).isFalse();
    }

    @Test
    void statusOfAnExceptionIsAddedToWhatIsThere() {
        debug.set(6, 0x1);
        debug.noteStatus(0x4000);
        assertThat(debug.get(6)).isEqualTo(DR6_RESET | 0x4001);
    }

    @Test
    void breakpointIsArmedWhenDr7EnablesIt() {
        guest.put(PvGuest.CODE, 0x90, 0x90, 0x90);
        debug.set(0, PvGuest.CODE + 1);
        assertThat(cpu.run(1)).isEqualTo(Exit.BUDGET);
        cpu.rip = PvGuest.CODE;
        debug.set(7, 0x2);
        assertThat(cpu.run(10)).isEqualTo(Exit.DEBUG_TRAP);
        assertThat(cpu.rip).isEqualTo(PvGuest.CODE + 1);
    }
}

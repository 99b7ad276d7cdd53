package org.xenolith.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.xenolith.cpu.Cpu.RAX;
import static org.xenolith.cpu.Cpu.RSP;
import static org.xenolith.cpu.GuestCode.CODE;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.xenolith.cpu.semantics.Flags;

/** What SS and IRET refuse at CPL 3. SDM vol. 2, MOV and IRET, 64-bit mode exceptions. */
@Timeout(20)
class SegmentRulesTest {
    private final GuestCode guest = new GuestCode();
    private final Cpu cpu = guest.cpu;

    private int errorOfLoadingSs(long selector) {
        GuestFault fault = guest.fault(code -> code.mov(RAX, selector).movToSs(RAX));
        assertThat(fault.vector()).isEqualTo(Vector.GENERAL_PROTECTION);
        return fault.errorCode();
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 3})
    void aNullSelectorForSsFaultsWhateverItsPrivilege(int selector) {
        assertThat(errorOfLoadingSs(selector)).isZero();
    }

    @Test
    void aCodeSegmentForSsFaults() {
        int code = FlatMachine.FLAT_RING3_CS64;
        assertThat(errorOfLoadingSs(code)).isEqualTo(code & ~3);
    }

    @Test
    void aWritableDataSegmentIsGoodForSs() {
        int data = FlatMachine.FLAT_RING3_SS64;
        guest.run(code -> code.mov(RAX, data).movToSs(RAX).syscall());
        assertThat(cpu.selectors[2]).isEqualTo(data);
    }

    @Test
    void iretWithNestedTaskSetFaults() {
        long[] frame = {CODE, FlatMachine.FLAT_RING3_CS64, Flags.FIXED, cpu.r[RSP], 0};
        for (int i = 0; i < frame.length; i++) {
            cpu.mmu().write64(cpu.r[RSP] + 8L * i, frame[i]);
        }
        cpu.setRflags(Flags.NT | Flags.FIXED);
        GuestFault fault = guest.fault(code -> code.iretq());
        assertThat(fault.vector()).isEqualTo(Vector.GENERAL_PROTECTION);
        assertThat(cpu.rip).isEqualTo(CODE);
    }
}

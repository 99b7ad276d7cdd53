package org.xenolith.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.xenolith.cpu.Cpu.RCX;
import static org.xenolith.cpu.Cpu.RDI;
import static org.xenolith.cpu.Cpu.RSI;
import static org.xenolith.cpu.GuestCode.CODE;
import static org.xenolith.cpu.GuestCode.DATA;
import static org.xenolith.cpu.GuestCode.DATA_END;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.xenolith.cpu.semantics.Flags;

/** INS and OUTS. SDM vol. 2, INS and OUTS; vol. 1, 19.5. */
@Timeout(20)
class StringPortTest {
    private static final long ABOVE_32_BITS = 7L << 32;

    private final GuestCode guest = new GuestCode();
    private final Cpu cpu = guest.cpu;

    @Test
    void theAddressSizePrefixMakesInsUseTheLowHalvesOfRdiAndRcx() {
        guest.run(
                code ->
                        code.mov(RDI, DATA + 4 + ABOVE_32_BITS)
                                .mov(RCX, 3 + ABOVE_32_BITS)
                                .rep()
                                .addressSizePrefix()
                                .ins(8)
                                .syscall());
        assertThat(guest.quad(DATA)).isEqualTo(0x00ff_ffff_0000_0000L);
        assertThat(cpu.r[RDI]).isEqualTo(DATA + 7);
        assertThat(guest.machine.portReads).isEqualTo(3);
    }

    @Test
    void theAddressSizePrefixMakesOutsUseTheLowHalvesOfRsiAndRcx() {
        guest.run(
                code ->
                        code.mov(RSI, DATA + ABOVE_32_BITS)
                                .mov(RCX, 5 + ABOVE_32_BITS)
                                .rep()
                                .addressSizePrefix()
                                .outs(32)
                                .syscall());
        assertThat(cpu.r[RSI]).isEqualTo(DATA + 20);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aPortThatIsNotAllowedIsSaidBeforeMemoryIsTouched(boolean out) {
        guest.machine.portsAllowed = false;
        GuestFault fault =
                guest.fault(
                        code -> {
                            code.mov(RSI, DATA_END).mov(RDI, DATA_END);
                            if (out) {
                                code.outs(16);
                            } else {
                                code.ins(16);
                            }
                        });
        assertThat(fault.vector()).isEqualTo(Vector.GENERAL_PROTECTION);
        assertThat(cpu.r[out ? RSI : RDI]).isEqualTo(DATA_END);
    }

    @Test
    void aPortIsNotReadForAnElementWhoseEndCannotBeWritten() {
        GuestFault fault = guest.fault(code -> code.mov(RDI, DATA_END - 3).ins(32));
        assertThat(fault.address()).isEqualTo(DATA_END);
        assertThat(guest.machine.portReads).isZero();
        assertThat(guest.octet(DATA_END - 3)).isZero();
    }

    @Test
    void aBreakpointOnARepeatedInsIsMetOnce() {
        guest.write(code -> code.rep().ins(8).syscall());
        cpu.r[RDI] = DATA;
        cpu.r[RCX] = 3;
        cpu.setBreakpoints(new long[] {CODE, 0, 0, 0}, 2);
        assertThat(cpu.run(10)).isEqualTo(Exit.DEBUG_TRAP);
        cpu.setRflags(cpu.rflags() | Flags.RF);
        guest.runToSyscall();
        assertThat(cpu.r[RCX]).isZero();
    }
}

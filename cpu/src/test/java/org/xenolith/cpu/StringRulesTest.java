package org.xenolith.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.xenolith.cpu.Cpu.RAX;
import static org.xenolith.cpu.Cpu.RCX;
import static org.xenolith.cpu.Cpu.RDI;
import static org.xenolith.cpu.Cpu.RSI;
import static org.xenolith.cpu.GuestCode.DATA;
import static org.xenolith.cpu.GuestCode.DATA_END;
import static org.xenolith.cpu.GuestCode.NON_CANONICAL;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.xenolith.cpu.Assembler.Alu;
import org.xenolith.cpu.Assembler.Condition;
import org.xenolith.cpu.semantics.Flags;

/** The rules of string instructions that emulators are known to break. */
@Timeout(20)
class StringRulesTest {
    private final GuestCode guest = new GuestCode();
    private final Cpu cpu = guest.cpu;

    @Test
    void repMovsIntoItsOwnSourceReplicates() {
        guest.fill(DATA, 1, 2, 3);
        guest.run(
                code ->
                        code.mov(RSI, DATA)
                                .mov(RDI, DATA + 3)
                                .mov(RCX, 3000)
                                .rep()
                                .movs(8)
                                .syscall());
        for (int i = 0; i < 3003; i++) {
            assertThat(guest.octet(DATA + i)).as("byte %d", i).isEqualTo(i % 3 + 1);
        }
    }

    @Test
    void repMovsDownwardsCopiesFromTheEnd() {
        guest.fill(DATA + 0x1000, 1, 2, 3, 4, 5);
        guest.run(
                code ->
                        code.std()
                                .mov(RSI, DATA + 0x1004)
                                .mov(RDI, DATA + 0x1005)
                                .mov(RCX, 5)
                                .rep()
                                .movs(8)
                                .syscall());
        for (int i = 1; i <= 5; i++) {
            assertThat(guest.octet(DATA + 0x1000 + i)).isEqualTo(i);
        }
        assertThat(cpu.r[RDI]).isEqualTo(DATA + 0x1000);
    }

    @Test
    void faultInMidMovsLeavesTheCountersAtTheFaultingElement() {
        long from = DATA, to = DATA_END - 20;
        GuestFault fault =
                guest.fault(code -> code.mov(RSI, from).mov(RDI, to).mov(RCX, 100).rep().movs(64));
        assertThat(cpu.r[RCX]).isEqualTo(98);
        assertThat(cpu.r[RSI]).isEqualTo(from + 16);
        assertThat(cpu.r[RDI]).isEqualTo(to + 16);
        assertThat(fault.address()).isEqualTo(DATA_END);
        assertThat(fault.errorCode()).isEqualTo(GuestFault.PF_WRITE);
    }

    @Test
    void stosGoesOnAfterItsPageWasMapped() {
        long to = DATA_END - 10;
        guest.fault(code -> code.mov(RDI, to).mov(RAX, 7).mov(RCX, 20).rep().stos(8).syscall());
        assertThat(cpu.r[RCX]).isEqualTo(10);
        guest.machine.map(DATA_END, 1);
        guest.runToSyscall();
        assertThat(cpu.r[RCX]).isZero();
        assertThat(guest.octet(to)).isEqualTo(7);
        assertThat(guest.octet(to + 19)).isEqualTo(7);
    }

    @Test
    void faultInMidScasKeepsTheFlagsOfTheLastComparison() {
        long to = DATA_END - 2;
        guest.fill(to, 9, 5);
        guest.fault(code -> code.mov(RDI, to).mov(RAX, 7).mov(RCX, 9).repne().scas(8).syscall());
        assertThat(cpu.r[RCX]).isEqualTo(7);
        assertThat(cpu.r[RDI]).isEqualTo(DATA_END);
        assertThat(cpu.condition(Condition.E.ordinal())).isFalse();
    }

    @Test
    void repWithACountOfZeroTouchesNothing() {
        guest.run(
                code ->
                        code.mov(RDI, NON_CANONICAL)
                                .mov(RCX, 0)
                                .alu(Alu.CMP, 64, RCX, RCX)
                                .rep()
                                .cmps(8)
                                .rep()
                                .stos(64)
                                .syscall());
        assertThat(guest.flag(Flags.ZF)).isTrue();
    }
}

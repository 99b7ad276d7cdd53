package org.xenolith.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.xenolith.cpu.Assembler.at;
import static org.xenolith.cpu.Cpu.RAX;
import static org.xenolith.cpu.Cpu.RBP;
import static org.xenolith.cpu.Cpu.RBX;
import static org.xenolith.cpu.Cpu.RSP;
import static org.xenolith.cpu.GuestCode.CODE;
import static org.xenolith.cpu.GuestCode.DATA;
import static org.xenolith.cpu.GuestCode.DATA_END;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The rules of instructions that move RSP that emulators are known to break. */
@Timeout(20)
class StackRulesTest {
    private final GuestCode guest = new GuestCode();
    private final Cpu cpu = guest.cpu;

    @Test
    void pushRspPushesItsOldValue() {
        long rsp = cpu.r[RSP];
        guest.run(code -> code.push(RSP).syscall());
        assertThat(guest.quad(rsp - 8)).isEqualTo(rsp);
    }

    @Test
    void popToAnRspBasedOperandUsesTheNewRsp() {
        long rsp = cpu.r[RSP];
        guest.run(code -> code.mov(RAX, 77).push(RAX).pop(at(RSP, -0x40)).syscall());
        assertThat(guest.quad(rsp - 0x40)).isEqualTo(77);
        assertThat(cpu.r[RSP]).isEqualTo(rsp);
    }

    @Test
    void popRspTakesTheLoadedValue() {
        guest.run(code -> code.mov(RAX, DATA).push(RAX).pop(RSP).syscall());
        assertThat(cpu.r[RSP]).isEqualTo(DATA);
    }

    @Test
    void rspStaysWhenAPushFaults() {
        cpu.r[RSP] = DATA;
        GuestFault fault = guest.fault(code -> code.push(RAX));
        assertThat(fault.address()).isEqualTo(DATA - 8);
        assertThat(cpu.r[RSP]).isEqualTo(DATA);
    }

    @Test
    void rspStaysWhenAPushFromMemoryFaultsOnEitherSide() {
        long rsp = cpu.r[RSP];
        guest.fault(code -> code.mov(RBX, DATA_END).push(at(RBX)));
        assertThat(cpu.r[RSP]).isEqualTo(rsp);
        cpu.r[RSP] = DATA;
        guest.fault(code -> code.mov(RBX, DATA).push(at(RBX)));
        assertThat(cpu.r[RSP]).isEqualTo(DATA);
    }

    @Test
    void rspStaysWhenACallThroughMemoryFaults() {
        cpu.r[RSP] = DATA;
        guest.fill(DATA + 1, 0x10);
        GuestFault fault = guest.fault(code -> code.mov(RBX, DATA).call(at(RBX)));
        assertThat(fault.address()).isEqualTo(DATA - 8);
        assertThat(cpu.r[RSP]).isEqualTo(DATA);
        assertThat(cpu.rip).isEqualTo(CODE + 10);
    }

    @Test
    void rspStaysWhenAPopToMemoryFaults() {
        long rsp = cpu.r[RSP];
        guest.fault(code -> code.mov(RBX, DATA_END).pop(at(RBX)));
        assertThat(cpu.r[RSP]).isEqualTo(rsp);
    }

    @Test
    void rspAndRbpStayWhenEnterFaults() {
        cpu.r[RSP] = DATA + 16;
        cpu.r[RBP] = 0x1234;
        GuestFault fault = guest.fault(code -> code.enter(0x20, 0));
        assertThat(fault.errorCode() & GuestFault.PF_WRITE).isNotZero();
        assertThat(cpu.r[RSP]).isEqualTo(DATA + 16);
        assertThat(cpu.r[RBP]).isEqualTo(0x1234);
    }
}

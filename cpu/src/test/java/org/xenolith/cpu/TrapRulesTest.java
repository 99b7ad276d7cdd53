package org.xenolith.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.xenolith.cpu.Assembler.at;
import static org.xenolith.cpu.Cpu.RAX;
import static org.xenolith.cpu.Cpu.RBP;
import static org.xenolith.cpu.Cpu.RBX;
import static org.xenolith.cpu.Cpu.RDI;
import static org.xenolith.cpu.Cpu.RSP;
import static org.xenolith.cpu.GuestCode.CODE;
import static org.xenolith.cpu.GuestCode.DATA;
import static org.xenolith.cpu.GuestCode.DATA_END;
import static org.xenolith.cpu.GuestCode.NON_CANONICAL;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.xenolith.cpu.Assembler.Alu;
import org.xenolith.cpu.semantics.Flags;

/** The rules of faults and traps that emulators are known to break. */
@Timeout(20)
class TrapRulesTest {
    private final GuestCode guest = new GuestCode();
    private final Cpu cpu = guest.cpu;

    // ---- flags

    @Test
    void flagsAreExactAtAFaultEvenIfALaterInstructionOverwritesThem() {
        guest.fault(
                code -> {
                    code.mov(RBX, DATA_END).alu(Alu.XOR, 64, RDI, RDI).load(64, RAX, at(RBX));
                    code.alu(Alu.ADD, 64, RAX, RBX).syscall();
                });
        assertThat(guest.flag(Flags.ZF)).isTrue();
    }

    @Test
    void aSegmentLoadThatFaultsFindsTheFlagsThatALaterInstructionOverwrites() {
        guest.fault(
                code -> {
                    code.mov(RAX, 0x33).alu(Alu.XOR, 64, RDI, RDI).bytes(0x8e, 0xd8);
                    code.alu(Alu.ADD, 64, RAX, RBX).syscall();
                });
        assertThat(guest.flag(Flags.ZF)).isTrue();
    }

    // ---- addresses that are not canonical, and long instructions

    @Test
    void nonCanonicalAddressRaisesGeneralProtection() {
        GuestFault fault = guest.fault(code -> code.mov(RBX, NON_CANONICAL).load(64, RAX, at(RBX)));
        assertThat(fault.vector()).isEqualTo(Vector.GENERAL_PROTECTION);
        assertThat(fault.errorCode()).isZero();
    }

    @ParameterizedTest
    @ValueSource(ints = {RSP, RBP})
    void nonCanonicalAddressBasedOnTheStackRaisesAStackFault(int base) {
        GuestFault fault =
                guest.fault(code -> code.mov(base, NON_CANONICAL).load(64, RAX, at(base)));
        assertThat(fault.vector()).isEqualTo(Vector.STACK_FAULT);
        assertThat(fault.errorCode()).isZero();
    }

    @Test
    void storeAcrossTheEndOfTheLowerHalfRaisesGeneralProtection() {
        guest.machine.map(NON_CANONICAL - 0x1000, 0x1000);
        GuestFault fault =
                guest.fault(code -> code.mov(RBX, NON_CANONICAL - 4).store(64, at(RBX), RAX));
        assertThat(fault.vector()).isEqualTo(Vector.GENERAL_PROTECTION);
        assertThat(guest.octet(NON_CANONICAL - 4)).isZero();
    }

    /** Not #PF of the first page, which is not mapped either. SDM vol. 1, 3.3.7.1. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void theEndOfAnOperandIsFoundNotCanonicalBeforeItsFirstPageIsFoundMissing(boolean store) {
        GuestFault fault =
                guest.fault(
                        code -> {
                            code.mov(RBX, NON_CANONICAL - 4);
                            if (store) {
                                code.store(64, at(RBX), RAX);
                            } else {
                                code.load(64, RAX, at(RBX));
                            }
                        });
        assertThat(fault.vector()).isEqualTo(Vector.GENERAL_PROTECTION);
        cpu.r[RSP] = NON_CANONICAL + 4;
        assertThat(guest.fault(code -> code.push(RAX)).vector()).isEqualTo(Vector.STACK_FAULT);
    }

    @Test
    void pushOntoANonCanonicalStackRaisesAStackFault() {
        cpu.r[RSP] = NON_CANONICAL + 8;
        assertThat(guest.fault(code -> code.push(RAX)).vector()).isEqualTo(Vector.STACK_FAULT);
    }

    @Test
    void pushFromMemoryOntoANonCanonicalStackRaisesAStackFault() {
        cpu.r[RSP] = NON_CANONICAL + 8;
        GuestFault fault = guest.fault(code -> code.mov(RBX, DATA).push(at(RBX)));
        assertThat(fault.vector()).isEqualTo(Vector.STACK_FAULT);
    }

    @Test
    void callThroughMemoryOnANonCanonicalStackRaisesAStackFault() {
        cpu.r[RSP] = NON_CANONICAL + 8;
        GuestFault fault = guest.fault(code -> code.mov(RBX, DATA).call(at(RBX)));
        assertThat(fault.vector()).isEqualTo(Vector.STACK_FAULT);
    }

    @Test
    void popToMemoryFromANonCanonicalStackRaisesAStackFault() {
        cpu.r[RSP] = NON_CANONICAL;
        GuestFault fault = guest.fault(code -> code.mov(RBX, DATA).pop(at(RBX)));
        assertThat(fault.vector()).isEqualTo(Vector.STACK_FAULT);
    }

    @Test
    void jumpToANonCanonicalAddressFaultsAtTheJump() {
        Assembler code = guest.write(c -> c.mov(RAX, NON_CANONICAL).jmp(RAX));
        assertThat(guest.fault().vector()).isEqualTo(Vector.GENERAL_PROTECTION);
        assertThat(cpu.rip).isEqualTo(code.here() - 2);
    }

    @Test
    void fifteenBytesAreAnInstructionAndSixteenAreGeneralProtection() {
        guest.run(code -> prefixes(code, 14).nop().syscall());
        GuestFault fault = guest.fault(code -> prefixes(code, 15).nop().syscall());
        assertThat(fault.vector()).isEqualTo(Vector.GENERAL_PROTECTION);
        assertThat(cpu.rip).isEqualTo(CODE);
    }

    @Test
    void sixteenBytesAcrossTwoPagesAreGeneralProtectionToo() {
        guest.writeAt(CODE + 0x1000 - 8, code -> prefixes(code, 15).nop());
        assertThat(guest.fault().vector()).isEqualTo(Vector.GENERAL_PROTECTION);
    }

    private static Assembler prefixes(Assembler code, int count) {
        for (int i = 0; i < count; i++) {
            code.operandSizePrefix();
        }
        return code;
    }

    // ---- software interrupts

    @Test
    void softwareInterruptsReportTheirVectorBehindTheInstruction() {
        Assembler code = guest.write(c -> c.interrupt(0x80));
        assertThat(cpu.run(10)).isEqualTo(Exit.SOFTWARE_INTERRUPT);
        assertThat(cpu.exitVector()).isEqualTo(0x80);
        assertThat(cpu.rip).isEqualTo(code.here());
    }
}

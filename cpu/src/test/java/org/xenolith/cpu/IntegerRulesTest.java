package org.xenolith.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.xenolith.cpu.Assembler.at;
import static org.xenolith.cpu.Cpu.R8;
import static org.xenolith.cpu.Cpu.RAX;
import static org.xenolith.cpu.Cpu.RBX;
import static org.xenolith.cpu.Cpu.RCX;
import static org.xenolith.cpu.Cpu.RDX;
import static org.xenolith.cpu.Cpu.RSI;
import static org.xenolith.cpu.GuestCode.DATA;
import static org.xenolith.cpu.GuestCode.DATA_END;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.xenolith.cpu.Assembler.Alu;
import org.xenolith.cpu.Assembler.Condition;
import org.xenolith.cpu.Assembler.Shift;
import org.xenolith.cpu.semantics.Flags;

/** The rules of integer instructions that emulators are known to break. */
@Timeout(20)
class IntegerRulesTest {
    private final GuestCode guest = new GuestCode();
    private final Cpu cpu = guest.cpu;

    // ---- shifts and carries

    @ParameterizedTest
    @EnumSource(Shift.class)
    void shiftsAndRotatesByAMaskedCountOfZeroChangeNoFlag(Shift operation) {
        guest.run(
                code ->
                        code.mov(RCX, 64)
                                .mov(RAX, 0x8000_0001L)
                                .alu(Alu.CMP, 32, RAX, RCX)
                                .pushf()
                                .shift(operation, 64, RAX)
                                .pushf()
                                .mov(RCX, 32)
                                .shift(operation, 8, RAX)
                                .pushf()
                                .pop(RBX)
                                .pop(RDX)
                                .pop(RSI)
                                .syscall());
        assertThat(cpu.r[RDX]).isEqualTo(cpu.r[RSI]);
        assertThat(cpu.r[RBX]).isEqualTo(cpu.r[RSI]);
        assertThat(cpu.r[RAX]).isEqualTo(0x8000_0001L);
    }

    @Test
    void rotatesTouchOnlyCarryAndOverflow() {
        guest.run(
                code ->
                        code.mov(RAX, 0)
                                .alu(Alu.CMP, 64, RAX, RAX)
                                .mov(RAX, 1)
                                .mov(RCX, 1)
                                .shift(Shift.ROR, 64, RAX)
                                .syscall());
        assertThat(cpu.r[RAX]).isEqualTo(Long.MIN_VALUE);
        assertThat(guest.flag(Flags.CF)).isTrue();
        assertThat(guest.flag(Flags.OF)).isTrue();
        assertThat(guest.flag(Flags.ZF)).as("ZF of the CMP").isTrue();
        assertThat(guest.flag(Flags.SF)).as("SF of the CMP").isFalse();
    }

    @Test
    void rotatesThroughCarryTakeTheCountModulo9And17() {
        guest.run(
                code ->
                        code.mov(RAX, 0x81)
                                .mov(RBX, 0x8001)
                                .mov(RCX, 9)
                                .stc()
                                .shift(Shift.RCL, 8, RAX)
                                .mov(RCX, 17)
                                .shift(Shift.RCR, 16, RBX)
                                .mov(RCX, 18)
                                .mov(RDX, 0x8001)
                                .shift(Shift.RCL, 16, RDX)
                                .syscall());
        assertThat(cpu.r[RAX]).as("9 of 9 bits: all the way round").isEqualTo(0x81);
        assertThat(cpu.r[RBX]).as("17 of 17 bits").isEqualTo(0x8001);
        assertThat(cpu.r[RDX]).as("18 of 17 bits are one, CF came in").isEqualTo(0x0003);
        assertThat(guest.flag(Flags.CF)).isTrue();
    }

    @Test
    void incAndDecKeepTheCarryOfALazySubtraction() {
        guest.run(
                code ->
                        code.mov(RAX, 1)
                                .mov(RBX, 2)
                                .alu(Alu.CMP, 64, RAX, RBX)
                                .inc(64, RBX)
                                .dec(8, RBX)
                                .alu(Alu.ADC, 64, RAX, RBX)
                                .syscall());
        assertThat(cpu.r[RAX]).as("1 + 2 + borrow of 1 - 2").isEqualTo(4);
    }

    @Test
    void adcCarriesWhenCarryInMakesTheResultEqualAnOperand() {
        guest.run(code -> code.mov(RAX, 5).mov(RBX, -1).stc().alu(Alu.ADC, 64, RAX, RBX).syscall());
        assertThat(cpu.r[RAX]).isEqualTo(5);
        assertThat(guest.flag(Flags.CF)).isTrue();
    }

    @Test
    void sbbBorrowsWhenOnlyTheBorrowInDoes() {
        guest.run(code -> code.mov(RAX, 5).mov(RBX, -1).stc().alu(Alu.SBB, 64, RAX, RBX).syscall());
        assertThat(cpu.r[RAX]).isEqualTo(5);
        assertThat(guest.flag(Flags.CF)).isTrue();
    }

    // ---- conditional moves and compare-exchange

    @Test
    void cmovOf32BitsClearsTheUpperHalfEvenWhenFalse() {
        guest.run(
                code ->
                        code.mov(RAX, -1)
                                .mov(RBX, 3)
                                .alu(Alu.CMP, 64, RBX, RBX)
                                .cmov(Condition.NE, 32, RAX, RBX)
                                .syscall());
        assertThat(cpu.r[RAX]).isEqualTo(0xffff_ffffL);
    }

    @Test
    void failedCmpxchgOf32BitsClearsTheUpperHalfOfRax() {
        guest.run(
                code ->
                        code.mov(RAX, -1)
                                .mov(RBX, 0x1_2345_6789L)
                                .mov(RCX, 7)
                                .cmpxchg(32, RBX, RCX)
                                .syscall());
        assertThat(cpu.r[RAX]).isEqualTo(0x2345_6789L);
    }

    @Test
    void cmovFaultsEvenWhenFalse() {
        GuestFault fault =
                guest.fault(
                        code ->
                                code.mov(RBX, DATA_END)
                                        .alu(Alu.CMP, 64, RBX, RBX)
                                        .cmov(Condition.NE, 64, RAX, at(RBX)));
        assertThat(fault.address()).isEqualTo(DATA_END);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void cmpxchgNeedsWritePermissionEvenWhenUnequal(boolean locked) {
        guest.protect(DATA);
        GuestFault fault =
                guest.fault(
                        code -> {
                            code.mov(RBX, DATA).mov(RAX, 1);
                            if (locked) {
                                code.lock();
                            }
                            code.cmpxchg(64, at(RBX), RCX);
                        });
        assertThat(fault.errorCode()).isEqualTo(GuestFault.PF_PRESENT | GuestFault.PF_WRITE);
        assertThat(cpu.r[RAX]).as("RAX of the faulting instruction").isEqualTo(1);
    }

    // ---- division, bit scans, prefixes

    @Test
    void divisionOverflowIsADivideError() {
        GuestFault fault =
                guest.fault(code -> code.mov(RAX, 0).mov(RDX, 5).mov(RBX, 5).div(64, RBX));
        assertThat(fault.vector()).isEqualTo(Vector.DIVIDE_ERROR);
        assertThat(cpu.r[RDX]).isEqualTo(5);
    }

    @Test
    void divisionOf128BitsUsesAllOfThem() {
        guest.run(
                code ->
                        code.mov(RAX, 7)
                                .mov(RDX, Long.MIN_VALUE)
                                .mov(RBX, -1)
                                .div(64, RBX)
                                .syscall());
        assertThat(cpu.r[RAX]).isEqualTo(Long.MIN_VALUE);
        assertThat(cpu.r[RDX]).isEqualTo(Long.MIN_VALUE + 7);
    }

    @ParameterizedTest
    @ValueSource(ints = {8, 16, 32, 64})
    void theSmallestNumberDividedByMinusOneIsADivideError(int bits) {
        long least = -1L << bits - 1;
        long high = bits == 8 ? 0 : -1;
        GuestFault fault =
                guest.fault(
                        code ->
                                code.mov(RAX, bits == 8 ? 0xff80 : least)
                                        .mov(RDX, high)
                                        .mov(RBX, -1)
                                        .idiv(bits, RBX));
        assertThat(fault.vector()).isEqualTo(Vector.DIVIDE_ERROR);
    }

    @Test
    void bitScansOfZeroKeepTheDestination() {
        guest.run(
                code ->
                        code.mov(RAX, 0x1_0000_0007L)
                                .mov(RDX, 9)
                                .mov(RBX, 0)
                                .bsf(64, RAX, RBX)
                                .bsr(64, RDX, RBX)
                                .syscall());
        assertThat(cpu.r[RAX]).isEqualTo(0x1_0000_0007L);
        assertThat(cpu.r[RDX]).isEqualTo(9);
        assertThat(guest.flag(Flags.ZF)).isTrue();
    }

    @Test
    void bitScansWithRepAreStillBitScans() {
        guest.run(
                code ->
                        code.mov(RAX, 5)
                                .mov(RBX, 0)
                                .mov(RDX, 0x10)
                                .rep()
                                .bsf(32, RAX, RBX)
                                .rep()
                                .bsr(32, RCX, RDX)
                                .syscall());
        assertThat(cpu.r[RAX]).as("TZCNT would give 32").isEqualTo(5);
        assertThat(cpu.r[RCX]).as("LZCNT would give 27").isEqualTo(4);
    }

    @Test
    void nopWithRexBIsAnExchange() {
        guest.run(
                code ->
                        code.mov(RAX, 1)
                                .mov(R8, 0x7_0000_0002L)
                                .bytes(0x41, 0x90) // XCHG R8D, EAX
                                .syscall());
        assertThat(cpu.r[RAX]).isEqualTo(2);
        assertThat(cpu.r[R8]).isEqualTo(1);
    }

    @Test
    void rexCountsOnlyDirectlyBeforeTheOpcode() {
        guest.run(
                code ->
                        code.mov(RAX, -1)
                                .mov(RBX, 0)
                                .bytes(0x48, 0x66, 0x89, 0xd8) // REX.W, 66, MOV AX, BX
                                .syscall());
        assertThat(cpu.r[RAX]).isEqualTo(0xffff_ffff_ffff_0000L);
    }
}

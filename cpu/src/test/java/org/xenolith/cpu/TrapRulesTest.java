package org.xenolith.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.xenolith.cpu.Assembler.at;
import static org.xenolith.cpu.Cpu.R8;
import static org.xenolith.cpu.Cpu.RAX;
import static org.xenolith.cpu.Cpu.RBP;
import static org.xenolith.cpu.Cpu.RBX;
import static org.xenolith.cpu.Cpu.RCX;
import static org.xenolith.cpu.Cpu.RDI;
import static org.xenolith.cpu.Cpu.RDX;
import static org.xenolith.cpu.Cpu.RSI;
import static org.xenolith.cpu.Cpu.RSP;
import static org.xenolith.cpu.GuestCode.CODE;
import static org.xenolith.cpu.GuestCode.DATA;
import static org.xenolith.cpu.GuestCode.DATA_END;
import static org.xenolith.cpu.GuestCode.NON_CANONICAL;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.xenolith.cpu.Assembler.Alu;
import org.xenolith.cpu.Assembler.Condition;
import org.xenolith.cpu.Assembler.Shift;
import org.xenolith.cpu.mmu.Pte;
import org.xenolith.cpu.mmu.Ram;
import org.xenolith.cpu.semantics.Flags;

import java.util.concurrent.atomic.AtomicBoolean;

/** The rules of integer instructions, memory and faults that emulators are known to break. */
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

    // ---- addresses

    /** Offset in the page and displacement together need more than 32 bits. */
    @Test
    void theFarthestRipRelativeOperandIsReached() {
        long vaddr = CODE + 7 + Integer.MAX_VALUE;
        guest.machine.map(vaddr, 8);
        guest.cpu.mmu().write64(vaddr, 0x1234_5678_9abcL);
        guest.run(code -> code.bytes(0x48, 0x8b, 0x05, 0xff, 0xff, 0xff, 0x7f).syscall());
        assertThat(cpu.r[RAX]).isEqualTo(0x1234_5678_9abcL);
    }

    // ---- split locks

    @ParameterizedTest
    @ValueSource(longs = {DATA + 5, DATA + 0x1000 - 3})
    void aSplitLockStopsTheSiblings(long vaddr) {
        guest.run(code -> code.mov(RBX, vaddr).mov(RAX, 7).xchg(64, at(RBX), RAX).syscall());
        assertThat(guest.machine.busLocks).isPositive();
        assertThat(guest.quad(vaddr)).isEqualTo(7);
    }

    @Test
    void aLockedAccessWithinAQuadwordStopsNobody() {
        guest.run(code -> code.mov(RBX, DATA + 2).lock().inc(32, at(RBX)).syscall());
        assertThat(guest.machine.busLocks).isZero();
    }

    @Test
    void aFaultingSplitLockChangesNothing() {
        GuestFault fault =
                guest.fault(
                        code -> {
                            code.mov(RBX, DATA_END - 3).mov(RAX, 7).xchg(64, at(RBX), RAX);
                        });
        assertThat(fault.address()).isEqualTo(DATA_END);
        assertThat(cpu.r[RAX]).isEqualTo(7);
    }

    // ---- string instructions

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

    // ---- page crossings

    @Test
    void storeAcrossPagesWritesNothingWhenTheSecondPageFaults() {
        guest.fill(DATA_END - 3, 1, 2, 3);
        GuestFault fault =
                guest.fault(
                        code -> code.mov(RBX, DATA_END - 3).mov(RAX, -1).store(64, at(RBX), RAX));
        assertThat(fault.address()).as("CR2: first byte of the faulting page").isEqualTo(DATA_END);
        assertThat(guest.octet(DATA_END - 3)).isEqualTo(1);
        assertThat(guest.octet(DATA_END - 1)).isEqualTo(3);
    }

    @Test
    void storeAcrossPagesReportsItsFirstByteWhenTheFirstPageFaults() {
        guest.protect(DATA);
        long vaddr = DATA + 0xffd;
        GuestFault fault =
                guest.fault(code -> code.mov(RBX, vaddr).mov(RAX, -1).store(64, at(RBX), RAX));
        assertThat(fault.address()).isEqualTo(vaddr);
        assertThat(guest.octet(DATA + 0x1000)).isZero();
    }

    @Test
    void updateAcrossPagesChangesNeitherMemoryNorFlagsWhenItFaults() {
        guest.fill(DATA + 0xffe, 1, 2, 3);
        guest.protect(DATA + 0x1000);
        GuestFault fault =
                guest.fault(
                        code ->
                                code.mov(RBX, DATA + 0xffe)
                                        .alu(Alu.CMP, 64, RBX, RBX)
                                        .alu(Alu.ADD, 32, at(RBX), RBX));
        assertThat(fault.address()).isEqualTo(DATA + 0x1000);
        assertThat(guest.octet(DATA + 0xffe)).isEqualTo(1);
        assertThat(guest.flag(Flags.ZF)).isTrue();
    }

    @Test
    void instructionAcrossPagesFaultsWithTheFirstByteOfTheSecondPage() {
        long last = CODE + GuestCode.CODE_BYTES - 4;
        guest.writeAt(last - 10, code -> code.mov(RBX, DATA).nop());
        guest.writeAt(last, code -> code.bytes(0x48, 0xb8, 1, 2)); // the start of MOV RAX, imm64
        GuestFault fault = guest.fault();
        assertThat(fault.address()).isEqualTo(CODE + GuestCode.CODE_BYTES);
        assertThat(fault.errorCode()).isEqualTo(GuestFault.PF_FETCH);
        assertThat(cpu.rip).isEqualTo(last);
    }

    @Test
    void instructionThatEndsWithItsPageNeedsNoSecondPage() {
        long last = CODE + GuestCode.CODE_BYTES - 12;
        guest.writeAt(last, code -> code.mov(RAX, 5).syscall());
        guest.runToSyscall();
        assertThat(cpu.r[RAX]).isEqualTo(5);
    }

    @Test
    void fetchFromAPageThatIsNotExecutableFaults() {
        guest.setPte(
                DATA,
                guest.machine.host(DATA),
                Pte.PRESENT | Pte.WRITABLE | Pte.USER | Pte.NO_EXECUTE);
        GuestFault fault = guest.fault(code -> code.mov(RAX, DATA + 5).jmp(RAX));
        assertThat(fault.address()).isEqualTo(DATA + 5);
        assertThat(fault.errorCode()).isEqualTo(GuestFault.PF_PRESENT | GuestFault.PF_FETCH);
        assertThat(cpu.rip).isEqualTo(DATA + 5);
    }

    // ---- the stack pointer

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

    // ---- accessed and dirty

    @Test
    void aReadSetsAccessedAndAWriteAfterItSetsDirty() {
        guest.run(code -> code.mov(RBX, DATA).load(8, RAX, at(RBX)).syscall());
        assertThat(accessedAndDirty(DATA)).isEqualTo(Pte.ACCESSED);
        guest.run(code -> code.mov(RBX, DATA).store(8, at(RBX), RAX).syscall());
        assertThat(accessedAndDirty(DATA)).isEqualTo(Pte.ACCESSED | Pte.DIRTY);
    }

    @Test
    void aFaultingStoreSetsNoDirtyBit() {
        guest.protect(DATA);
        guest.fault(code -> code.mov(RBX, DATA).store(8, at(RBX), RAX));
        assertThat(accessedAndDirty(DATA) & Pte.DIRTY).isZero();
    }

    @Test
    void accessedAndDirtyLoseNoUpdateOfTheEntryBySomebodyElse() throws InterruptedException {
        long entry = Ram.PAGE_SIZE * guest.machine.root;
        for (int level = 4; level > 1; level--) {
            long next = Ram.getLong(entry + Pte.index(DATA, level) * 8L);
            entry = next & Pte.FRAME_MASK;
        }
        long at = entry + Pte.index(DATA, 1) * 8L;
        long counterUnit = 1L << 52;
        AtomicBoolean walking = new AtomicBoolean(true);
        long[] increments = new long[1];
        Thread other =
                new Thread(
                        () -> {
                            while (walking.get()) {
                                long old = Ram.getLongVolatile(at);
                                long counted = old + counterUnit & ~Pte.NO_EXECUTE;
                                long cleared = counted & ~(Pte.ACCESSED | Pte.DIRTY);
                                if (Ram.compareAndSetLong(at, old, cleared)) {
                                    increments[0]++;
                                }
                                for (int k = 0; k < 100; k++) {
                                    Thread.onSpinWait();
                                }
                            }
                        });
        other.start();
        for (int i = 0; i < 100_000; i++) {
            cpu.mmu().dropPage(DATA);
            cpu.mmu().write8(DATA, i);
        }
        walking.set(false);
        other.join();
        assertThat(Ram.getLong(at) >>> 52).isEqualTo(increments[0] & 0x7ff);
    }

    private long accessedAndDirty(long vaddr) {
        return cpu.mmu().pte(vaddr) & (Pte.ACCESSED | Pte.DIRTY);
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

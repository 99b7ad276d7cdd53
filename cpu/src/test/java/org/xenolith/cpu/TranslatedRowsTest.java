package org.xenolith.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.xenolith.cpu.Assembler.at;
import static org.xenolith.cpu.Cpu.R8;
import static org.xenolith.cpu.Cpu.RAX;
import static org.xenolith.cpu.Cpu.RBX;
import static org.xenolith.cpu.Cpu.RCX;
import static org.xenolith.cpu.Cpu.RDI;
import static org.xenolith.cpu.Cpu.RDX;
import static org.xenolith.cpu.Cpu.RSI;
import static org.xenolith.cpu.GuestCode.DATA;
import static org.xenolith.cpu.GuestCode.DATA_END;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.xenolith.cpu.Assembler.Alu;
import org.xenolith.cpu.Assembler.BitTest;
import org.xenolith.cpu.Assembler.Condition;
import org.xenolith.cpu.Assembler.Label;
import org.xenolith.cpu.interp.TranslatedUnit;
import org.xenolith.cpu.semantics.Flags;
import org.xenolith.cpu.semantics.simd.Mxcsr;

import java.util.function.Consumer;

/**
 * Which instructions stay inside translated code: what a unit executes of read-modify-writes,
 * strings and flags, and when it leaves them to the interpreter. Each program runs in a loop, so
 * that the TLB knows its pages.
 */
@Timeout(60)
class TranslatedRowsTest {
    private static final int ROUNDS = 500;

    /** Misses of the first rounds, and of the way into the loop. */
    private static final int FEW = 20;

    private final GuestCode guest = new GuestCode(TestTier.EVERYTHING);
    private final Cpu cpu = guest.cpu;

    private void loop(Consumer<Assembler> body) {
        Label again = new Label();
        guest.run(
                code -> {
                    code.mov(RBX, DATA).mov(R8, ROUNDS).bind(again);
                    body.accept(code);
                    code.dec(64, R8).jcc(Condition.NE, again).syscall();
                });
    }

    private long left() {
        return cpu.tier.exits(TranslatedUnit.MISS) + cpu.tier.exits(TranslatedUnit.SPECIAL);
    }

    private void assertThatNothingIsLeftToTheInterpreter() {
        assertThat(left()).isLessThan(FEW);
        assertThat(cpu.retired() - cpu.tier.instructions()).isLessThan(4 * FEW);
    }

    private void assertThatEachRoundIsLeftToTheInterpreter() {
        assertThat(left()).isGreaterThanOrEqualTo(ROUNDS - FEW);
    }

    // ---- LOCK

    @ParameterizedTest
    @ValueSource(ints = {8, 16, 32, 64})
    void alignedLockedInstructionsStayInTheUnit(int bits) {
        loop(
                code -> {
                    code.mov(RAX, 1).mov(RDX, 3);
                    code.lock().alu(Alu.ADD, bits, at(RBX), RDX);
                    code.lock().alu(Alu.SUB, bits, at(RBX), RAX);
                    code.lock().inc(bits, at(RBX, 8)).lock().dec(bits, at(RBX, 16));
                    code.lock().aluImmediate(Alu.OR, bits, at(RBX, 24), 0x15);
                    code.lock().aluImmediate(Alu.AND, bits, at(RBX, 24), 0x14);
                    code.lock().alu(Alu.XOR, bits, at(RBX, 32), RAX);
                    code.lock().not(bits, at(RBX, 40));
                    code.lock().xadd(bits, at(RBX, 48), RAX);
                    code.xchg(bits, at(RBX, 56), RDX);
                    code.load(bits, RAX, at(RBX, 64)).mov(RDX, 0).alu(Alu.ADD, 64, RDX, RAX);
                    code.inc(64, RDX).lock().cmpxchg(bits, at(RBX, 64), RDX);
                });
        assertThatNothingIsLeftToTheInterpreter();
        long all = bits == 64 ? -1 : (1L << bits) - 1;
        assertThat(guest.quad(DATA)).isEqualTo(2 * ROUNDS & all);
        assertThat(guest.quad(DATA + 8)).isEqualTo(ROUNDS & all);
        assertThat(guest.quad(DATA + 16)).isEqualTo(-ROUNDS & all);
        assertThat(guest.quad(DATA + 24)).isEqualTo(0x14);
        assertThat(guest.quad(DATA + 32)).isZero();
        assertThat(guest.quad(DATA + 40)).isZero();
        assertThat(guest.quad(DATA + 48)).isEqualTo(ROUNDS & all);
        assertThat(guest.quad(DATA + 56)).isEqualTo(3);
        assertThat(guest.quad(DATA + 64)).isEqualTo(ROUNDS & all);
    }

    @ParameterizedTest
    @CsvSource({"16,1", "32,2", "64,4"})
    void aLockedOperandThatIsNotAlignedIsLeftToTheInterpreter(int bits, int offset) {
        loop(code -> code.mov(RAX, 1).lock().alu(Alu.ADD, bits, at(RBX, offset), RAX));
        assertThatEachRoundIsLeftToTheInterpreter();
        assertThat(guest.quad(DATA + offset)).isEqualTo(ROUNDS);
    }

    @Test
    void aCompareAndExchangeThatFailsStillWrites() {
        guest.protect(DATA + 0x1000);
        GuestFault fault =
                guest.fault(
                        code -> {
                            code.mov(RBX, DATA + 0x1000).mov(RAX, 5).mov(RDX, 6);
                            code.load(64, RCX, at(RBX)).cmpxchg(64, at(RBX), RDX).syscall();
                        });
        assertThat(fault.vector()).isEqualTo(Vector.PAGE_FAULT);
        assertThat(fault.errorCode() & GuestFault.PF_WRITE).isNotZero();
        assertThat(cpu.r[RAX]).isEqualTo(5);
    }

    @ParameterizedTest
    @CsvSource({"7,9,true", "7,8,false", "6,9,false"})
    void aPairIsExchangedOnlyIfBothHalvesAreExpected(long low, long high, boolean equal) {
        loop(
                code -> {
                    code.mov(RSI, DATA).mov(RAX, 7).store(64, at(RSI, 16), RAX);
                    code.mov(RAX, 9).store(64, at(RSI, 24), RAX);
                    code.mov(RAX, low).mov(RDX, high).mov(RCX, 2).mov(RBX, 1).mov(RDI, 0);
                    code.stc().cmpxchg16b(at(RSI, 16)).cmov(Condition.E, 64, RDI, RCX);
                });
        assertThatNothingIsLeftToTheInterpreter();
        assertThat(guest.quad(DATA + 16)).isEqualTo(equal ? 1 : 7);
        assertThat(guest.quad(DATA + 24)).isEqualTo(equal ? 2 : 9);
        assertThat(cpu.r[RAX]).isEqualTo(7);
        assertThat(cpu.r[RDX]).isEqualTo(9);
        assertThat(cpu.r[RDI]).isEqualTo(equal ? 2 : 0);
    }

    @Test
    void aPairThatIsNotAlignedFaults() {
        Label loop = new Label();
        GuestFault fault =
                guest.fault(
                        code -> {
                            code.mov(RSI, DATA - 8).bind(loop).aluImmediate(Alu.ADD, 64, RSI, 8);
                            code.store(64, at(RSI), RAX).cmpxchg16b(at(RSI)).jmp(loop);
                        });
        assertThat(fault.vector()).isEqualTo(Vector.GENERAL_PROTECTION);
        assertThat(cpu.r[RSI]).isEqualTo(DATA + 8);
    }

    // ---- bits

    @Test
    void aBitOffsetInARegisterReachesBeyondTheOperand() {
        loop(
                code -> {
                    code.mov(RAX, 8 * 0x104 + 3).mov(RDX, -8 * 0x10 + 5).mov(RSI, DATA + 0x100);
                    code.bitAt(BitTest.BTS, 32, at(RBX), RAX);
                    code.lock().bitAt(BitTest.BTS, 64, at(RSI), RDX);
                    code.bitAt(BitTest.BT, 16, at(RBX), RAX).cmov(Condition.B, 64, RDI, RAX);
                });
        assertThatNothingIsLeftToTheInterpreter();
        assertThat(guest.quad(DATA + 0x104)).isEqualTo(1 << 3);
        assertThat(guest.quad(DATA + 0xf0)).isEqualTo(1 << 5);
        assertThat(cpu.r[RDI]).isEqualTo(cpu.r[RAX]);
    }

    // ---- flags

    @Test
    void flagsGoToTheStackAndBackInTheUnit() {
        loop(
                code -> {
                    code.stc().pushf().pop(RAX).alu(Alu.XOR, 32, RDX, RDX);
                    code.push(RAX).popf().cmov(Condition.B, 64, RDX, RAX);
                });
        assertThatNothingIsLeftToTheInterpreter();
        assertThat(cpu.r[RDX] & Flags.CF).isNotZero();
        assertThat(cpu.r[RDX] & Flags.IF).isNotZero();
    }

    @Test
    void whoMayMaskInterruptsIsAskedEachTime() {
        loop(code -> code.bytes(0xfa, 0xfb)); // CLI, STI
        assertThat(cpu.retired() - cpu.tier.instructions()).isGreaterThanOrEqualTo(2L * ROUNDS);
    }

    @Test
    void popfThatChangesTheDirectionIsLeftToTheInterpreterAndStringsObeyIt() {
        guest.fill(DATA + 0x20, 1, 2, 3);
        loop(
                code -> {
                    code.mov(RSI, DATA + 0x22).mov(RAX, Flags.DF | Flags.FIXED);
                    code.push(RAX).popf().lods(8).lods(8).cld();
                });
        assertThatEachRoundIsLeftToTheInterpreter();
        assertThat(cpu.r[RSI]).isEqualTo(DATA + 0x20);
        assertThat(cpu.r[RAX] & 0xff).isEqualTo(2);
    }

    // ---- strings

    @Test
    void aPageIsClearedInTheUnitAndCountsOneInstruction() {
        long before = cpu.retired();
        loop(code -> code.mov(RDI, DATA + 0x1000).mov(RAX, 0).mov(RCX, 512).rep().stos(64));
        assertThatNothingIsLeftToTheInterpreter();
        assertThat(cpu.retired() - before).isEqualTo(2 + 6L * ROUNDS + 1);
        assertThat(cpu.r[RDI]).isEqualTo(DATA + 0x2000);
        assertThat(cpu.r[RCX]).isZero();
    }

    @Test
    void aPatternIsStoredAcrossTwoPages() {
        loop(
                code -> {
                    code.mov(RDI, DATA + 0x1000 - 8).mov(RAX, 0x1234_5678);
                    code.mov(RCX, 5).rep().stos(32);
                });
        assertThatNothingIsLeftToTheInterpreter();
        assertThat(guest.quad(DATA + 0x1000 - 16)).isZero();
        assertThat(guest.quad(DATA + 0x1000 - 8)).isEqualTo(0x1234_5678_1234_5678L);
        assertThat(guest.quad(DATA + 0x1008)).isEqualTo(0x1234_5678);
    }

    @Test
    void aCopyBetweenPagesAtOddAddressesStaysInTheUnit() {
        guest.fill(DATA + 0x1000 - 3, 1, 2, 3, 4, 5, 6, 7);
        loop(
                code -> {
                    code.mov(RSI, DATA + 0x1000 - 3).mov(RDI, DATA + 0x3000 - 5);
                    code.mov(RCX, 7).rep().movs(8);
                });
        assertThatNothingIsLeftToTheInterpreter();
        assertThat(guest.quad(DATA + 0x3000 - 5)).isEqualTo(0x07_0605_0403_0201L);
        assertThat(cpu.r[RSI]).isEqualTo(DATA + 0x1004);
        assertThat(cpu.r[RDI]).isEqualTo(DATA + 0x3002);
    }

    @Test
    void aCopyIntoItsOwnSourceIsLeftToTheInterpreterWhichReplicates() {
        guest.fill(DATA, 1, 2);
        loop(code -> code.mov(RSI, DATA).mov(RDI, DATA + 2).mov(RCX, 30).rep().movs(8));
        assertThatEachRoundIsLeftToTheInterpreter();
        assertThat(guest.quad(DATA + 24)).isEqualTo(0x0201_0201_0201_0201L);
    }

    @Test
    void aCopyTowardsLowerAddressesOverItselfStaysInTheUnit() {
        guest.fill(DATA + 4, 1, 2, 3, 4, 5, 6, 7, 8);
        loop(
                code -> {
                    code.load(64, RAX, at(RBX, 4)).store(64, at(RBX, 0x103), RAX);
                    code.mov(RSI, DATA + 0x103).mov(RDI, DATA + 0x100).mov(RCX, 4).rep().movs(16);
                });
        assertThatNothingIsLeftToTheInterpreter();
        assertThat(guest.quad(DATA + 0x100)).isEqualTo(0x0807_0605_0403_0201L);
    }

    @Test
    void aCopyThatFaultsInItsSecondPageStopsAtTheElement() {
        GuestFault fault =
                guest.fault(
                        code -> {
                            code.mov(RBX, DATA_END - 8).load(64, RAX, at(RBX));
                            code.store(64, at(RBX), RAX).mov(RSI, DATA).load(64, RAX, at(RSI));
                            code.mov(RDI, DATA_END - 8).mov(RCX, 3).rep().movs(64).syscall();
                        });
        assertThat(fault.address()).isEqualTo(DATA_END);
        assertThat(cpu.r[RCX]).isEqualTo(2);
        assertThat(cpu.r[RSI]).isEqualTo(DATA + 8);
    }

    @Test
    void singleElementsStayInTheUnit() {
        guest.fill(DATA, 1, 2, 3, 4, 5, 6, 7, 8, 9);
        loop(
                code -> {
                    code.mov(RSI, DATA).mov(RDI, DATA + 0x40).movs(8).movs(16).lods(32);
                    code.stos(32).cmps(8).mov(RAX, 0).scas(8).cmov(Condition.E, 64, RDX, RDI);
                });
        assertThatNothingIsLeftToTheInterpreter();
        assertThat(guest.quad(DATA + 0x40)).isEqualTo(0x07_0605_0403_0201L);
        assertThat(cpu.r[RSI]).isEqualTo(DATA + 8);
        assertThat(cpu.r[RDX]).isEqualTo(DATA + 0x49);
    }

    // ---- numbers and vectors

    @ParameterizedTest
    @ValueSource(ints = {8, 16})
    void narrowQuotientsStayInTheUnitUntilTheyAreTooLarge(int bits) {
        loop(code -> code.mov(RAX, 1000).mov(RDX, 0).mov(RCX, 7).div(bits, RCX));
        assertThatNothingIsLeftToTheInterpreter();
        assertThat(cpu.r[RAX] & 0xff).isEqualTo(142);
        GuestFault fault =
                guest.fault(code -> code.mov(RAX, -1).mov(RDX, 7).mov(RCX, 7).div(bits, RCX));
        assertThat(fault.vector()).isEqualTo(Vector.DIVIDE_ERROR);
    }

    @Test
    void aSearchForAByteStaysInTheUnit() {
        guest.fill(DATA, 1, 2, 3, 4, 5, 0, 7, 0);
        loop(
                code -> {
                    code.sse(0x66, 0xef, 0, 0).sse(0x66, 0x74, 0, at(RBX)); // PXOR, PCMPEQB
                    code.sse(0x66, 0xd7, RAX, 0).bsf(32, RDX, RAX); // PMOVMSKB
                });
        assertThatNothingIsLeftToTheInterpreter();
        assertThat(cpu.r[RAX]).isEqualTo(0xffa0);
        assertThat(cpu.r[RDX]).isEqualTo(5);
    }

    @Test
    void ciphersAndHashesStayInTheUnit() {
        loop(
                code -> {
                    for (int opcode = 0x38db; opcode <= 0x38df; opcode++) { // AESIMC to AESDECLAST
                        code.sse(0x66, opcode, 1, 2).sse(0x66, opcode, 2, at(RBX, 0x20));
                    }
                    for (int opcode = 0x38c8; opcode <= 0x38cd; opcode++) { // SHA1NEXTE and on
                        code.sse(0, opcode, 3, 4).sse(0, opcode, 4, at(RBX, 0x30));
                    }
                    code.sse(0x66, 0x3adf, 5, 1).bytes(1).sse(0x66, 0x3a44, 5, 2).bytes(0x11);
                    code.sse(0, 0x3acc, 5, 3).bytes(2);
                });
        assertThatNothingIsLeftToTheInterpreter();
    }

    /** As sin() of the C library does at its start. */
    @Test
    void mxcsrIsStoredInTheUnitWithTheFlagsOfTheInstructionsBefore() {
        loop(
                code -> {
                    code.mov(RAX, 1).mov(RDX, 3).sse(0xf2, 0x2a, 0, RAX); // CVTSI2SD
                    code.sse(0xf2, 0x2a, 1, RDX).bytes(0x0f, 0xae, 0x1b); // STMXCSR [RBX]
                    code.sse(0xf2, 0x5e, 0, 1).bytes(0x0f, 0xae, 0x5b, 4); // DIVSD
                });
        assertThatNothingIsLeftToTheInterpreter();
        assertThat(guest.quad(DATA) >>> 32).isEqualTo(Mxcsr.DEFAULT | Mxcsr.PE);
    }

    @Test
    void theTranslatorCountsWhatEndsItsUnits() {
        long before = TestTier.EVERYTHING.jit().leftOut().getOrDefault("lock adc", 0L);
        loop(code -> code.mov(RAX, 1).lock().alu(Alu.ADC, 64, at(RBX), RAX));
        assertThat(TestTier.EVERYTHING.jit().leftOut().get("lock adc")).isGreaterThan(before);
    }
}

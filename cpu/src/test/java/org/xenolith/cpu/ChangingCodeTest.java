package org.xenolith.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.xenolith.cpu.Assembler.at;
import static org.xenolith.cpu.Cpu.RAX;
import static org.xenolith.cpu.Cpu.RBX;
import static org.xenolith.cpu.Cpu.RCX;
import static org.xenolith.cpu.Cpu.RDI;
import static org.xenolith.cpu.Cpu.RDX;
import static org.xenolith.cpu.Cpu.RSI;
import static org.xenolith.cpu.Cpu.RSP;
import static org.xenolith.cpu.GuestCode.CODE;
import static org.xenolith.cpu.GuestCode.DATA;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.xenolith.cpu.Assembler.Alu;
import org.xenolith.cpu.Assembler.BitTest;
import org.xenolith.cpu.Assembler.Condition;
import org.xenolith.cpu.Assembler.Label;
import org.xenolith.cpu.mmu.Pte;
import org.xenolith.cpu.mmu.Ram;
import org.xenolith.cpu.mmu.TlbMailbox;
import org.xenolith.cpu.semantics.Flags;

import java.util.function.Consumer;

/** Stores into code take effect: in the block that runs, in others, by aliases and siblings. */
@Timeout(20)
class ChangingCodeTest {
    /** Offset of the immediate in MOV r64, imm64. */
    private static final int IMMEDIATE = 2;

    private static final int MOV_BYTES = 10;
    private static final int PUSHF = 0x9c, REX_W = 0x48;

    private final GuestCode guest = new GuestCode();
    private final Cpu cpu = guest.cpu;

    @Test
    void aStoreIntoTheNextInstructionOfItsOwnBlockTakesEffect() {
        Label patched = new Label();
        for (int round = 1; round <= 3; round++) {
            int value = round;
            guest.write(
                    code -> {
                        code.mov(RBX, CODE + MOV_BYTES + 12 + IMMEDIATE);
                        code.storeImmediate(32, at(RBX), 40 + value);
                        code.padTo(CODE + MOV_BYTES + 12).bind(patched).mov(RAX, 1).syscall();
                    });
            guest.runToSyscall();
            assertThat(cpu.r[RAX]).isEqualTo(40 + value);
        }
        assertThat(patched.vaddr()).isEqualTo(CODE + MOV_BYTES + 12);
    }

    @Test
    void aLoopThatPatchesItsOwnBodyRunsEachVersion() {
        Label loop = new Label();
        guest.run(
                code -> {
                    code.mov(RCX, 50).mov(RAX, 0).mov(RBX, CODE + 100 + IMMEDIATE);
                    code.padTo(CODE + 100).bind(loop).mov(RDX, 0);
                    code.alu(Alu.ADD, 64, RAX, RDX).inc(32, at(RBX)).dec(64, RCX);
                    code.jcc(Condition.NE, loop).syscall();
                });
        assertThat(cpu.r[RAX]).as("0 + 1 + .. + 49").isEqualTo(49 * 50 / 2);
    }

    /**
     * ADD RAX, RBX at [RSI], in the same block, whose first byte {@code patch} makes PUSHF; then
     * the flags come into RDX.
     */
    private void runWithPatchedAdd(Consumer<Assembler> patch) {
        Label add = new Label();
        guest.run(
                code -> {
                    code.lea(RSI, add).mov(RCX, PUSHF - REX_W).alu(Alu.XOR, 64, RDI, RDI);
                    patch.accept(code);
                    code.padTo(code.here() + 15 & ~15L).bind(add);
                    code.alu(Alu.ADD, 64, RAX, RBX).pop(RDX).syscall();
                });
    }

    @Test
    void aStoreThatReplacesTheInstructionAboutToOverwriteTheFlagsLeavesThemExact() {
        runWithPatchedAdd(code -> code.storeImmediate(8, at(RSI), PUSHF));
        assertThat(cpu.r[RDX] & Flags.ZF).as("ZF of the XOR").isNotZero();
    }

    @Test
    void aReadModifyWriteThatReplacesTheNextInstructionLeavesItsOwnFlagsExact() {
        runWithPatchedAdd(code -> code.alu(Alu.ADD, 8, at(RSI), RCX));
        assertThat(cpu.r[RDX] & Flags.ZF).as("ZF of the sum").isZero();
        assertThat(cpu.r[RDX] & Flags.SF).as("SF of the sum").isNotZero();
    }

    @Test
    void aLockedReadModifyWriteTakesEffectOnTheNextInstruction() {
        runWithPatchedAdd(code -> code.lock().alu(Alu.ADD, 8, at(RSI), RCX));
        assertThat(cpu.r[RDX] & Flags.ZF).as("ZF of the sum").isZero();
        assertThat(cpu.r[RDX] & Flags.SF).as("SF of the sum").isNotZero();
    }

    @Test
    void anExchangeTakesEffectOnTheNextInstruction() {
        runWithPatchedAdd(code -> code.mov(RCX, PUSHF).xchg(8, at(RSI), RCX));
        assertThat(cpu.r[RDX] & Flags.ZF).as("ZF of the XOR").isNotZero();
        assertThat(cpu.r[RCX]).as("what was there").isEqualTo(REX_W);
    }

    @Test
    void anExchangeAndAddTakesEffectOnTheNextInstruction() {
        runWithPatchedAdd(code -> code.lock().xadd(8, at(RSI), RCX));
        assertThat(cpu.r[RDX] & Flags.SF).as("SF of the sum").isNotZero();
    }

    @Test
    void aCompareExchangeTakesEffectOnTheNextInstruction() {
        runWithPatchedAdd(
                code -> code.mov(RAX, REX_W).mov(RCX, PUSHF).lock().cmpxchg(8, at(RSI), RCX));
        assertThat(cpu.r[RDX] & Flags.ZF).as("ZF of the comparison").isNotZero();
    }

    @Test
    void aBitThatIsSetTakesEffectOnTheNextInstruction() {
        // 48 with bit 4 is 58: POP RAX, of what the stack holds.
        cpu.mmu().write64(cpu.r[RSP], 77);
        runWithPatchedAdd(code -> code.lock().bit(BitTest.BTS, 32, at(RSI), 4));
        assertThat(cpu.r[RAX]).isEqualTo(77);
    }

    @Test
    void aCompareExchangeOf16BytesTakesEffectOnTheNextInstruction() {
        runWithPatchedAdd(
                code -> {
                    code.load(64, RAX, at(RSI)).load(64, RDX, at(RSI, 8));
                    code.mov(64, RBX, RAX).mov(64, RCX, RDX);
                    code.aluImmediate(Alu.XOR, 64, RBX, PUSHF ^ REX_W);
                    code.lock().cmpxchg16b(at(RSI));
                });
        assertThat(cpu.r[RDX] & Flags.ZF).as("ZF of the comparison").isNotZero();
    }

    @Test
    void aStoreIntoAnotherBlockTakesEffect() {
        Label function = new Label();
        guest.run(
                code -> {
                    code.mov(RBX, CODE + 0x200 + IMMEDIATE).call(function);
                    code.mov(32, RCX, RAX).storeImmediate(32, at(RBX), 9).call(function);
                    code.syscall().padTo(CODE + 0x200).bind(function).mov(RAX, 4).ret();
                });
        assertThat(cpu.r[RCX]).isEqualTo(4);
        assertThat(cpu.r[RAX]).isEqualTo(9);
    }

    @Test
    void aStoreThroughAnotherAliasOfTheFrameTakesEffect() {
        guest.setPte(DATA, guest.machine.host(CODE), Pte.PRESENT | Pte.WRITABLE | Pte.USER);
        Label function = new Label();
        guest.run(
                code -> {
                    code.mov(RBX, DATA + 0x200 + IMMEDIATE).storeImmediate(32, at(RBX), 3);
                    code.call(function).mov(32, RCX, RAX);
                    code.storeImmediate(32, at(RBX), 9).call(function).syscall();
                    code.padTo(CODE + 0x200).bind(function).mov(RAX, 4).ret();
                });
        assertThat(cpu.r[RCX]).isEqualTo(3);
        assertThat(cpu.r[RAX]).isEqualTo(9);
    }

    @Test
    void aRepeatedStoreOverCodeTakesEffect() {
        Label function = new Label();
        guest.run(
                code -> {
                    code.call(function);
                    code.mov(RDI, CODE + 0x200 + IMMEDIATE).mov(RAX, 0x11).mov(RCX, 8);
                    code.rep().stos(8).call(function).syscall();
                    code.padTo(CODE + 0x200).bind(function).mov(RAX, 4).ret();
                });
        assertThat(cpu.r[RAX]).isEqualTo(0x1111_1111_1111_1111L);
    }

    @Test
    void anInstructionAcrossTwoPagesSeesStoresIntoEither() {
        long function = CODE + 0x2000 - 3;
        Label label = new Label();
        guest.writeAt(function, code -> code.bind(label).mov(RAX, 0x5500).ret());
        guest.run(
                code -> {
                    code.call(label).mov(64, RCX, RAX).mov(RBX, function + IMMEDIATE);
                    code.storeImmediate(8, at(RBX), 0x77).call(label).mov(64, RDX, RAX);
                    code.storeImmediate(8, at(RBX, 1), 0x66).call(label).syscall();
                });
        assertThat(cpu.r[RCX]).isEqualTo(0x5500);
        assertThat(cpu.r[RDX]).isEqualTo(0x5577);
        assertThat(cpu.r[RAX]).isEqualTo(0x6677);
    }

    @Test
    void anInstructionAcrossTwoPagesSeesANewFrameForTheSecond() {
        long function = CODE + 0x2000 - 3;
        Label label = new Label();
        guest.writeAt(function, code -> code.bind(label).mov(RAX, 0x5500).ret());
        guest.run(code -> code.call(label).syscall());
        guest.machine.mapFrame(
                CODE + 0x2000, FlatMachine.newFrame(), Pte.PRESENT | Pte.WRITABLE | Pte.USER);
        guest.writeAt(function, code -> code.mov(RAX, 0x7700).ret());
        guest.run(code -> code.call(label).syscall());
        assertThat(cpu.r[RAX]).isEqualTo(0x7700);
    }

    /** The pool clears frames that it gets back; that is no store of a vCPU. */
    @Test
    void aFrameThatWasGivenAwayRunsWhatItHoldsWhenItComesBack() {
        guest.run(code -> code.mov(RAX, 3).syscall());
        long host = guest.machine.host(CODE);
        cpu.mmu().dropFrame(host);
        byte[] other = new Assembler(CODE).mov(RAX, 5).syscall().bytes();
        Ram.write(host, other, 0, other.length);
        cpu.rip = CODE;
        guest.runToSyscall();
        assertThat(cpu.r[RAX]).isEqualTo(5);
    }

    @Test
    void codeThatASiblingDecodedInAFrameThatWasGivenAwayIsForgottenAlsoByAFullFlush() {
        giveAwayWhileASiblingRuns(TlbMailbox::postFlushAll);
        assertThat(cpu.r[RAX]).isEqualTo(5);
    }

    @Test
    void codeThatASiblingDecodedInAFrameThatWasGivenAwayIsForgottenAlsoWhenItsMailboxOverflowed() {
        giveAwayWhileASiblingRuns(
                mailbox -> {
                    for (int i = 0; i < 1000; i++) {
                        mailbox.postDropPage(DATA);
                    }
                });
        assertThat(cpu.r[RAX]).isEqualTo(5);
    }

    @Test
    void codeThatASiblingDecodedInAFrameThatWasGivenAwayWithManyOthersIsForgotten() {
        giveAwayWhileASiblingRuns(
                mailbox -> {
                    for (int i = 0; i < 1000; i++) {
                        mailbox.postDropFrame(FlatMachine.newFrame() << Ram.PAGE_SHIFT);
                    }
                });
        assertThat(cpu.r[RAX]).isEqualTo(5);
    }

    /** It may do so until its next poll point; the frame comes back with other contents. */
    private void giveAwayWhileASiblingRuns(Consumer<TlbMailbox> moreNews) {
        Cpu sibling = guest.machine.newCpu();
        guest.writeAt(CODE, code -> code.mov(RAX, 3).syscall());
        sibling.mmu().hostForFetch(CODE);
        long host = guest.machine.host(CODE);
        cpu.mmu().dropFrame(host);
        sibling.mmu().mailbox().postDropFrame(host);
        moreNews.accept(sibling.mmu().mailbox());
        sibling.rip = CODE;
        GuestCode.runToSyscall(sibling);
        sibling.mmu().mailbox().drain();
        byte[] other = new Assembler(CODE).mov(RAX, 5).syscall().bytes();
        Ram.write(host, other, 0, other.length);
        cpu.rip = CODE;
        guest.runToSyscall();
    }

    @Test
    void storesBesideCodeKeepItAndAreSeen() {
        Label loop = new Label();
        long beside = CODE + 0x800;
        guest.run(
                code -> {
                    code.mov(RBX, beside).mov(RCX, 1000).bind(loop).inc(64, at(RBX));
                    code.dec(64, RCX).jcc(Condition.NE, loop).syscall();
                });
        assertThat(guest.quad(beside)).isEqualTo(1000);
        assertThat(guest.machine.code.decodedBlocks())
                .as("blocks decoded: stores beside code drop none")
                .isLessThan(10);
    }

    @Test
    void aSiblingsStoreIsSeenAfterBothHavePolled() {
        Cpu sibling = guest.machine.newCpu();
        long function = CODE + 0x1000;
        long patcher = CODE + 0x2000;
        // The sibling owns a writable TLB entry of the page before it holds code.
        guest.writeAt(
                patcher,
                code -> code.mov(RBX, function + IMMEDIATE).store(32, at(RBX), RAX).syscall());
        sibling.rip = patcher;
        GuestCode.runToSyscall(sibling);
        guest.writeAt(function, code -> code.mov(RAX, 1).syscall());
        guest.runToSyscall();
        assertThat(cpu.r[RAX]).isEqualTo(1);

        for (int value = 5; value < 8; value++) {
            sibling.mmu().mailbox().drain();
            sibling.r[RAX] = value;
            sibling.rip = patcher;
            GuestCode.runToSyscall(sibling);
            cpu.mmu().mailbox().drain();
            cpu.rip = function;
            guest.runToSyscall();
            assertThat(cpu.r[RAX]).isEqualTo(value);
        }
    }

    @Test
    void aSiblingsStoreBeforeItsPollIsFoundWhenItPolls() {
        Cpu sibling = guest.machine.newCpu();
        long function = CODE + 0x1000;
        guest.writeAt(function, code -> code.mov(RAX, 1).syscall());
        sibling.mmu().write8(function + 0x100, 0);
        cpu.rip = function;
        guest.runToSyscall();
        sibling.mmu().write8(function + IMMEDIATE, 2);
        sibling.mmu().mailbox().drain();
        cpu.rip = function;
        guest.runToSyscall();
        assertThat(cpu.r[RAX]).isEqualTo(2);
    }

    @Test
    void aSiblingsStoreBeforeItsPollIsFoundAlsoWhenItIsToldToFlushEverything() {
        Cpu sibling = guest.machine.newCpu();
        long function = CODE + 0x1000;
        guest.writeAt(function, code -> code.mov(RAX, 1).syscall());
        sibling.mmu().write8(function + 0x100, 0);
        cpu.rip = function;
        guest.runToSyscall();
        sibling.mmu().write8(function + IMMEDIATE, 2);
        sibling.mmu().mailbox().postFlushAll();
        sibling.mmu().mailbox().drain();
        cpu.rip = function;
        guest.runToSyscall();
        assertThat(cpu.r[RAX]).isEqualTo(2);
    }

    @Test
    void aSiblingsStoreBeforeItsPollIsFoundAlsoWhenItsMailboxOverflowed() {
        Cpu sibling = guest.machine.newCpu();
        long function = CODE + 0x1000;
        for (int i = 0; i < 1000; i++) {
            sibling.mmu().mailbox().postDropPage(DATA);
        }
        guest.writeAt(function, code -> code.mov(RAX, 1).syscall());
        sibling.mmu().write8(function + 0x100, 0);
        cpu.rip = function;
        guest.runToSyscall();
        sibling.mmu().write8(function + IMMEDIATE, 2);
        sibling.mmu().mailbox().drain();
        cpu.rip = function;
        guest.runToSyscall();
        assertThat(cpu.r[RAX]).isEqualTo(2);
    }
}

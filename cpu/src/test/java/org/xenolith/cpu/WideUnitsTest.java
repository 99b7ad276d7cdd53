package org.xenolith.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.xenolith.cpu.Assembler.Alu;
import static org.xenolith.cpu.Assembler.Condition;
import static org.xenolith.cpu.Assembler.Label;
import static org.xenolith.cpu.Assembler.at;
import static org.xenolith.cpu.Cpu.RAX;
import static org.xenolith.cpu.Cpu.RBX;
import static org.xenolith.cpu.Cpu.RCX;
import static org.xenolith.cpu.Cpu.RDX;
import static org.xenolith.cpu.GuestCode.CODE;
import static org.xenolith.cpu.GuestCode.DATA;

import org.junit.jupiter.api.Test;
import org.xenolith.cpu.interp.TranslatedUnit;
import org.xenolith.cpu.mmu.Pte;
import org.xenolith.cpu.mmu.Ram;
import org.xenolith.cpu.translate.Jit;

/** Units that contain functions of other pages run only where those pages are what they were. */
class WideUnitsTest {
    private static final int ANY_TIME = 1_000_000;
    private static final long FUNCTION = CODE + 0x2000;
    private static final long DEEPER = CODE + 0x3000;
    private static final long FLAGS = Pte.PRESENT | Pte.WRITABLE | Pte.USER;
    private static final int CALLS = 1_000;

    /** Where the byte that is added stands in the function: ADD RAX, imm8 is four bytes long. */
    private static final long ADDEND = FUNCTION + 3;

    private final Jit jit = translatingAfter(1);
    private final GuestCode guest = new GuestCode(jit);
    private final Cpu cpu = guest.cpu;

    private static Jit translatingAfter(int entries) {
        return new Jit(new Jit.Policy(entries, ANY_TIME, true, 200, 0, false, 100));
    }

    private static byte[] adding(int n) {
        return new Assembler(FUNCTION).aluImmediate(Alu.ADD, 64, RAX, n).ret().bytes();
    }

    private static void loop(Assembler code, int calls) {
        Label loop = new Label();
        Label function = new Assembler(FUNCTION).mark();
        code.mov(RCX, calls).mov(RAX, 0).bind(loop).call(function);
        code.dec(64, RCX).jcc(Condition.NE, loop).syscall();
    }

    private long callIt(GuestCode by, int calls) {
        by.cpu.rip = CODE;
        by.cpu.r[RCX] = calls;
        by.runToSyscall();
        return by.cpu.r[RAX];
    }

    private void prepare(GuestCode in, int n) {
        in.machine.load(FUNCTION, adding(n));
        in.write(code -> loop(code, CALLS));
    }

    private void makeUnit() {
        prepare(guest, 3);
        assertThat(callIt(guest, CALLS)).isEqualTo(3 * CALLS);
    }

    private long timesLeft() {
        return cpu.tier.exits(TranslatedUnit.ON);
    }

    @Test
    void aFunctionOfAnotherPageIsPartOfTheUnitThatCallsIt() {
        makeUnit();
        long left = timesLeft();
        assertThat(callIt(guest, CALLS)).isEqualTo(3 * CALLS);
        assertThat(timesLeft() - left).isLessThan(5);
        assertThat(cpu.tier.instructions()).isGreaterThan(7 * CALLS);
    }

    @Test
    void aFunctionThatCallsOneOfAThirdPageIsPartOfItToo() {
        Label deeper = new Assembler(DEEPER).mark();
        guest.machine.load(DEEPER, new Assembler(DEEPER).dec(64, RAX).ret().bytes());
        guest.machine.load(
                FUNCTION,
                new Assembler(FUNCTION)
                        .call(deeper)
                        .aluImmediate(Alu.ADD, 64, RAX, 4)
                        .ret()
                        .bytes());
        guest.write(code -> loop(code, CALLS));
        assertThat(callIt(guest, CALLS)).isEqualTo(3 * CALLS);
        long left = timesLeft();
        assertThat(callIt(guest, CALLS)).isEqualTo(3 * CALLS);
        assertThat(timesLeft() - left).isLessThan(5);
    }

    @Test
    void aStoreIntoTheFunctionIsSeenByTheNextCall() {
        makeUnit();
        cpu.mmu().write8(ADDEND, 5);
        assertThat(callIt(guest, CALLS)).isEqualTo(5 * CALLS);
    }

    @Test
    void aLoopThatChangesTheFunctionItCallsSeesEachChange() {
        guest.machine.load(FUNCTION, adding(0));
        Label loop = new Label();
        Label function = new Assembler(FUNCTION).mark();
        guest.write(
                code -> {
                    code.mov(RCX, 100).mov(RAX, 0).mov(RDX, 0).mov(RBX, ADDEND);
                    code.bind(loop).call(function).aluImmediate(Alu.ADD, 64, RDX, 1);
                    code.store(8, at(RBX), RDX).dec(64, RCX).jcc(Condition.NE, loop).syscall();
                });
        guest.runToSyscall();
        assertThat(cpu.r[RAX]).as("0 + 1 + ... + 99").isEqualTo(4950);
    }

    @Test
    void aCallGoesWhereTheFunctionsPageIsMappedNow() {
        makeUnit();
        long alias = CODE + 0x10_0000;
        guest.machine.map(alias, 0x1000);
        guest.machine.load(alias, adding(5));
        guest.setPte(FUNCTION, guest.machine.host(alias), FLAGS);
        assertThat(callIt(guest, CALLS)).isEqualTo(5 * CALLS);
    }

    @Test
    void theFunctionInAnotherFrameWithTheSameCodeIsPartOfTheUnitAgain() {
        makeUnit();
        long alias = CODE + 0x10_0000;
        guest.machine.map(alias, 0x1000);
        guest.machine.load(alias, adding(3));
        assertThat(callIt(guest, CALLS)).isEqualTo(3 * CALLS);
        guest.setPte(FUNCTION, guest.machine.host(alias), FLAGS);
        // It is fetched there on the way.
        assertThat(callIt(guest, CALLS)).isEqualTo(3 * CALLS);
        long made = jit.units();
        long left = timesLeft();
        assertThat(callIt(guest, CALLS)).isEqualTo(3 * CALLS);
        assertThat(jit.units()).isEqualTo(made);
        assertThat(timesLeft() - left).isLessThan(5);
    }

    @Test
    void theCallersPageElsewhereCallsWhatIsAtTheSameDistanceThere() {
        makeUnit();
        long elsewhere = CODE + 0x100_0000;
        guest.setPte(elsewhere, guest.machine.host(CODE), FLAGS);
        guest.machine.map(elsewhere + 0x2000, 0x1000);
        guest.machine.load(elsewhere + 0x2000, adding(7));
        for (int round = 0; round < 3; round++) {
            cpu.rip = elsewhere;
            guest.runToSyscall();
            assertThat(cpu.r[RAX]).isEqualTo(7 * CALLS);
            assertThat(callIt(guest, CALLS)).isEqualTo(3 * CALLS);
        }
    }

    @Test
    void anotherGuestEntersTheUnitOnceItHasFetchedItsOwnPages() {
        makeUnit();
        long made = jit.units();
        GuestCode neighbour = new GuestCode(jit);
        prepare(neighbour, 3);
        assertThat(callIt(neighbour, CALLS)).isEqualTo(3 * CALLS);
        assertThat(jit.units()).isEqualTo(made);
        assertThat(neighbour.cpu.tier.instructions()).isGreaterThan(4 * CALLS);
    }

    @Test
    void anotherGuestWithAnotherFunctionCallsItsOwn() {
        makeUnit();
        GuestCode neighbour = new GuestCode(jit);
        prepare(neighbour, 9);
        for (int round = 0; round < 3; round++) {
            assertThat(callIt(neighbour, CALLS)).isEqualTo(9 * CALLS);
            assertThat(callIt(guest, CALLS)).isEqualTo(3 * CALLS);
        }
    }

    @Test
    void aFunctionWhosePageCannotBeFetchedFaultsWhereItIsCalled() {
        makeUnit();
        guest.setPte(FUNCTION, 0, 0);
        cpu.rip = CODE;
        assertThat(guest.fault().vector()).isEqualTo(Vector.PAGE_FAULT);
        assertThat(cpu.rip).isEqualTo(FUNCTION);
    }

    @Test
    void aFrameThatGetsAnotherOwnerIsCalledNoMore() {
        makeUnit();
        long frame = guest.machine.host(FUNCTION);
        byte[] other = adding(6);
        Ram.write(frame, other, 0, other.length);
        guest.machine.code.forget(frame);
        cpu.mmu().dropFrame(frame);
        assertThat(callIt(guest, CALLS)).isEqualTo(6 * CALLS);
    }

    @Test
    void itStopsInsideAFunctionOfAnotherPageAfterExactlySoManyInstructions() {
        makeUnit();
        for (int n = 1; n < 60; n++) {
            cpu.rip = CODE;
            cpu.r[RAX] = -1;
            long before = cpu.retired();
            assertThat(cpu.run(n)).isEqualTo(Exit.BUDGET);
            assertThat(cpu.retired() - before).isEqualTo(n);
            long rax = n < 2 ? -1 : (n - 2 + 3) / 5 * 3L;
            assertThat(cpu.r[RAX]).as("RAX after %d instructions", n).isEqualTo(rax);
        }
    }

    @Test
    void aMissInsideAFunctionOfAnotherPageLeavesTheStateBeforeIt() {
        guest.machine.load(FUNCTION, new Assembler(FUNCTION).load(64, RAX, at(RBX)).ret().bytes());
        guest.write(code -> loop(code, CALLS));
        cpu.r[RBX] = DATA;
        guest.runToSyscall();
        cpu.rip = CODE;
        cpu.r[RBX] = GuestCode.DATA_END;
        assertThat(guest.fault().address()).isEqualTo(GuestCode.DATA_END);
        assertThat(cpu.rip).isEqualTo(FUNCTION);
        assertThat(cpu.r[RAX]).isZero();
    }
}

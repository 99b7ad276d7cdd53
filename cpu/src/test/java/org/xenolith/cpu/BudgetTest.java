package org.xenolith.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.xenolith.cpu.Assembler.at;
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
import org.xenolith.cpu.Assembler.Alu;
import org.xenolith.cpu.Assembler.Condition;
import org.xenolith.cpu.Assembler.Label;
import org.xenolith.cpu.Assembler.Shift;
import org.xenolith.cpu.interp.Block;

import java.util.Arrays;
import java.util.Random;

/** A run stops after exactly the instructions it was granted, and counts each once. */
@Timeout(20)
class BudgetTest {
    private static final int ROUNDS = 20_000;

    /** Fused branches, calls, followed jumps, dead flags and strings, for ever. */
    private static void mixture(Assembler code) {
        Label outer = new Label(), skip = new Label(), over = new Label(), function = new Label();
        code.mov(RBX, DATA).mov(RAX, 12345).bind(outer);
        code.alu(Alu.ADD, 64, RAX, RBX).alu(Alu.XOR, 32, RDX, RAX).mov(RCX, 7);
        code.shift(Shift.ROL, 64, RAX).jmp(over).padTo(code.here() + 20).bind(over);
        code.alu(Alu.CMP, 32, RAX, RDX).jcc(Condition.A, skip);
        code.inc(64, at(RBX)).call(function).bind(skip);
        code.alu(Alu.ADD, 64, at(RBX, 0x20), RAX).load(32, RDX, at(RBX, 0x20));
        code.mov(RCX, 5).mov(RDI, DATA + 0x100).cld().rep().stos(64);
        code.aluImmediate(Alu.AND, 32, RDX, 0xff).jcc(Condition.NE, outer).jmp(outer);
        code.bind(function).alu(Alu.SUB, 64, RDX, RAX).ret();
    }

    @Test
    void aRunStopsAfterExactlyTheGrantedInstructionsAsSteppingDoes() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        GuestCode running = new GuestCode(), stepping = new GuestCode();
        running.write(BudgetTest::mixture);
        stepping.write(BudgetTest::mixture);
        for (int round = 0; round < ROUNDS; round++) {
            int n = round % 50 == 0 ? random.nextInt(2000) : random.nextInt(70);
            assertThat(running.cpu.run(n)).isEqualTo(Exit.BUDGET);
            for (int i = 0; i < n; i++) {
                assertThat(stepping.cpu.step()).isEqualTo(Exit.BUDGET);
            }
            if (running.cpu.rip != stepping.cpu.rip
                    || running.cpu.retired() != stepping.cpu.retired()
                    || running.cpu.rflags() != stepping.cpu.rflags()
                    || !Arrays.equals(running.cpu.r, 0, 16, stepping.cpu.r, 0, 16)) {
                assertThat(describe(running.cpu))
                        .as("round %d, run(%d), seed %d", round, n, seed)
                        .isEqualTo(describe(stepping.cpu));
            }
        }
        assertThat(running.quad(DATA)).isEqualTo(stepping.quad(DATA));
        assertThat(running.quad(DATA + 0x20)).isEqualTo(stepping.quad(DATA + 0x20));
    }

    private static String describe(Cpu cpu) {
        return "rip %x, retired %d, rflags %x, registers %s"
                .formatted(
                        cpu.rip,
                        cpu.retired(),
                        cpu.rflags(),
                        Arrays.toString(Arrays.copyOf(cpu.r, 16)));
    }

    @Test
    void aFaultCountsItsOwnAttempt() {
        GuestCode guest = new GuestCode();
        guest.fault(code -> code.mov(RBX, DATA_END).nop().load(64, RAX, at(RBX)).nop().syscall());
        assertThat(guest.cpu.retired()).isEqualTo(3);
        guest.machine.map(DATA_END, 1);
        guest.runToSyscall();
        assertThat(guest.cpu.retired()).isEqualTo(6);
    }

    @Test
    void aFaultInAComparisonFusedWithItsBranchIsOneAttempt() {
        GuestCode guest = new GuestCode();
        Label end = new Label();
        guest.fault(
                code -> {
                    code.mov(RBX, DATA_END).nop().alu(Alu.CMP, 64, at(RBX), RAX);
                    code.jcc(Condition.E, end).nop().bind(end).syscall();
                });
        assertThat(guest.cpu.retired()).isEqualTo(3);
        guest.machine.map(DATA_END, 1);
        guest.runToSyscall();
        assertThat(guest.cpu.retired()).isEqualTo(6);
    }

    @Test
    void aRepeatedInstructionCountsOnceForEachPieceAndAlwaysMakesProgress() {
        GuestCode guest = new GuestCode();
        guest.machine.map(0x1000_0000L, 1 << 20);
        guest.write(code -> code.rep().movs(8).syscall());
        Cpu cpu = guest.cpu;
        cpu.r[RSI] = 0x1000_0000L;
        cpu.r[RDI] = 0x1008_0000L;
        cpu.r[RCX] = 1 << 19;
        int pieces = 0;
        long left = cpu.r[RCX];
        while (left != 0) {
            assertThat(cpu.run(1)).isEqualTo(Exit.BUDGET);
            assertThat(cpu.r[RCX]).isLessThan(left);
            left = cpu.r[RCX];
            assertThat(cpu.retired()).isEqualTo(++pieces);
        }
        assertThat(pieces).as("poll points within the instruction").isGreaterThan(1);
        guest.runToSyscall();
        assertThat(cpu.retired()).isEqualTo(pieces + 1);
    }

    @Test
    void aKickedProcessorStopsBehindItsBlockUntilTheKickIsForgotten() {
        GuestCode guest = new GuestCode();
        guest.write(BudgetTest::mixture);
        guest.cpu.run(10_000);
        guest.cpu.kick();
        for (int i = 0; i < 1000; i++) {
            long before = guest.cpu.retired();
            assertThat(guest.cpu.run(1500)).isEqualTo(Exit.BUDGET);
            assertThat(guest.cpu.retired() - before).isBetween(1L, (long) Block.MAX_INSTRUCTIONS);
        }
        guest.cpu.unkick();
        long before = guest.cpu.retired();
        assertThat(guest.cpu.run(1500)).isEqualTo(Exit.BUDGET);
        assertThat(guest.cpu.retired() - before).isEqualTo(1500);
    }

    @Test
    void aKickFromAnotherThreadEndsARunThatWouldTakeForEver() throws InterruptedException {
        GuestCode running = new GuestCode(), stepping = new GuestCode();
        running.write(BudgetTest::mixture);
        stepping.write(BudgetTest::mixture);
        Thread kicker = Thread.ofPlatform().start(running.cpu::kick);
        assertThat(running.cpu.run(Long.MAX_VALUE / 4)).isEqualTo(Exit.BUDGET);
        kicker.join();
        for (long i = running.cpu.retired(); i > 0; i--) {
            stepping.cpu.step();
        }
        assertThat(describe(running.cpu)).isEqualTo(describe(stepping.cpu));
    }

    @Test
    void aKickLosesAndRepeatsNothingInAnyTier() {
        GuestCode running = new GuestCode(), stepping = new GuestCode();
        running.write(BudgetTest::mixture);
        stepping.write(BudgetTest::mixture);
        running.cpu.kick();
        for (int i = 0; i < 500; i++) {
            running.cpu.run(200);
            while (stepping.cpu.retired() < running.cpu.retired()) {
                stepping.cpu.step();
            }
            assertThat(describe(running.cpu)).isEqualTo(describe(stepping.cpu));
        }
    }

    @Test
    void aRoughRunStopsShortByLessThanABlockAndLosesNothing() {
        GuestCode running = new GuestCode(), stepping = new GuestCode();
        running.write(BudgetTest::mixture);
        stepping.write(BudgetTest::mixture);
        for (int i = 0; i < 500; i++) {
            long before = running.cpu.retired();
            assertThat(running.cpu.runRoughly(700)).isEqualTo(Exit.BUDGET);
            assertThat(running.cpu.retired() - before).isBetween(700L - Cpu.SLACK, 700L);
            while (stepping.cpu.retired() < running.cpu.retired()) {
                stepping.cpu.step();
            }
            assertThat(describe(running.cpu)).isEqualTo(describe(stepping.cpu));
        }
    }

    @Test
    void everyPauseIsTold() {
        GuestCode guest = new GuestCode();
        Label again = new Label();
        guest.run(
                code -> {
                    code.mov(RCX, 300).bind(again).pause().dec(64, RCX);
                    code.jcc(Condition.NE, again).syscall();
                });
        assertThat(guest.machine.pauses).isEqualTo(300);
    }

    @Test
    void aRunOfNothingDoesNothing() {
        GuestCode guest = new GuestCode();
        guest.write(code -> code.inc(64, RAX).syscall());
        assertThat(guest.cpu.run(0)).isEqualTo(Exit.BUDGET);
        assertThat(guest.cpu.rip).isEqualTo(GuestCode.CODE);
        assertThat(guest.cpu.retired()).isZero();
    }
}

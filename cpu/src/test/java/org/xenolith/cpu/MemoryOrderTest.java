package org.xenolith.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.xenolith.cpu.Assembler.at;
import static org.xenolith.cpu.Cpu.R10;
import static org.xenolith.cpu.Cpu.RAX;
import static org.xenolith.cpu.Cpu.RBX;
import static org.xenolith.cpu.Cpu.RCX;
import static org.xenolith.cpu.Cpu.RDI;
import static org.xenolith.cpu.Cpu.RDX;
import static org.xenolith.cpu.Cpu.RSI;
import static org.xenolith.cpu.GuestCode.CODE;
import static org.xenolith.cpu.GuestCode.DATA;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.xenolith.cpu.Assembler.Alu;
import org.xenolith.cpu.Assembler.BitTest;
import org.xenolith.cpu.Assembler.Condition;
import org.xenolith.cpu.Assembler.Label;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Consumer;

/**
 * Litmus tests: two vCPUs on two threads see each other's memory in x86's order. SDM vol. 3A, 9.2.
 */
@Timeout(60)
class MemoryOrderTest {
    private static final int ITERATIONS = 200_000;
    private static final int PAIRS = 5_000_000;
    private static final int STORE_BUFFERING_ROUNDS = 20_000;
    private static final long SECOND_PROGRAM = CODE + 0x1000;
    private static final long FIRST_VALUE = DATA, SECOND_VALUE = DATA + 0x1080;
    private static final int SLICE = 2000;

    private final GuestCode guest = new GuestCode();
    private final Cpu first = guest.cpu;
    private final Cpu second = guest.machine.newCpu();

    private void runBoth(Consumer<Assembler> one, Consumer<Assembler> other) {
        guest.writeAt(SECOND_PROGRAM, other);
        guest.writeAt(CODE, one);
        first.rip = CODE;
        second.rip = SECOND_PROGRAM;
        try (ExecutorService threads = Executors.newFixedThreadPool(2)) {
            CompletableFuture.allOf(
                            CompletableFuture.runAsync(() -> runToSyscall(first), threads),
                            CompletableFuture.runAsync(() -> runToSyscall(second), threads))
                    .join();
        }
    }

    private static void runToSyscall(Cpu cpu) {
        int exit = Exit.BUDGET;
        while (exit == Exit.BUDGET) {
            cpu.mmu().mailbox().drain();
            exit = cpu.run(SLICE);
        }
        assertThat(exit).as("exit at %#x: %s", cpu.rip, cpu.fault()).isEqualTo(Exit.SYSCALL);
    }

    private static Assembler addresses(Assembler code) {
        return code.mov(RSI, FIRST_VALUE).mov(RDI, SECOND_VALUE);
    }

    @Test
    void whoSeesTheSecondStoreSeesTheFirst() {
        // RDX counts the rounds in which the flag was newer than the data behind it.
        Label write = new Label(), read = new Label(), fine = new Label();
        runBoth(
                code -> {
                    addresses(code).mov(RCX, 0).bind(write).inc(64, RCX);
                    code.store(64, at(RSI), RCX).store(64, at(RDI), RCX);
                    code.aluImmediate(Alu.CMP, 64, RCX, ITERATIONS).jcc(Condition.NE, write);
                    code.syscall();
                },
                code -> {
                    addresses(code).mov(RDX, 0).bind(read);
                    code.load(64, RAX, at(RDI)).load(64, RBX, at(RSI));
                    code.alu(Alu.CMP, 64, RBX, RAX).jcc(Condition.AE, fine).inc(64, RDX);
                    code.bind(fine).aluImmediate(Alu.CMP, 64, RAX, ITERATIONS);
                    code.jcc(Condition.NE, read).syscall();
                });
        assertThat(second.r[RDX]).as("loads or stores seen out of order").isZero();
    }

    @Test
    void lockedAddsFromTwoCpusLoseNothing() {
        Consumer<Assembler> program =
                code -> {
                    Label again = new Label();
                    addresses(code).mov(RCX, ITERATIONS).mov(RAX, 1).bind(again);
                    code.lock().alu(Alu.ADD, 64, at(RSI), RAX);
                    code.lock().alu(Alu.ADD, 8, at(RSI, 9), RAX);
                    code.dec(64, RCX).jcc(Condition.NE, again).syscall();
                };
        runBoth(program, program);
        assertThat(guest.quad(FIRST_VALUE)).isEqualTo(2 * ITERATIONS);
        assertThat(guest.octet(FIRST_VALUE + 9)).isEqualTo(2 * ITERATIONS & 0xff);
    }

    /** RAX is 1, RDX the bit of this vCPU; each round adds 1 to the counters and flips the bit. */
    private static void count(Assembler code, int bits, int offset) {
        Label retry = new Label();
        code.mov(RAX, 1).lock().xadd(bits, at(RSI, offset), RAX);
        code.lock().inc(bits, at(RSI, offset + 8));
        code.lock().bitAt(BitTest.BTC, Math.max(bits, 16), at(RSI, offset + 16), RDX);
        code.lock().alu(Alu.XOR, bits, at(RSI, offset + 24), RDX);
        code.load(bits, RAX, at(RSI, offset + 32)).bind(retry).mov(64, RBX, RAX).inc(64, RBX);
        code.lock().cmpxchg(bits, at(RSI, offset + 32), RBX).jcc(Condition.NE, retry);
    }

    private static void countWith(Assembler code, int rounds, long bit) {
        Label again = new Label();
        addresses(code).mov(RCX, rounds).mov(RDX, bit).bind(again);
        for (int width = 0; width < 4; width++) {
            count(code, 8 << width, 0x40 * width);
        }
        code.dec(64, RCX).jcc(Condition.NE, again).syscall();
    }

    /** An odd number of rounds: each vCPU's bit is flipped in the end. */
    @Test
    void lockedReadModifyWritesOfAllWidthsLoseNothing() {
        int rounds = ITERATIONS / 8 + 1;
        runBoth(code -> countWith(code, rounds, 1), code -> countWith(code, rounds, 2));
        for (int width = 0; width < 4; width++) {
            long at = FIRST_VALUE + 0x40 * width;
            long all = width == 3 ? -1 : (1L << (8 << width)) - 1;
            assertThat(guest.quad(at)).as("XADD").isEqualTo(2 * rounds & all);
            assertThat(guest.quad(at + 8)).as("INC").isEqualTo(2 * rounds & all);
            assertThat(guest.quad(at + 16)).as("BTC").isEqualTo(0b110);
            assertThat(guest.quad(at + 24)).as("XOR").isEqualTo(0b11);
            assertThat(guest.quad(at + 32)).as("CMPXCHG").isEqualTo(2 * rounds & all);
        }
    }

    @Test
    void lockedAddsAcrossACacheLineOrAPageLoseNothing() {
        long straddling = DATA + 0x1000 - 4;
        Consumer<Assembler> program =
                code -> {
                    Label again = new Label();
                    code.mov(RSI, straddling).mov(RCX, 20_000).mov(RAX, 1).bind(again);
                    code.lock().alu(Alu.ADD, 64, at(RSI), RAX);
                    code.lock().alu(Alu.ADD, 64, at(RSI, -0x7c0 - 1), RAX);
                    code.dec(64, RCX).jcc(Condition.NE, again).syscall();
                };
        runBoth(program, program);
        assertThat(guest.quad(straddling)).isEqualTo(40_000);
        assertThat(guest.quad(straddling - 0x7c1)).isEqualTo(40_000);
    }

    /** The other stores n to the low half, then to the high one: the low one is never behind. */
    @Test
    void aFailedCmpxchg16bLoadsNoPairThatMemoryNeverHeld() {
        Label write = new Label(), read = new Label(), fine = new Label();
        runBoth(
                code -> {
                    addresses(code).mov(RCX, 0).bind(write).inc(64, RCX);
                    code.store(64, at(RSI), RCX).store(64, at(RSI, 8), RCX);
                    code.aluImmediate(Alu.CMP, 64, RCX, PAIRS).jcc(Condition.NE, write);
                    code.syscall();
                },
                code -> {
                    addresses(code).mov(RCX, 0).mov(RDI, 0).bind(read);
                    code.mov(RAX, -1).mov(RDX, -1).lock().cmpxchg16b(at(RSI));
                    code.alu(Alu.CMP, 64, RAX, RDX).jcc(Condition.AE, fine).inc(64, RDI);
                    code.bind(fine).aluImmediate(Alu.CMP, 64, RDX, PAIRS);
                    code.jcc(Condition.NE, read).syscall();
                });
        assertThat(second.r[RDI]).as("torn pairs").isZero();
    }

    @Test
    void exchangeMakesALock() {
        Consumer<Assembler> program =
                code -> {
                    Label again = new Label(), acquire = new Label(), taken = new Label();
                    addresses(code).mov(RCX, ITERATIONS / 4).bind(again);
                    code.mov(RAX, 1).bind(acquire).xchg(32, at(RDI), RAX);
                    code.alu(Alu.CMP, 32, RAX, RAX).aluImmediate(Alu.CMP, 32, RAX, 0);
                    code.jcc(Condition.E, taken).pause().jmp(acquire).bind(taken);
                    code.load(64, RBX, at(RSI)).inc(64, RBX).store(64, at(RSI), RBX);
                    code.storeImmediate(32, at(RDI), 0);
                    code.dec(64, RCX).jcc(Condition.NE, again).syscall();
                };
        runBoth(program, program);
        assertThat(guest.quad(FIRST_VALUE)).isEqualTo(2 * (ITERATIONS / 4));
    }

    /**
     * Both store to their own variable, then load the other's: with a fence in between at least one
     * sees the other's store. Rounds meet at a barrier of two counters.
     */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "mfence",
                "locked add",
                "failed cmpxchg",
                "failed cmpxchg of a byte",
                "xchg"
            })
    void aFenceBetweenStoreAndLoadForbidsThatBothMissTheOther(String fence) {
        runBoth(
                code -> storeBuffering(code, fence, FIRST_VALUE, SECOND_VALUE, 0x100, 0x200),
                code -> storeBuffering(code, fence, SECOND_VALUE, FIRST_VALUE, 0x200, 0x100));
        int bothMissed = 0;
        for (int round = 1; round <= STORE_BUFFERING_ROUNDS; round++) {
            if (cpuMissed(RESULTS, round) && cpuMissed(RESULTS + RESULTS_BYTES, round)) {
                bothMissed++;
            }
        }
        assertThat(bothMissed).isZero();
    }

    private static final long RESULTS = 0x2000_0000L;
    private static final int RESULTS_BYTES = (STORE_BUFFERING_ROUNDS + 1) * 4 + 0xfff & -0x1000;

    private boolean cpuMissed(long results, int round) {
        return guest.cpu.mmu().read32(results + 4L * round) < round;
    }

    private void storeBuffering(
            Assembler code, String fence, long mine, long other, int myTurn, int otherTurn) {
        long results = mine == FIRST_VALUE ? RESULTS : RESULTS + RESULTS_BYTES;
        guest.machine.map(results, RESULTS_BYTES);
        Label again = new Label(), wait = new Label();
        code.mov(RSI, mine).mov(RDI, other).mov(RBX, DATA + 0x2000).mov(R10, results);
        code.mov(RCX, 0).bind(again).inc(64, RCX);
        code.store(64, at(RBX, myTurn), RCX);
        code.bind(wait).load(64, RAX, at(RBX, otherTurn));
        code.alu(Alu.CMP, 64, RAX, RCX).jcc(Condition.B, wait);
        code.mov(64, RDX, RCX);
        switch (fence) {
            case "mfence" -> code.store(64, at(RSI), RCX).mfence();
            case "locked add" -> {
                code.mov(RAX, 0).store(64, at(RSI), RCX);
                code.lock().alu(Alu.ADD, 32, at(Cpu.RSP, -4), RAX);
            }
            case "failed cmpxchg", "failed cmpxchg of a byte" -> {
                code.mov(RAX, 1).store(64, at(RSI), RCX);
                int bits = fence.equals("failed cmpxchg") ? 32 : 8;
                code.lock().cmpxchg(bits, at(Cpu.RSP, -4), RDX);
            }
            default -> code.xchg(64, at(RSI), RDX);
        }
        code.load(64, RAX, at(RDI));
        code.store(32, new Assembler.Memory(R10, RCX, 2, 0), RAX);
        code.aluImmediate(Alu.CMP, 64, RCX, STORE_BUFFERING_ROUNDS);
        code.jcc(Condition.NE, again).syscall();
        second.r[Cpu.RSP] = GuestCode.STACK_TOP - 0x1100;
    }
}

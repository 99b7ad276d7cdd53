package org.xenolith.cpu.oracle;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.xenolith.cpu.Cpu;
import org.xenolith.cpu.Exit;
import org.xenolith.cpu.FlatMachine;
import org.xenolith.cpu.TestTier;
import org.xenolith.cpu.decode.OpcodeRow;
import org.xenolith.cpu.decode.OpcodeTable;
import org.xenolith.cpu.decode.Operand;
import org.xenolith.cpu.semantics.simd.SimdValues;

import java.util.Arrays;
import java.util.EnumSet;
import java.util.Random;
import java.util.Set;
import java.util.stream.LongStream;
import java.util.stream.Stream;

/**
 * Every row of the integer and XMM tables with random operands, interpreted and translated in both
 * forms: registers, flags, MXCSR, memory, faults and counts must be equal. The operands are those
 * that are compared with the host; in vector registers there are also edges of floating point.
 */
class TiersAgreeTest {
    private static final int CASES = Integer.getInteger("xenolith.tiers.cases", 40);
    private static final long SEED = Long.getLong("xenolith.tiers.seed", System.nanoTime());
    private static final long BUDGET = 500;
    private static final Set<Operand> MMX =
            EnumSet.of(Operand.PQ, Operand.QD, Operand.QQ, Operand.NQ);
    private static final byte[] SYSCALL = {0x0f, 0x05};

    private static final FlatMachine INTERPRETED = machine(TestTier.INTERPRETER);
    private static final FlatMachine TRANSLATED = machine(TestTier.EVERYTHING);
    private static final FlatMachine EXACT = machine(TestTier.EXACT);

    private static FlatMachine machine(TestTier tier) {
        FlatMachine machine = new FlatMachine(tier);
        machine.map(HostCpu.WINDOW_BASE, HostCpu.WINDOW_SIZE);
        machine.map(HostCpu.CODE_BASE, HostCpu.CODE_SIZE);
        return machine;
    }

    static Stream<OpcodeRow> everyRow() {
        System.out.println("tiers: seed " + SEED + ", " + CASES + " cases a row");
        return Stream.concat(HostComparisonTest.everyIntegerRow(), vectorRows());
    }

    /** Rows on XMM registers; MMX is left to the interpreter. */
    private static Stream<OpcodeRow> vectorRows() {
        return OpcodeTable.rows().stream()
                .filter(row -> row.has(OpcodeRow.SIMD) && !row.operands().isEmpty())
                .filter(row -> row.operands().stream().noneMatch(MMX::contains))
                .filter(row -> !row.mnemonic().startsWith("mask"));
    }

    @AfterAll
    static void somethingWasTranslated() {
        assertThat(TRANSLATED.cpu.tier.instructions())
                .as("instructions that ran in translated code")
                .isGreaterThan(CASES * 100L);
    }

    @ParameterizedTest
    @MethodSource("everyRow")
    void rowActsAlikeInterpretedAndTranslated(OpcodeRow row) {
        Random random = new Random(SEED ^ row.encoding().hashCode());
        SimdValues values = new SimdValues(random);
        for (int i = 0; i < CASES; i++) {
            InstructionCase c = InstructionCase.random(row, random);
            long[] xmm = LongStream.generate(() -> lane(random, values)).limit(32).toArray();
            int mxcsr = values.mxcsr();
            int expected = run(INTERPRETED, c, xmm, mxcsr);
            compare(c, expected, TRANSLATED, run(TRANSLATED, c, xmm, mxcsr));
            compare(c, expected, EXACT, run(EXACT, c, xmm, mxcsr));
        }
    }

    private static long lane(Random random, SimdValues values) {
        return switch (random.nextInt(4)) {
            case 0 -> random.nextLong();
            case 1 -> values.floats();
            default -> values.doubles();
        };
    }

    private static int run(FlatMachine machine, InstructionCase c, long[] xmm, int mxcsr) {
        Cpu cpu = machine.cpu;
        MachineState before = c.program().before();
        byte[] code = c.program().code();
        machine.load(HostCpu.WINDOW_BASE, c.program().memory());
        machine.load(HostCpu.CODE_BASE, code);
        machine.load(HostCpu.CODE_BASE + code.length, SYSCALL);
        // Entries that the loads have made must not differ from those that the case will make.
        cpu.mmu().hostForRead(HostCpu.WINDOW_BASE);
        cpu.reset();
        for (int i = 0; i < 16; i++) {
            cpu.r[i] = before.gpr(i);
        }
        System.arraycopy(xmm, 0, cpu.xmm, 0, xmm.length);
        cpu.mxcsr.load(mxcsr);
        cpu.setRflags(before.rflags());
        cpu.rip = HostCpu.CODE_BASE;
        return cpu.run(BUDGET);
    }

    private static void compare(InstructionCase c, int expected, FlatMachine machine, int exit) {
        String a = state(INTERPRETED.cpu, expected);
        String b = state(machine.cpu, exit);
        if (!a.equals(b)) {
            assertThat(b).as(c.describe(SEED)).isEqualTo(a);
        }
        int at = Arrays.mismatch(memory(INTERPRETED), memory(machine));
        if (at >= 0) {
            assertThat(at).as("%s: memory differs at", c.describe(SEED)).isEqualTo(-1);
        }
    }

    private static String state(Cpu cpu, int exit) {
        StringBuilder text = new StringBuilder();
        text.append("exit ").append(exit);
        if (exit == Exit.FAULT) {
            text.append(' ').append(cpu.fault().getMessage());
        }
        text.append(" rip ").append(Long.toHexString(cpu.rip));
        text.append(" retired ").append(cpu.retired());
        text.append(" flags ").append(Long.toHexString(cpu.rflags()));
        for (int i = 0; i < 16; i++) {
            text.append(' ').append(Long.toHexString(cpu.r[i]));
        }
        for (long half : cpu.xmm) {
            text.append(' ').append(Long.toHexString(half));
        }
        return text.append(" mxcsr ").append(Integer.toHexString(cpu.mxcsr.value())).toString();
    }

    private static byte[] memory(FlatMachine machine) {
        byte[] bytes = new byte[HostCpu.WINDOW_SIZE];
        machine.cpu.mmu().copyFrom(HostCpu.WINDOW_BASE, bytes, 0, bytes.length);
        return bytes;
    }
}

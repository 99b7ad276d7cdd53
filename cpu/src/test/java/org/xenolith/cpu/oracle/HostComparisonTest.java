package org.xenolith.cpu.oracle;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.xenolith.cpu.decode.CodeSize;
import org.xenolith.cpu.decode.OpcodeRow;
import org.xenolith.cpu.decode.OpcodeTable;
import org.xenolith.cpu.decode.Operand;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.stream.Stream;

/**
 * Every row of the integer tables, executed here and on the host's processor with the same
 * registers, flags and memory: results, defined flags, memory and faults must be equal.
 */
class HostComparisonTest {
    private static final int CASES = Integer.getInteger("xenolith.oracle.cases", 1000);
    private static final long SEED = Long.getLong("xenolith.oracle.seed", System.nanoTime());

    /** Rows whose effect is outside registers and memory, or differs by design. */
    private static final Set<String> EXCLUDED =
            Set.of(
                    "cpuid",
                    "rdtsc",
                    "rdtscp",
                    "rdrand",
                    "rdfsbase",
                    "rdgsbase",
                    "wrfsbase",
                    "wrgsbase",
                    "popf",
                    "lar",
                    "lsl",
                    "verr",
                    "verw",
                    "sldt",
                    "str",
                    "sgdt",
                    "sidt",
                    "smsw",
                    "lss",
                    "lfs",
                    "lgs",
                    "fxsave",
                    "fxsave64",
                    "fxrstor",
                    "fxrstor64",
                    "ldmxcsr",
                    "stmxcsr",
                    "fwait",
                    "xgetbv",
                    "clflush");

    private static final Set<Operand> SEGMENTS = Set.of(Operand.SW, Operand.FS, Operand.GS);

    /** A row that the host does not have at all in one of its forms. */
    private static boolean existsOnHost(OpcodeRow row) {
        return !row.encoding().equals("0F 0D /r");
    }

    /** Later than x86-64-v1, under the names of /proc/cpuinfo. */
    static String featureOf(OpcodeRow row) {
        return switch (row.mnemonic()) {
            case "popcnt", "movbe" -> row.mnemonic();
            case "crc32" -> "sse4_2";
            default -> "lm";
        };
    }

    private static HostCpu host;
    private static HostComparison comparison;

    @BeforeAll
    static void start() {
        host = HostCpu.startOrSkip();
        System.out.println("host comparison: seed " + SEED + ", " + CASES + " cases a row");
        comparison = new HostComparison(CodeSize.CODE_64, SEED);
    }

    @AfterAll
    static void stop() {
        if (host != null) {
            host.close();
        }
    }

    static Stream<OpcodeRow> everyIntegerRow() {
        return OpcodeTable.rows().stream()
                .filter(row -> row.existsIn(CodeSize.CODE_64))
                .filter(HostComparisonTest::isComparable)
                .filter(row -> row.operands().stream().noneMatch(SEGMENTS::contains));
    }

    /** A row of integers whose effect is on registers, flags and memory. */
    static boolean isComparable(OpcodeRow row) {
        return !row.has(OpcodeRow.SIMD)
                && !row.has(OpcodeRow.ESCAPE)
                && !row.has(OpcodeRow.PRIVILEGED)
                && !row.has(OpcodeRow.ENDS_BLOCK)
                && !EXCLUDED.contains(row.mnemonic())
                && existsOnHost(row);
    }

    @ParameterizedTest
    @MethodSource("everyIntegerRow")
    void rowActsAsOnTheHost(OpcodeRow row) {
        assumeTrue(HostCpu.hasFeature(featureOf(row)), "SKIPPED: the host lacks " + featureOf(row));
        Random random = new Random(SEED ^ row.encoding().hashCode());
        List<InstructionCase> cases = new ArrayList<>();
        for (int i = 0; i < CASES; i++) {
            cases.add(InstructionCase.random(row, random));
        }
        List<HostCpu.Outcome> outcomes =
                host.run(cases.stream().map(InstructionCase::program).toList());
        for (int i = 0; i < CASES; i++) {
            comparison.compare(cases.get(i), outcomes.get(i));
        }
    }
}

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
import java.util.EnumSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.stream.Stream;

/** As {@link HostComparisonTest} for every row of the integer tables that 32-bit code has. */
class CompatHostComparisonTest {
    private static final int CASES = Integer.getInteger("xenolith.oracle.cases", 1000);
    private static final long SEED = Long.getLong("xenolith.oracle.seed", System.nanoTime());

    /** Selectors are Xen's here and Linux's on the host. */
    private static final Set<Operand> SEGMENTS =
            EnumSet.of(
                    Operand.SW,
                    Operand.ES,
                    Operand.CS,
                    Operand.SS,
                    Operand.DS,
                    Operand.FS,
                    Operand.GS);

    private static HostCpu host;
    private static HostComparison comparison;

    @BeforeAll
    static void start() {
        host = HostCpu.startOrSkip();
        System.out.println("32-bit host comparison: seed " + SEED + ", " + CASES + " cases a row");
        comparison = new HostComparison(CodeSize.CODE_32, SEED);
    }

    @AfterAll
    static void stop() {
        if (host != null) {
            host.close();
        }
    }

    static Stream<OpcodeRow> everyIntegerRow() {
        return OpcodeTable.rows().stream()
                .filter(row -> row.existsIn(CodeSize.CODE_32))
                .filter(HostComparisonTest::isComparable)
                .filter(row -> row.operands().stream().noneMatch(SEGMENTS::contains))
                .filter(row -> !row.mnemonic().equals("les") && !row.mnemonic().equals("lds"));
    }

    @ParameterizedTest
    @MethodSource("everyIntegerRow")
    void rowActsAsOnTheHost(OpcodeRow row) {
        String feature = HostComparisonTest.featureOf(row);
        assumeTrue(HostCpu.hasFeature(feature), "SKIPPED: the host lacks " + feature);
        Random random = new Random(SEED ^ row.encoding().hashCode());
        List<InstructionCase> cases = new ArrayList<>();
        for (int i = 0; i < CASES; i++) {
            cases.add(InstructionCase.random(row, CodeSize.CODE_32, random));
        }
        List<HostCpu.Outcome> outcomes =
                host.run(cases.stream().map(InstructionCase::program).toList());
        for (int i = 0; i < CASES; i++) {
            comparison.compare(cases.get(i), outcomes.get(i));
        }
    }
}

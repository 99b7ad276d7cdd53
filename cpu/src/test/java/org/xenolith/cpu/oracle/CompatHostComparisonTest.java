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

import java.util.EnumSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.function.Supplier;
import java.util.stream.Stream;

/** As {@link HostComparisonTest} for every row of the integer tables that 32-bit code has. */
class CompatHostComparisonTest {
    private static final int CASES = Integer.getInteger("xenolith.oracle.cases", 1000);
    private static final int CASES_AT_THE_END = 100;
    private static final long SEED = Long.getLong("xenolith.oracle.seed", System.nanoTime());

    private static final Set<Operand> SEGMENTS =
            EnumSet.of(
                    Operand.SW,
                    Operand.ES,
                    Operand.CS,
                    Operand.SS,
                    Operand.DS,
                    Operand.FS,
                    Operand.GS);

    /** Assembled for {@link HostCpu#CODE_BASE}. */
    private static final Map<String, String> PROGRAMS =
            Map.of(
                    "calls with frames and arguments",
                    "e802000000eb185589e56a0751e802000000c9c38b44240403442408c20800",
                    "loops and jumps",
                    "b9050000008d448803e2fab90400000042e0fde3014a85c0780193e8000000005e",
                    "far calls, 64-bit code in between",
                    "9a090000202300eb078b442404ca0000ea17000020330049c7c0ffffffff41ffc1505bff2c25"
                            + "2a00002030000020230040",
                    "iret, indirect jumps and calls",
                    "9c0e6809000020cf4840681500002089e3ff230f0b59ba1e000020ffd2905a",
                    "segments loaded and pushed, strings",
                    "668cd88ec0bb00010010c7030002001066c743042b00c43bb906000000fd66f3abfcc533ad1e"
                            + "06160e661e8cc28c5308",
                    "frames of all registers, into, a fault at the end",
                    "c8100003546066606661615cc9a1f80f00106205f80f001031d2ceb8ffffff7f83c0010f90c0"
                            + "8b18");

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
        return everyRow().filter(row -> !loadsSegment(row));
    }

    private static Stream<OpcodeRow> everyRow() {
        return OpcodeTable.rows().stream()
                .filter(row -> row.existsIn(CodeSize.CODE_32))
                .filter(HostComparisonTest::isComparable);
    }

    private static boolean loadsSegment(OpcodeRow row) {
        return row.mnemonic().equals("les")
                || row.mnemonic().equals("lds")
                || !row.mnemonic().equals("push")
                        && !row.operands().isEmpty()
                        && SEGMENTS.contains(row.operands().getFirst());
    }

    @ParameterizedTest
    @MethodSource("everyIntegerRow")
    void rowActsAsOnTheHost(OpcodeRow row) {
        String feature = HostComparisonTest.featureOf(row);
        assumeTrue(HostCpu.hasFeature(feature), "SKIPPED: the host lacks " + feature);
        Random random = new Random(SEED ^ row.encoding().hashCode());
        compare(CASES, () -> InstructionCase.random(row, CodeSize.CODE_32, random));
    }

    static Stream<OpcodeRow> everyRowWithAModRmOperand() {
        // Those that load a segment register, too: they all fault before.
        return everyRow().filter(CompatHostComparisonTest::accessesModRmOperand);
    }

    private static boolean accessesModRmOperand(OpcodeRow row) {
        return row.encoding().contains("/")
                && row.operands().stream().anyMatch(operand -> operand.name().matches("[EM].*"))
                && !row.mnemonic().matches("bt[src]?|lea|nop|prefetch.*");
    }

    /**
     * Half of a pair's bytes may lie below the end: which part is asked for first decides between
     * #PF and #GP.
     */
    @ParameterizedTest
    @MethodSource("everyRowWithAModRmOperand")
    void operandAtTheEndOf4GiBActsAsOnTheHost(OpcodeRow row) {
        String feature = HostComparisonTest.featureOf(row);
        assumeTrue(HostCpu.hasFeature(feature), "SKIPPED: the host lacks " + feature);
        Random random = new Random(SEED ^ row.encoding().hashCode());
        compare(CASES_AT_THE_END, () -> InstructionCase.atTheEndOf4GiB(row, random));
    }

    private static void compare(int count, Supplier<InstructionCase> next) {
        List<InstructionCase> cases = Stream.generate(next).limit(count).toList();
        List<HostCpu.Outcome> outcomes =
                host.run(cases.stream().map(InstructionCase::program).toList());
        for (int i = 0; i < count; i++) {
            comparison.compare(cases.get(i), outcomes.get(i));
        }
    }

    static Set<String> everyProgram() {
        return PROGRAMS.keySet();
    }

    @ParameterizedTest
    @MethodSource("everyProgram")
    void programActsAsOnTheHost(String name) {
        byte[] code = HexFormat.of().parseHex(PROGRAMS.get(name));
        Random random = new Random(SEED);
        for (int i = 0; i < 50; i++) {
            MachineState before = new MachineState();
            for (int r = 0; r < 16; r++) {
                before.gpr(r, random.nextInt() & 0xffff_ffffL);
            }
            before.gpr(MachineState.RSP, HostCpu.WINDOW_BASE + 0x1000);
            before.gpr(MachineState.RBP, HostCpu.WINDOW_BASE + 0x1800);
            byte[] memory = new byte[HostCpu.WINDOW_SIZE];
            random.nextBytes(memory);
            HostCpu.Program program =
                    new HostCpu.Program(code, 0, before, 0, memory, CodeSize.CODE_32);
            comparison.compareProgram(name + ", seed " + SEED, program, host.run(program));
        }
    }
}

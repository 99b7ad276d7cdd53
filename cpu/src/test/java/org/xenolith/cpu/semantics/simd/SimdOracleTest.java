package org.xenolith.cpu.semantics.simd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.xenolith.cpu.Vector;
import org.xenolith.cpu.oracle.HostCpu;
import org.xenolith.cpu.oracle.HostCpu.Outcome;
import org.xenolith.cpu.oracle.InterpretedProgram;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;

/** Every row does what the host's processor does, to the bit, the flag and the exception. */
class SimdOracleTest {
    private static final long SEED = Long.getLong("xenolith.seed", 20250119);
    private static final int CASES = Integer.getInteger("xenolith.cases", 1000);

    /** No multiples of 16, some none of 8 or 4 either, inside a page and across two. */
    private static final int[] UNALIGNED_OFFSETS = {0x41, 0x42, 0x44, 0x48, 0xff8, 0xffc};

    /** Less than 16 bytes, and less than 8, 4 and 2, before the end of what is mapped. */
    private static final int[] LAST_OFFSETS = {
        HostCpu.WINDOW_SIZE - 8,
        HostCpu.WINDOW_SIZE - 7,
        HostCpu.WINDOW_SIZE - 3,
        HostCpu.WINDOW_SIZE - 1
    };

    private static HostCpu host;
    private static InterpretedProgram interpreter;

    @BeforeAll
    static void start() {
        host = HostCpu.startOrSkip();
        interpreter = new InterpretedProgram();
        System.out.println("SIMD oracle: -Dxenolith.seed=" + SEED);
    }

    @AfterAll
    static void stop() {
        if (host != null) {
            host.close();
        }
    }

    static Stream<SimdRow> everySimdRow() {
        return SimdTable.rows().stream();
    }

    @ParameterizedTest
    @MethodSource("everySimdRow")
    void hostSemanticsAndInterpreterAgree(SimdRow row) {
        requireFeature(row);
        Random random = new Random(SEED ^ row.key().hashCode());
        List<SimdCase> cases = new ArrayList<>();
        int count = usesMxcsr(row) ? 2 * CASES : CASES;
        while (cases.size() < count) {
            int before = cases.size();
            addOneOfEachForm(cases, row, random);
            assertThat(cases).as("forms of %s", row).hasSizeGreaterThan(before);
        }
        List<Outcome> outcomes = host.run(cases.stream().map(SimdCase::program).toList());
        for (int i = 0; i < cases.size(); i++) {
            SimdCase simdCase = cases.get(i);
            String real = simdCase.describe(outcomes.get(i)), ours = simdCase.expected();
            if (!real.equals(ours) && !isApproximation(row, real, ours)) {
                assertThat(ours).as("case %d: %s", i, simdCase).isEqualTo(real);
            }
            assertThat(simdCase.describe(interpreter.run(simdCase.program())))
                    .as("interpreter against semantics, case %d: %s", i, simdCase)
                    .isEqualTo(ours);
        }
    }

    static Stream<SimdRow> everyRowWithMemory() {
        return everySimdRow().filter(SimdCase::allowsMemory);
    }

    @ParameterizedTest
    @MethodSource("everyRowWithMemory")
    void operandsOffTheirBoundaryFaultAsOnTheHost(SimdRow row) {
        compareFaults(row, UNALIGNED_OFFSETS);
    }

    @ParameterizedTest
    @MethodSource("everyRowWithMemory")
    void operandsThatLeaveTheMappedPagesFaultAsOnTheHost(SimdRow row) {
        compareFaults(row, LAST_OFFSETS);
    }

    private static void compareFaults(SimdRow row, int[] offsets) {
        requireFeature(row);
        Random random = new Random(SEED ^ row.key().hashCode());
        List<SimdCase> cases = new ArrayList<>();
        for (int offset : offsets) {
            int operandBytes = SimdCase.allowsOperandSize(row, 4) ? 4 : 8;
            SimdCase c = randomCase(row, true, operandBytes, random);
            c.memoryOffset = offset;
            c.mxcsr = Mxcsr.DEFAULT;
            cases.add(c);
        }
        List<Outcome> outcomes = host.run(cases.stream().map(SimdCase::program).toList());
        for (int i = 0; i < cases.size(); i++) {
            Outcome real = outcomes.get(i), ours = interpreter.run(cases.get(i).program());
            if (ours.vector() == Vector.GENERAL_PROTECTION && maySpareAlignment(row)) {
                assertThat(cases.get(i).memoryOffset % 16).as("offset").isNotZero();
                continue;
            }
            assertThat(ours.vector()).as("vector of %s", cases.get(i)).isEqualTo(real.vector());
            if (real.vector() == Vector.PAGE_FAULT) {
                assertThat(ours.cr2()).as("CR2 of %s", cases.get(i)).isEqualTo(real.cr2());
            }
            assertThat(ours.memory()).as("memory after %s", cases.get(i)).isEqualTo(real.memory());
        }
    }

    /**
     * SHA's operands in memory must be aligned at Intel, whose processor guests see, and may lie
     * anywhere at AMD.
     */
    private static boolean maySpareAlignment(SimdRow row) {
        return row.feature().equals("sha_ni");
    }

    private static void requireFeature(SimdRow row) {
        assumeTrue(HostCpu.hasFeature(row.feature()), "SKIPPED: the host lacks " + row.feature());
    }

    private static void addOneOfEachForm(List<SimdCase> cases, SimdRow row, Random random) {
        for (int operandBytes : new int[] {2, 4, 8}) {
            if (SimdCase.allowsOperandSize(row, operandBytes)) {
                if (SimdCase.allowsRegister(row)) {
                    cases.add(randomCase(row, false, operandBytes, random));
                }
                if (SimdCase.allowsMemory(row)) {
                    cases.add(randomCase(row, true, operandBytes, random));
                }
            }
        }
    }

    private static SimdCase randomCase(
            SimdRow row, boolean memory, int operandBytes, Random random) {
        SimdValues values = new SimdValues(random);
        SimdCase c = new SimdCase(row, memory, operandBytes);
        boolean equal = random.nextInt(16) == 0;
        c.aLow = operand(row, values, random);
        c.aHigh = operand(row, values, random);
        c.bLow = equal ? c.aLow : source(row, values, random);
        c.bHigh = equal ? c.aHigh : operand(row, values, random);
        c.xmm0Low = values.integers();
        c.xmm0High = values.integers();
        c.rax = values.count() - 20;
        c.rdx = values.count() - 20;
        c.imm = random.nextBoolean() ? random.nextInt(256) : random.nextInt(32);
        c.mxcsr = values.mxcsr();
        return c;
    }

    private static boolean usesMxcsr(SimdRow row) {
        return isDouble(row) || isFloat(row);
    }

    private static boolean isDouble(SimdRow row) {
        return row.mnemonic().matches(".*(sd|pd|sd2ss|sd2si|pd2.*)")
                && !row.mnemonic().matches("p.*");
    }

    private static boolean isFloat(SimdRow row) {
        return row.mnemonic().matches(".*(ss|ps|ss2si|ss2sd|ps2.*)")
                && !row.mnemonic().matches("p.*");
    }

    private static boolean fromInteger(SimdRow row) {
        return row.mnemonic().matches("cvt(si|pi|dq)2.*");
    }

    private static long operand(SimdRow row, SimdValues values, Random random) {
        if (fromInteger(row) || random.nextInt(32) == 0) {
            return values.integers();
        }
        boolean fromFloat = row.mnemonic().matches("cvtt?[sp]s2.*");
        boolean fromDouble = row.mnemonic().matches("cvtt?[sp]d2.*");
        if (fromFloat || isFloat(row) && !fromDouble) {
            return values.floats();
        }
        return isDouble(row) || fromDouble ? values.doubles() : values.integers();
    }

    private static long source(SimdRow row, SimdValues values, Random random) {
        return row.semantics() instanceof Semantics.Shift
                ? values.count()
                : operand(row, values, random);
    }

    /** RCPSS and the like may differ by 1.5 * 2^-12, relatively; two such errors may add up. */
    private static boolean isApproximation(SimdRow row, String real, String ours) {
        if (!row.mnemonic().matches("r(sqrt|cp)[sp]s") || !real.startsWith("result ")) {
            return false;
        }
        String realBits = real.substring(7, 40).replace(":", ""),
                ourBits = ours.substring(7, 40).replace(":", "");
        for (int i = 0; i < 32; i += 8) {
            float x = Float.intBitsToFloat(Integer.parseUnsignedInt(realBits, i, i + 8, 16));
            float y = Float.intBitsToFloat(Integer.parseUnsignedInt(ourBits, i, i + 8, 16));
            boolean same = Float.floatToRawIntBits(x) == Float.floatToRawIntBits(y);
            if (!same
                    && !(Math.abs(x - y) <= Math.max(Math.abs(x) * 1.5 / 4096, Float.MIN_NORMAL))) {
                return false;
            }
        }
        return real.substring(40).equals(ours.substring(40));
    }
}

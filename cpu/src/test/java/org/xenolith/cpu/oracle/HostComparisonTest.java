package org.xenolith.cpu.oracle;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.xenolith.cpu.Cpu;
import org.xenolith.cpu.Exit;
import org.xenolith.cpu.FlatMachine;
import org.xenolith.cpu.GuestFault;
import org.xenolith.cpu.decode.CodeSize;
import org.xenolith.cpu.decode.OpcodeRow;
import org.xenolith.cpu.decode.OpcodeTable;
import org.xenolith.cpu.semantics.Flags;

import java.util.ArrayList;
import java.util.Arrays;
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

    /** A row that the host does not have at all in one of its forms. */
    private static boolean existsOnHost(OpcodeRow row) {
        return !row.encoding().equals("0F 0D /r");
    }

    /** Later than x86-64-v1, under the names of /proc/cpuinfo. */
    private static String featureOf(OpcodeRow row) {
        return switch (row.mnemonic()) {
            case "popcnt", "movbe" -> row.mnemonic();
            case "crc32" -> "sse4_2";
            default -> "lm";
        };
    }

    private static HostCpu host;
    private static FlatMachine machine;

    @BeforeAll
    static void start() {
        host = HostCpu.startOrSkip();
        System.out.println("host comparison: seed " + SEED + ", " + CASES + " cases a row");
        machine = new FlatMachine();
        machine.map(HostCpu.WINDOW_BASE, HostCpu.WINDOW_SIZE);
        machine.map(HostCpu.CODE_BASE, HostCpu.CODE_SIZE);
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
                .filter(
                        row ->
                                !row.has(OpcodeRow.SIMD)
                                        && !row.has(OpcodeRow.ESCAPE)
                                        && !row.has(OpcodeRow.PRIVILEGED)
                                        && !row.has(OpcodeRow.ENDS_BLOCK)
                                        && !EXCLUDED.contains(row.mnemonic())
                                        && existsOnHost(row)
                                        && row.operands().stream()
                                                .noneMatch(
                                                        o ->
                                                                Set.of("SW", "FS", "GS")
                                                                        .contains(o.name())));
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
            compare(cases.get(i), outcomes.get(i));
        }
    }

    private void compare(InstructionCase c, HostCpu.Outcome expected) {
        Cpu cpu = machine.cpu;
        MachineState before = c.program().before();
        machine.load(HostCpu.WINDOW_BASE, c.program().memory());
        machine.load(HostCpu.CODE_BASE, HostCpu.emptyCode());
        machine.load(HostCpu.CODE_BASE, c.program().code());
        for (int i = 0; i < 16; i++) {
            cpu.r[i] = before.gpr(i);
        }
        cpu.setRflags(before.rflags());
        cpu.rip = HostCpu.CODE_BASE;
        int exit = Exit.BUDGET;
        long end = HostCpu.CODE_BASE + c.program().code().length;
        for (int n = 0; n < 100 && exit == Exit.BUDGET && cpu.rip != end; n++) {
            exit = cpu.step();
        }
        String what = c.describe(SEED);
        if (expected.faulted()) {
            assertThat(exit)
                    .as("%s: host raised vector %d", what, expected.vector())
                    .isEqualTo(Exit.FAULT);
            assertThat(cpu.fault().vector()).as(what).isEqualTo(expected.vector());
            // Which of two faulting operands CMPS reports is the processor's choice.
            if (expected.vector() == 14 && !c.row().mnemonic().equals("cmps")) {
                assertThat(cpu.fault().address()).as("%s: CR2", what).isEqualTo(expected.cr2());
                // The host's kernel keeps the neighbours present but inaccessible; ours are not
                // there.
                assertThat(cpu.fault().errorCode() | GuestFault.PF_USER | GuestFault.PF_PRESENT)
                        .as("%s: error code", what)
                        .isEqualTo(expected.errorCode() | GuestFault.PF_PRESENT);
            }
        } else {
            assertThat(exit)
                    .as("%s: host went on, we have %s", what, cpu.fault())
                    .isEqualTo(Exit.BUDGET);
        }
        MachineState after = expected.after();
        for (int i = 0; i < 16; i++) {
            assertThat(hex(cpu.r[i])).as("%s: register %d", what, i).isEqualTo(hex(after.gpr(i)));
        }
        long mask = Flags.ARITHMETIC & ~c.undefinedFlags(expected.faulted());
        assertThat(hex(cpu.rflags() & mask))
                .as("%s: flags", what)
                .isEqualTo(hex(after.rflags() & mask));
        byte[] memory = new byte[HostCpu.WINDOW_SIZE];
        cpu.mmu().copyFrom(HostCpu.WINDOW_BASE, memory, 0, memory.length);
        if (!Arrays.equals(memory, expected.memory())) {
            int at = Arrays.mismatch(memory, expected.memory());
            assertThat(memory[at])
                    .as("%s: memory at +%#x", what, at)
                    .isEqualTo(expected.memory()[at]);
        }
    }

    private static String hex(long value) {
        return Long.toHexString(value);
    }
}

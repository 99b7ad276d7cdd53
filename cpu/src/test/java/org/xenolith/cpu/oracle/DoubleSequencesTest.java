package org.xenolith.cpu.oracle;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.xenolith.cpu.Cpu;
import org.xenolith.cpu.FlatMachine;
import org.xenolith.cpu.TestTier;
import org.xenolith.cpu.interp.TranslatedUnit;
import org.xenolith.cpu.oracle.HostCpu.Outcome;
import org.xenolith.cpu.semantics.Flags;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/**
 * Sequences of double precision instructions, in which a result is the next one's operand: on the
 * host's processor, interpreted, and translated in both forms. Registers, flags, MXCSR, memory and
 * the place of an exception must be equal. Operands are mostly of moderate size, so that the quick
 * form goes on, with everything else among them: NaNs with payloads, denormals, infinities, zeros
 * of both signs, numbers on the verge of overflow and underflow; MXCSR mostly as programs have it,
 * and else with any rounding, FTZ, DAZ and unmasked exceptions.
 */
@Timeout(120)
class DoubleSequencesTest {
    private static final int SEQUENCES = Integer.getInteger("xenolith.sequences", 2_000);
    private static final long SEED = Long.getLong("xenolith.sequences.seed", System.nanoTime());
    private static final long BUDGET = 5_000;

    /** Runs of one sequence until C2 has compiled it, and a few more. */
    private static final int HOT_RUNS = 12_000;

    private static final int HOT_SEQUENCES = 12;
    private static final byte[] SYSCALL = {0x0f, 0x05};

    private final FlatMachine interpreted = machine(TestTier.INTERPRETER);
    private final FlatMachine quick = machine(TestTier.EVERYTHING);
    private final FlatMachine exact = machine(TestTier.EXACT);

    private static FlatMachine machine(TestTier tier) {
        FlatMachine machine = new FlatMachine(tier);
        machine.map(HostCpu.WINDOW_BASE, HostCpu.WINDOW_SIZE);
        machine.map(HostCpu.CODE_BASE, HostCpu.CODE_SIZE);
        return machine;
    }

    private static List<DoubleSequence> sequences(int count) {
        System.out.println("double sequences: seed " + SEED + ", " + count);
        List<DoubleSequence> sequences = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            sequences.add(new DoubleSequence(new Random(SEED + i)));
        }
        return sequences;
    }

    @Test
    void theHostTheInterpreterAndBothFormsOfUnitsAgree() {
        try (HostCpu host = HostCpu.startOrSkip()) {
            List<DoubleSequence> sequences = sequences(SEQUENCES);
            List<Outcome> outcomes =
                    host.run(sequences.stream().map(DoubleSequence::program).toList());
            for (int i = 0; i < sequences.size(); i++) {
                String real = describe(outcomes.get(i));
                DoubleSequence sequence = sequences.get(i);
                check("interpreter", sequence, run(interpreted, sequence), real);
                check("quick form", sequence, run(quick, sequence), real);
                check("exact form", sequence, run(exact, sequence), real);
            }
        }
    }

    @Test
    void manySequencesStayInTheQuickFormAndManyLeaveIt() {
        int left = 0;
        for (DoubleSequence sequence : sequences(SEQUENCES)) {
            long before = quick.cpu.tier.exits(TranslatedUnit.ROUGH);
            run(quick, sequence);
            left += quick.cpu.tier.exits(TranslatedUnit.ROUGH) > before ? 1 : 0;
        }
        assertThat(left).as("sequences that left").isBetween(SEQUENCES / 5, SEQUENCES * 4 / 5);
    }

    @Test
    void compiledSequencesAgreeWithTheInterpreter() {
        for (DoubleSequence sequence : sequences(HOT_SEQUENCES)) {
            String expected = run(interpreted, sequence);
            check("first run", sequence, run(quick, sequence), expected);
            for (int i = 0; i < HOT_RUNS; i++) {
                rerun(quick, sequence);
            }
            check("last run", sequence, describe(quick, sequence), expected);
        }
    }

    private static void check(String who, DoubleSequence sequence, String ours, String expected) {
        if (!ours.equals(expected)) {
            assertThat(ours).as("%s, seed %d: %s", who, SEED, sequence).isEqualTo(expected);
        }
    }

    // ---- one run

    private static String run(FlatMachine machine, DoubleSequence sequence) {
        byte[] code = sequence.code();
        machine.load(HostCpu.CODE_BASE, code);
        machine.load(HostCpu.CODE_BASE + code.length, SYSCALL);
        machine.cpu.mmu().hostForRead(HostCpu.WINDOW_BASE);
        machine.cpu.reset();
        rerun(machine, sequence);
        return describe(machine, sequence);
    }

    /** Runs it without a change to its code, so that its unit stays. */
    private static void rerun(FlatMachine machine, DoubleSequence sequence) {
        Cpu cpu = machine.cpu;
        MachineState before = sequence.program().before();
        machine.load(HostCpu.WINDOW_BASE, sequence.memory());
        for (int i = 0; i < 16; i++) {
            cpu.r[i] = before.gpr(i);
            cpu.xmm[2 * i] = before.xmmLow(i);
            cpu.xmm[2 * i + 1] = before.xmmHigh(i);
        }
        cpu.mxcsr.load(before.mxcsr());
        cpu.setRflags(before.rflags());
        cpu.rip = HostCpu.CODE_BASE;
        cpu.run(BUDGET);
    }

    private static String describe(FlatMachine machine, DoubleSequence sequence) {
        Cpu cpu = machine.cpu;
        // A SYSCALL that was executed is behind the sequence's end.
        boolean ended = cpu.rip == HostCpu.CODE_BASE + sequence.code().length + SYSCALL.length;
        StringBuilder text = new StringBuilder();
        text.append("vector ").append(ended ? 0 : cpu.fault().vector());
        text.append(" rip ").append(ended ? "end" : Long.toHexString(cpu.rip));
        long flags = cpu.rflags();
        text.append(" flags ").append(Long.toHexString(flags & Flags.ARITHMETIC));
        text.append(" mxcsr ").append(Integer.toHexString(cpu.mxcsr.value()));
        for (int i = 0; i < DoubleSequence.REGISTERS; i++) {
            text.append("\nxmm").append(i).append(' ');
            text.append(Long.toHexString(cpu.xmm[2 * i + 1])).append(':');
            text.append(Long.toHexString(cpu.xmm[2 * i]));
        }
        text.append("\nrax ").append(Long.toHexString(cpu.r[Cpu.RAX]));
        byte[] memory = new byte[DoubleSequence.MEMORY_BYTES];
        cpu.mmu().copyFrom(HostCpu.WINDOW_BASE, memory, 0, memory.length);
        return text.append("\n").append(DoubleSequence.hex(memory)).toString();
    }

    private static String describe(Outcome outcome) {
        MachineState after = outcome.after();
        StringBuilder text = new StringBuilder();
        text.append("vector ").append(outcome.faulted() ? outcome.vector() : 0);
        text.append(" rip ").append(outcome.faulted() ? Long.toHexString(after.rip()) : "end");
        text.append(" flags ").append(Long.toHexString(after.rflags() & Flags.ARITHMETIC));
        text.append(" mxcsr ").append(Integer.toHexString(after.mxcsr()));
        for (int i = 0; i < DoubleSequence.REGISTERS; i++) {
            text.append("\nxmm").append(i).append(' ');
            text.append(Long.toHexString(after.xmmHigh(i))).append(':');
            text.append(Long.toHexString(after.xmmLow(i)));
        }
        text.append("\nrax ").append(Long.toHexString(after.gpr(MachineState.RAX)));
        return text.append("\n").append(DoubleSequence.hex(outcome.memory())).toString();
    }
}

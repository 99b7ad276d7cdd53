package org.xenolith.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import jdk.jfr.consumer.RecordedMethod;
import jdk.jfr.consumer.RecordingStream;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.xenolith.cpu.interp.TranslatedUnit;

import java.io.IOException;
import java.time.Duration;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicLong;
import java.util.regex.Pattern;

/**
 * Random programs of up to 200 instructions, translated, against the interpreter that executes one
 * instruction at a time: registers, flags, RIP, counts and faults are equal wherever a run stops,
 * and memory at the end. A program that fails is shrunk and printed. One in ten loops without what
 * would drop its units until C2 has compiled it, and on; the flags that make a unit due early stand
 * in the module's pom.
 *
 * <p>{@code -Dxenolith.programs.seed=} repeats a run.
 */
class RandomProgramsTest {
    private static final int PROGRAMS = Integer.getInteger("xenolith.programs", 5_000);

    /** One in so many is looped for C2. */
    private static final int HOT = 10;

    private static final int C2 = 4;

    /** The hidden classes of units, by the names that events of the JVM give them. */
    private static final Pattern UNIT =
            Pattern.compile("org\\.xenolith\\.cpu\\.translate\\.Unit[./]");

    /** Seed of a program with more than 50 steps. */
    private static final long LONG_ONE = 4714;

    private final ProgramComparison comparison = new ProgramComparison(TestTier.REPEATED);

    @Test
    void translatedProgramsDoWhatTheInterpreterDoes() {
        long seed = Long.getLong("xenolith.programs.seed", System.nanoTime());
        System.out.println("random programs: seed " + seed + ", " + PROGRAMS + " programs");
        AtomicLong compiled = new AtomicLong();
        try (RecordingStream events = new RecordingStream()) {
            events.enable("jdk.Compilation").withThreshold(Duration.ZERO);
            events.onEvent(
                    "jdk.Compilation",
                    event -> {
                        RecordedMethod method = event.getValue("method");
                        if (event.getShort("compileLevel") == C2
                                && UNIT.matcher(method.getType().getName()).lookingAt()) {
                            compiled.incrementAndGet();
                        }
                    });
            events.startAsync();
            for (int k = 0; k < PROGRAMS; k++) {
                compare(seed + k, k % HOT == HOT - 1);
            }
            events.stop();
        }
        System.out.println("random programs: " + compiled + " units compiled by C2");
        assertThat(comparison.translatedCpu().tier.instructions()).isGreaterThan(PROGRAMS * 1_000L);
        assertThat(comparison.translatedCpu().tier.exits(TranslatedUnit.MISS)).isPositive();
        assertThat(comparison.translatedCpu().tier.exits(TranslatedUnit.BUDGET)).isPositive();
        assertThat(comparison.faults()).isGreaterThan(PROGRAMS / 4);
        // There are nearly two for each hot program; some programs are over too early for any.
        assertThat(compiled)
                .as("units compiled by C2, under the flags of the module's pom")
                .hasValueGreaterThan(PROGRAMS / HOT / 2);
    }

    /**
     * Goes on where the last run stopped, see {@link ProofProgress}. {@code
     * -Dxenolith.programs.batch=} limits one run.
     */
    @Test
    @Tag("proof")
    void aMillionProgramsDoWhatTheInterpreterDoes() throws IOException {
        ProofProgress progress = ProofProgress.of("random-programs", 1_000_000);
        long batch = Long.getLong("xenolith.programs.batch", progress.left());
        for (long k = 0; k < batch && progress.left() > 0; k++) {
            long seed = progress.firstSeed() + progress.done();
            compare(seed, progress.done() % HOT == HOT - 1);
            progress.advance();
        }
        progress.save();
        System.out.println("random programs: " + progress);
    }

    private void compare(long seed, boolean hot) {
        if (!hot) {
            compare(new RandomProgram(seed, RandomProgram.Kind.SHORT));
            return;
        }
        RandomProgram program = new RandomProgram(seed, RandomProgram.Kind.HOT);
        try (HotSpotCompilers _ =
                program.hasComputedJumps()
                        ? HotSpotCompilers.waitedForC2Only()
                        : HotSpotCompilers.waitedFor()) {
            compare(program);
        }
    }

    private void compare(RandomProgram program) {
        String difference = comparison.difference(program);
        if (difference != null) {
            ProgramShrinker.shrink(program, p -> comparison.difference(p) != null);
            String last = comparison.difference(program);
            throw new AssertionError("%s%n%s".formatted(program, last == null ? difference : last));
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"INTERPRETER", "REPEATED"})
    void codeInTheDataOfAnEarlierProgramIsNotExecutedInTheNext(TestTier tier) {
        GuestCode guest = new GuestCode(tier);
        for (int value = 1; value <= 3; value++) {
            Assembler code = new Assembler(GuestCode.DATA);
            code.mov(Cpu.RAX, value).syscall();
            ProgramComparison.putData(
                    guest, Arrays.copyOf(code.bytes(), (int) GuestCode.DATA_BYTES));
            for (int time = 0; time < 3; time++) {
                guest.cpu.rip = GuestCode.DATA;
                guest.runToSyscall();
                assertThat(guest.cpu.r[Cpu.RAX]).isEqualTo(value);
            }
        }
    }

    @Test
    void countsThatAnEarlierProgramPartedAreNoDifferenceOfTheNext() {
        comparison.translatedCpu().setRetired(12_345);
        RandomProgram program = new RandomProgram(LONG_ONE, RandomProgram.Kind.SHORT);
        assertThat(comparison.difference(program)).isNull();
    }

    @Test
    void aFailingProgramIsShrunkToTheStepsThatMatter() {
        RandomProgram program = new RandomProgram(LONG_ONE, RandomProgram.Kind.SHORT);
        comparison.difference(program);
        int steps = program.stepCount();
        assertThat(steps).isGreaterThan(50);
        ProgramShrinker.shrink(program, p -> p.kept().get(7) && p.kept().get(steps - 9));
        assertThat(program.kept().stream()).containsExactly(7, steps - 9);
        assertThat(comparison.difference(program)).isNull();
        assertThat(program.toString()).contains("2 of " + steps + " steps").contains("syscall");
    }
}

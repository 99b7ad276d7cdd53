package org.xenolith.cpu.oracle;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.xenolith.devices.host.HostNeeds;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * A C program runs on the host's processor, single-stepped, and again here: registers must be equal
 * after every instruction, the FPU's at intervals.
 */
class RecordedRunTest {
    private static final int FPU_INTERVAL = 50;
    private static final long STEPS = 1_000_000, PROOF_STEPS = 20_000_000;

    @TempDir private Path directory;

    @Test
    void aMillionInstructionsOfACProgramGiveTheRegistersOfTheHost() throws Exception {
        replay(STEPS, "-O2");
    }

    @Test
    @Tag("proof")
    void twentyMillionInstructionsGiveTheRegistersOfTheHost() throws Exception {
        replay(PROOF_STEPS / 2, "-O2");
        replay(PROOF_STEPS / 2, "-O0");
    }

    private void replay(long steps, String optimisation) throws Exception {
        HostNeeds.skipWithoutLinuxOnX86();
        Path recorder = build("record-run", List.of("-O1"));
        Path program =
                build(
                        "replay-program",
                        List.of(
                                optimisation,
                                "-ftree-vectorize",
                                "-fno-math-errno",
                                "-march=x86-64",
                                "-static"));
        Process process =
                new ProcessBuilder(
                                recorder.toString(),
                                program.toString(),
                                Long.toString(steps),
                                Integer.toString(FPU_INTERVAL))
                        .redirectError(ProcessBuilder.Redirect.INHERIT)
                        .start();
        try (InputStream record = process.getInputStream()) {
            RecordedRun run = new RecordedRun(record);
            long replayed = run.replay();
            System.out.printf(
                    "recorded run %s: %d instructions equal, %d opcode rows%n",
                    optimisation, replayed, run.rows().size());
            Path rows = Path.of("target", "replayed-rows" + optimisation + ".txt");
            Files.createDirectories(rows.getParent());
            Files.write(rows, run.rows());
            assertThat(replayed).isEqualTo(steps);
        } finally {
            process.destroy();
        }
    }

    private Path build(String name, List<String> flags) throws Exception {
        Path source = directory.resolve(name + ".c"), binary = directory.resolve(name);
        if (!Files.exists(source)) {
            try (InputStream in = RecordedRunTest.class.getResourceAsStream(name + ".c")) {
                Files.copy(in, source);
            }
        }
        List<String> command = new ArrayList<>(List.of("gcc", "-o", binary.toString()));
        command.add(source.toString());
        command.addAll(flags);
        Process gcc;
        try {
            gcc = new ProcessBuilder(command).redirectErrorStream(true).start();
        } catch (IOException noCompiler) {
            return HostNeeds.missing("gcc", noCompiler);
        }
        String output = new String(gcc.getInputStream().readAllBytes());
        assertThat(gcc.waitFor()).as("gcc on %s: %s", name, output).isZero();
        return binary;
    }
}

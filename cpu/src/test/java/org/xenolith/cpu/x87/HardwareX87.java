package org.xenolith.cpu.x87;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.DataOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * The x87 unit of the processor the tests run on: a C program, compiled at test time, that executes
 * one instruction per {@link X87Case}. Without gcc, or on another architecture, the test is
 * skipped.
 */
final class HardwareX87 {
    private static final String SOURCE = "x87-oracle.c";
    private static final int TIMEOUT_SECONDS = 60;
    private static Path program;

    private HardwareX87() {}

    /** Executes the cases in order. */
    static List<X87State> execute(List<X87Case> cases) {
        try {
            Path requests = Files.createTempFile("x87-requests", ".bin");
            Path answers = Files.createTempFile("x87-answers", ".bin");
            try {
                try (OutputStream file = Files.newOutputStream(requests);
                        DataOutputStream out = new DataOutputStream(file)) {
                    byte[] all = new byte[cases.size() * X87Case.REQUEST_BYTES];
                    for (int i = 0; i < cases.size(); i++) {
                        cases.get(i).putRequest(all, i * X87Case.REQUEST_BYTES);
                    }
                    out.write(all);
                }
                Process process =
                        new ProcessBuilder(program().toString())
                                .redirectInput(requests.toFile())
                                .redirectOutput(answers.toFile())
                                .redirectError(ProcessBuilder.Redirect.INHERIT)
                                .start();
                finish(process, SOURCE);
                byte[] all = Files.readAllBytes(answers);
                assertThat(all).hasSize(cases.size() * X87State.ANSWER_BYTES);
                return java.util.stream.IntStream.range(0, cases.size())
                        .mapToObj(i -> X87State.fromAnswer(all, i * X87State.ANSWER_BYTES))
                        .toList();
            } finally {
                Files.delete(requests);
                Files.delete(answers);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static synchronized Path program() throws IOException {
        if (program == null) {
            skipUnless(System.getProperty("os.arch").equals("amd64"), "not an x86-64 processor");
            skipUnless(hasCompiler(), "no gcc on the path");
            Path directory = Files.createTempDirectory("x87-oracle");
            Path source = directory.resolve(SOURCE);
            Path binary = directory.resolve("x87-oracle");
            try (InputStream in = HardwareX87.class.getResourceAsStream(SOURCE)) {
                Files.copy(in, source);
            }
            Process gcc =
                    new ProcessBuilder("gcc", "-O1", "-o", binary.toString(), source.toString())
                            .inheritIO()
                            .start();
            finish(gcc, "gcc");
            source.toFile().deleteOnExit();
            binary.toFile().deleteOnExit();
            program = binary;
        }
        return program;
    }

    private static boolean hasCompiler() {
        try {
            Process gcc = new ProcessBuilder("gcc", "-dumpmachine").start();
            return gcc.waitFor() == 0;
        } catch (IOException e) {
            return false;
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    private static void skipUnless(boolean condition, String reason) {
        if (!condition) {
            System.err.println("SKIPPED: comparison with the hardware's x87 unit: " + reason);
        }
        assumeTrue(condition, reason);
    }

    private static void finish(Process process, String name) {
        try {
            assertThat(process.waitFor(TIMEOUT_SECONDS, TimeUnit.SECONDS)).as(name).isTrue();
            assertThat(process.exitValue()).as("exit value of " + name).isZero();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }
}

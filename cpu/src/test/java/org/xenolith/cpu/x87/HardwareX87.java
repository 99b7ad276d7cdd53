package org.xenolith.cpu.x87;

import static org.assertj.core.api.Assertions.assertThat;

import org.xenolith.devices.host.HostNeeds;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;

/**
 * The x87 unit of the processor the tests run on: a C program, compiled at test time, that executes
 * one instruction per {@link Request}.
 */
final class HardwareX87 {
    private static final String SOURCE = "x87-oracle.c";
    private static final int TIMEOUT_SECONDS = 60;
    private static final String REFERENCE_VENDOR = "AuthenticAMD";
    private static Path program;

    private HardwareX87() {}

    /** One instruction's bytes, its operand at [RDI] if any, and the state before it. */
    record Request(byte[] code, byte[] image, long rflags, byte[] memory) {
        private static final int CODE = 4;
        private static final int IMAGE = CODE + 16;
        private static final int RFLAGS = IMAGE + X87State.IMAGE_BYTES;
        private static final int MEMORY = RFLAGS + Long.BYTES;
        private static final int SIZE = MEMORY + X87State.MEMORY_BYTES;

        private void put(byte[] requests, int offset) {
            X87Images.putInt(requests, offset, code.length);
            System.arraycopy(code, 0, requests, offset + CODE, code.length);
            System.arraycopy(image, 0, requests, offset + IMAGE, image.length);
            X87Images.putLong(requests, offset + RFLAGS, rflags);
            System.arraycopy(memory, 0, requests, offset + MEMORY, memory.length);
        }
    }

    /** Executes the requests in order. */
    static List<X87State> execute(List<Request> requests) {
        byte[] input = new byte[requests.size() * Request.SIZE];
        for (int i = 0; i < requests.size(); i++) {
            requests.get(i).put(input, i * Request.SIZE);
        }
        byte[] output = run(input);
        assertThat(output).hasSize(requests.size() * X87State.ANSWER_BYTES);
        return IntStream.range(0, requests.size())
                .mapToObj(i -> X87State.fromAnswer(output, i * X87State.ANSWER_BYTES))
                .toList();
    }

    private static byte[] run(byte[] input) {
        try {
            Path requests = Files.createTempFile("x87-requests", ".bin");
            Path answers = Files.createTempFile("x87-answers", ".bin");
            try {
                Files.write(requests, input);
                Process process =
                        new ProcessBuilder(program().toString())
                                .redirectInput(requests.toFile())
                                .redirectOutput(answers.toFile())
                                .redirectError(ProcessBuilder.Redirect.INHERIT)
                                .start();
                finish(process, SOURCE);
                return Files.readAllBytes(answers);
            } finally {
                Files.delete(requests);
                Files.delete(answers);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * Whether the processor is of the kind whose choices {@link X87} follows where the SDM leaves a
     * bit undefined or a result open; on others such bits are not compared.
     */
    static boolean isReference() {
        Path cpuinfo = Path.of("/proc/cpuinfo");
        try {
            return Files.isReadable(cpuinfo)
                    && Files.readString(cpuinfo).contains(REFERENCE_VENDOR);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Skips the test, saying so, unless {@link #isReference}. */
    static void assumeReference() {
        HostNeeds.skipWithout(isReference(), "a processor of " + REFERENCE_VENDOR);
    }

    private static synchronized Path program() throws IOException {
        if (program == null) {
            HostNeeds.skipWithoutLinuxOnX86();
            HostNeeds.require(hasCompiler(), "gcc");
            Path directory = Files.createTempDirectory("x87-oracle");
            Path source = directory.resolve(SOURCE);
            Path binary = directory.resolve("x87-oracle");
            directory.toFile().deleteOnExit();
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

    private static void finish(Process process, String name) {
        try {
            assertThat(process.waitFor(TIMEOUT_SECONDS, TimeUnit.SECONDS)).as(name).isTrue();
            assertThat(process.exitValue()).as("exit value of " + name).isZero();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }
}

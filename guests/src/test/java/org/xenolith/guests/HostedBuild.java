package org.xenolith.guests;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * Compiles parts of hearth as programs of this machine, with the sanitizers that a kernel lacks.
 */
final class HostedBuild {
    private static final Path SOURCES = Path.of("src/main/guest/hearth").toAbsolutePath();
    private static final Path TESTS = Path.of("src/test/guest/hearth").toAbsolutePath();
    private static final String SANITIZERS = "-fsanitize=address,undefined";
    private static final List<String> GCC =
            List.of(
                    "gcc",
                    "-std=gnu11",
                    "-O1",
                    "-g",
                    "-Wall",
                    "-Wextra",
                    "-Werror",
                    "-Wno-unused-parameter",
                    SANITIZERS,
                    "-fno-sanitize-recover=all",
                    "-I" + SOURCES.resolveSibling("kernels"),
                    "-I" + SOURCES.resolveSibling("linux"),
                    "-include",
                    TESTS.resolve("hosted.h").toString());

    /** Where tools are; those of administrators are on few users' PATH. */
    private static final List<Path> SYSTEM =
            Stream.of("/usr/sbin", "/sbin", "/usr/bin", "/bin").map(Path::of).toList();

    private static final long TIMEOUT_SECONDS = 120;

    private final Path folder;

    /**
     * @param folder for what is built
     */
    HostedBuild(Path folder) {
        this.folder = folder;
    }

    /**
     * How a process ended.
     *
     * @param output both of its streams
     */
    record Result(int status, String output) {}

    /**
     * Whether this machine has a gcc, with its sanitizers. Nothing of ours is compiled for that:
     * what is wrong in it is no want of a tool.
     */
    boolean isPossible() throws InterruptedException {
        try {
            Path source =
                    Files.writeString(folder.resolve("nothing.c"), "int main() { return 0; }");
            Path program = folder.resolve("nothing");
            List<String> command =
                    List.of("gcc", SANITIZERS, "-o", program.toString(), source.toString());
            return run(command).status() == 0 && run(program).status() == 0;
        } catch (IOException noGcc) {
            return false;
        }
    }

    /** Whether a tool, as of e2fsprogs, is installed. */
    boolean hasTool(String name) {
        return SYSTEM.stream().anyMatch(folder -> Files.isExecutable(folder.resolve(name)));
    }

    /** Runs a tool that is installed. */
    Result tool(String name, String... arguments) throws IOException, InterruptedException {
        for (Path folder : SYSTEM) {
            if (Files.isExecutable(folder.resolve(name))) {
                return run(folder.resolve(name), arguments);
            }
        }
        throw new IOException("no " + name);
    }

    /** A library of some of the kernel's files. */
    Path library(String name, List<String> files) throws IOException, InterruptedException {
        Path library = folder.resolve(name);
        List<String> command = new ArrayList<>(GCC);
        command.addAll(List.of("-fPIC", "-shared", "-Wl,-Bsymbolic", "-o", library.toString()));
        files.forEach(file -> command.add(SOURCES.resolve(file).toString()));
        compile(command);
        return library;
    }

    /** A program of the tests' files, and of some of the kernel's. */
    Path program(String name, String file, String... ofTheKernel)
            throws IOException, InterruptedException {
        Path program = folder.resolve(name);
        List<String> command = new ArrayList<>(GCC);
        command.addAll(List.of("-rdynamic", "-o", program.toString()));
        command.add(TESTS.resolve(file).toString());
        for (String source : ofTheKernel) {
            command.add(SOURCES.resolve(source).toString());
        }
        command.add("-ldl");
        compile(command);
        return program;
    }

    private void compile(List<String> command) throws IOException, InterruptedException {
        Result result = run(command);
        if (result.status() != 0) {
            throw new IOException(command + " failed:\n" + result.output());
        }
    }

    Result run(Path program, String... arguments) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of(program.toString()));
        command.addAll(List.of(arguments));
        return run(command);
    }

    private Result run(List<String> command) throws IOException, InterruptedException {
        Path output = folder.resolve("output");
        ProcessBuilder builder =
                new ProcessBuilder(command)
                        .redirectErrorStream(true)
                        .redirectOutput(output.toFile());
        builder.environment().put("LC_ALL", "C");
        // The leak checker wants to trace its own process, which a container may forbid.
        builder.environment().put("ASAN_OPTIONS", "detect_leaks=0");
        Process process = builder.start();
        if (!process.waitFor(TIMEOUT_SECONDS, TimeUnit.SECONDS)) {
            process.destroyForcibly();
            return new Result(-1, command + " does not end");
        }
        return new Result(
                process.exitValue(),
                new String(Files.readAllBytes(output), StandardCharsets.UTF_8));
    }
}

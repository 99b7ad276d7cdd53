package org.xenolith.core.image.debian;

import org.xenolith.core.image.ImageException;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/** Runs one program of the machine and reads what it prints. */
final class Tool {
    /** More than the longest list we ask for; bounds what a chatty program can leave here. */
    private static final int KEPT_LINES = 2000;

    private static final Path NOTHING = Path.of("/dev/null");

    private Tool() {}

    /**
     * What a program left behind.
     *
     * @param output its lines, standard output and error in one; only the last ones of many
     */
    record Result(int status, List<String> output) {
        boolean succeeded() {
            return status == 0;
        }

        /** The line that says what went wrong: apt's "E: ...", else the last one. */
        String complaint() {
            String last = "it ended with status " + status;
            for (String line : output) {
                if (line.startsWith("E: ")) {
                    return line.substring(3);
                }
                if (!line.isBlank()) {
                    last = line.strip();
                }
            }
            return last;
        }
    }

    /**
     * Runs a program to its end.
     *
     * @param line hears each line as it comes
     * @throws IOException if there is no such program
     */
    static Result run(Path directory, List<String> command, Consumer<String> line)
            throws IOException {
        return run(directory, command, NOTHING, Map.of(), line);
    }

    /**
     * Runs a program to its end.
     *
     * @param input what it reads
     * @param environment variables beside those of this process
     * @throws IOException if there is no such program
     */
    static Result run(
            Path directory,
            List<String> command,
            Path input,
            Map<String, String> environment,
            Consumer<String> line)
            throws IOException {
        ProcessBuilder builder =
                new ProcessBuilder(command)
                        .directory(directory.toFile())
                        .redirectErrorStream(true)
                        .redirectInput(input.toFile());
        builder.environment().put("LC_ALL", "C");
        builder.environment().putAll(environment);
        Process process = builder.start();
        List<String> lines = new ArrayList<>();
        try (BufferedReader output = process.inputReader(StandardCharsets.UTF_8)) {
            for (String next = output.readLine(); next != null; next = output.readLine()) {
                line.accept(next);
                lines.add(next);
                if (lines.size() > KEPT_LINES) {
                    lines.removeFirst();
                }
            }
            return new Result(process.waitFor(), List.copyOf(lines));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new ImageException("interrupted while " + command.getFirst() + " ran", e);
        } finally {
            // Only alive when we leave early: nobody would wait for it any more.
            process.destroy();
        }
    }
}

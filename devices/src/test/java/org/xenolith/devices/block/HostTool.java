package org.xenolith.devices.block;

import static org.assertj.core.api.Assertions.assertThat;

import org.xenolith.devices.host.HostNeeds;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** A program of the host that makes images or judges ours. */
public final class HostTool {
    private final String program;
    private final String debianPackage;

    public HostTool(String program, String debianPackage) {
        this.program = program;
        this.debianPackage = debianPackage;
    }

    /** Ends the test if the program is missing: {@link HostNeeds#require}. */
    public void require() {
        HostNeeds.require(
                HostNeeds.find(program).isPresent(),
                "%s (package %s)".formatted(program, debianPackage));
    }

    /** Runs the program; it has to succeed. Returns what it said. */
    public String run(Object... arguments) {
        Result result = tryRun(arguments);
        assertThat(result.status()).as("%s said: %s", program, result.output()).isZero();
        return result.output();
    }

    public record Result(int status, String output) {}

    public Result tryRun(Object... arguments) {
        return runWithInput("", arguments);
    }

    /**
     * @param input what the program reads from standard input
     */
    public Result runWithInput(String input, Object... arguments) {
        require();
        List<String> command =
                new ArrayList<>(List.of(HostNeeds.find(program).orElseThrow().toString()));
        Arrays.stream(arguments).map(Object::toString).forEach(command::add);
        try {
            Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
            try (var stdin = process.getOutputStream()) {
                stdin.write(input.getBytes(StandardCharsets.UTF_8));
            }
            String output =
                    new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            return new Result(process.waitFor(), output);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }
}

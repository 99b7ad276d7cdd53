package org.xenolith.core.machine;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Assumptions;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** Programs of the host that prove what a guest did to a disk. */
final class HostTool {
    private HostTool() {}

    /** Skips the test, saying why, where one is missing; on a build server that is a failure. */
    static void require(String... programs) {
        for (String program : programs) {
            boolean found =
                    Stream.of("/usr/bin/", "/usr/sbin/", "/sbin/", "/bin/")
                            .anyMatch(at -> new java.io.File(at + program).canExecute());
            if (!found && "true".equals(System.getenv("CI"))) {
                throw new AssertionError("CI needs " + program);
            }
            Assumptions.assumeTrue(found, "SKIPPED, no " + program + " on this host");
        }
    }

    /** As {@link #require}, for a file that a package of the host brings. */
    static Path requireFile(String path, String debianPackage) {
        Path file = Path.of(path);
        if (Files.notExists(file) && "true".equals(System.getenv("CI"))) {
            throw new AssertionError("CI needs the package " + debianPackage);
        }
        Assumptions.assumeTrue(
                Files.exists(file),
                "SKIPPED, no " + path + " on this host: package " + debianPackage);
        return file;
    }

    /** Runs a program to its end and wants status 0; returns all that it wrote. */
    static String run(String... command) throws IOException, InterruptedException {
        ProcessBuilder builder = new ProcessBuilder(List.of(command)).redirectErrorStream(true);
        builder.environment().merge("PATH", "/usr/sbin:/sbin", (path, more) -> path + ":" + more);
        Process process = builder.start();
        process.getOutputStream().close();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as("%s: %s", List.of(command), output).isZero();
        return output;
    }
}

package org.xenolith.core.machine;

import static org.assertj.core.api.Assertions.assertThat;

import org.xenolith.devices.host.HostNeeds;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** Programs of the host that prove what a guest did to a disk. */
public final class HostTool {
    private HostTool() {}

    /** Ends the test where one is missing: {@link HostNeeds#require}. */
    public static void require(String... programs) {
        HostNeeds.requirePrograms(programs);
    }

    /** As {@link #require}, for a file that a package of the host brings. */
    public static Path requireFile(String path, String debianPackage) {
        Path file = Path.of(path);
        HostNeeds.require(Files.exists(file), "%s (package %s)".formatted(path, debianPackage));
        return file;
    }

    /** Runs a program to its end and wants status 0; returns all that it wrote. */
    public static String run(String... command) throws IOException, InterruptedException {
        ProcessBuilder builder = new ProcessBuilder(List.of(command)).redirectErrorStream(true);
        builder.environment().merge("PATH", "/usr/sbin:/sbin", (path, more) -> path + ":" + more);
        Process process = builder.start();
        process.getOutputStream().close();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as("%s: %s", List.of(command), output).isZero();
        return output;
    }
}

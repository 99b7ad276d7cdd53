package org.xenolith.guests;

import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** Builds a guest kernel from its sources with the tools of this machine, as its Makefile says. */
final class GuestBuild {
    private static final Path SOURCES = Path.of("src/main/guest").toAbsolutePath();
    private static final List<String> TOOLS = List.of("make", "gcc", "ld", "strip");
    private static final long TIMEOUT_SECONDS = 120;

    private GuestBuild() {}

    /** Which tools made the prebuilt image: {@code NAME.build}. */
    static Properties recorded(String name) throws IOException {
        Properties record = new Properties();
        try (InputStream in = GuestImages.class.getResourceAsStream(name + ".build")) {
            record.load(in);
        }
        return record;
    }

    /** Tools the build needs and this machine lacks. */
    static List<String> missingTools() {
        return TOOLS.stream().filter(tool -> !isInstalled(tool)).toList();
    }

    /** The first line of what the tool says about its version, as NAME.build records it. */
    static String version(String tool) throws IOException, InterruptedException {
        return run(List.of(tool, "--version")).lines().findFirst().orElseThrow();
    }

    /** Leaves nothing beside the sources: all output goes to the folder. */
    static byte[] buildIn(Path folder, String name) throws IOException, InterruptedException {
        run(List.of("make", "-s", "-C", SOURCES.resolve(name).toString(), "OUT=" + folder));
        return Files.readAllBytes(folder.resolve(name + ".elf"));
    }

    private static boolean isInstalled(String tool) {
        return Stream.of(System.getenv("PATH").split(File.pathSeparator))
                .anyMatch(folder -> Files.isExecutable(Path.of(folder, tool)));
    }

    private static String run(List<String> command) throws IOException, InterruptedException {
        ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
        builder.environment().put("LC_ALL", "C");
        // A make that started this test must not lend its flags to ours.
        builder.environment().keySet().removeAll(List.of("MAKEFLAGS", "MFLAGS", "CFLAGS", "CC"));
        Process process = builder.start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        if (!process.waitFor(TIMEOUT_SECONDS, TimeUnit.SECONDS) || process.exitValue() != 0) {
            process.destroyForcibly();
            throw new IOException(command + " failed:\n" + output);
        }
        return output;
    }
}

package org.xenolith.core.machine;

import static org.assertj.core.api.Assertions.assertThat;

import org.xenolith.devices.host.HostNeeds;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** A static C program that runs on the host as well as in a guest. */
record HostProgram(Path binary) {
    /**
     * Leaves out what the host's processor has and the guest's has not: the C library would choose
     * other code.
     */
    private static final String AS_IN_THE_GUEST = "glibc.cpu.hwcaps=-FMA,-FMA4,-AVX2";

    static final String COMPILER = "gcc with a static C library (packages gcc, libc6-dev)";

    /** Builds it from a source beside the tests; empty where there is no gcc or no static libc. */
    static Optional<HostProgram> build(Path folder, String name) throws Exception {
        return build(folder, name, List.of("-march=x86-64", "-static"), List.of("-lm"));
    }

    /** As {@link #build}, a program of the i386 that needs no library. */
    static Optional<HostProgram> buildI386(Path folder, String name) throws Exception {
        List<String> alone =
                List.of("-static", "-nostdlib", "-ffreestanding", "-fno-stack-protector");
        List<String> options =
                new ArrayList<>(List.of("-m32", "-march=i686", "-fno-pic", "-no-pie"));
        options.addAll(alone);
        return build(folder, name, options, List.of());
    }

    private static Optional<HostProgram> build(
            Path folder, String name, List<String> options, List<String> libraries)
            throws Exception {
        Path source = folder.resolve(name + ".c");
        Path binary = folder.resolve(name);
        try (InputStream in = HostProgram.class.getResourceAsStream(name + ".c")) {
            Files.copy(in, source);
        }
        List<String> gcc = new ArrayList<>(List.of("gcc", "-O1"));
        gcc.addAll(options);
        gcc.addAll(List.of("-o", binary.toString(), source.toString()));
        gcc.addAll(libraries);
        try {
            String output = output(new ProcessBuilder(gcc));
            return output == null ? Optional.empty() : Optional.of(new HostProgram(binary));
        } catch (IOException noCompiler) {
            return Optional.empty();
        }
    }

    /** As {@link #build}; ends the test where it cannot be built: {@link HostNeeds#require}. */
    static HostProgram orSkip(Path folder, String name) throws Exception {
        return build(folder, name).orElseGet(() -> HostNeeds.missing(COMPILER, null));
    }

    /** What it prints on the host. */
    String run() throws Exception {
        ProcessBuilder program = new ProcessBuilder(binary.toString());
        program.environment().put("GLIBC_TUNABLES", AS_IN_THE_GUEST);
        String output = output(program);
        assertThat(output).as("output of %s", binary).isNotNull();
        return output;
    }

    byte[] bytes() throws IOException {
        return Files.readAllBytes(binary);
    }

    /** Null when it fails; what it says then goes to standard error. */
    private static String output(ProcessBuilder command) throws Exception {
        Process process = command.redirectErrorStream(true).start();
        process.getOutputStream().close();
        String output =
                new String(process.getInputStream().readAllBytes(), StandardCharsets.ISO_8859_1);
        if (process.waitFor() != 0) {
            System.err.println(output);
            return null;
        }
        return output;
    }
}

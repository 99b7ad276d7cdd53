package org.xenolith.core.lab;

import org.xenolith.guests.GuestSources;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * Builds micro-guests with the gcc and ld of this machine. What all of them share is compiled once.
 * Not thread-safe.
 */
public final class GuestCompiler implements AutoCloseable {
    private static final List<String> TOOLS = List.of("gcc", "ld");
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    private static final ProcessBuilder.Redirect NOTHING =
            ProcessBuilder.Redirect.from(new File("/dev/null"));

    /** As in lantern's Makefile, which says why. */
    private static final List<String> FLAGS =
            List.of(
                    "-std=gnu11",
                    "-O2",
                    "-Wall",
                    "-Wextra",
                    "-march=x86-64",
                    "-mtune=generic",
                    "-mno-red-zone",
                    "-mcmodel=kernel",
                    "-mgeneral-regs-only",
                    "-ffreestanding",
                    "-nostdlib",
                    "-fno-pic",
                    "-fno-stack-protector",
                    "-fcf-protection=none",
                    "-fno-omit-frame-pointer",
                    "-mno-omit-leaf-frame-pointer",
                    "-fno-asynchronous-unwind-tables",
                    "-fno-tree-loop-distribute-patterns");

    private static final List<String> LINK =
            List.of(
                    "-static",
                    "-Wl,-T,guest.lds,--build-id=none,-z,noexecstack,-z,max-page-size=4096");

    private final Path folder;
    private int built;

    private GuestCompiler(Path folder) {
        this.folder = folder;
    }

    /** The compiler refused; the message is what it said. */
    public static final class Refused extends IOException {
        private static final long serialVersionUID = 1;

        Refused(String output) {
            super(output);
        }
    }

    /**
     * Tools that the build needs and this machine lacks; none on a machine with gcc and binutils.
     */
    public static List<String> missingTools() {
        List<String> missing = new ArrayList<>(TOOLS);
        missing.removeIf(GuestCompiler::isInstalled);
        if (!System.getProperty("os.arch").equals("amd64")) {
            missing.add("an x86-64 processor for gcc to build for");
        }
        return missing;
    }

    private static boolean isInstalled(String tool) {
        return Stream.of(System.getenv("PATH").split(File.pathSeparator))
                .anyMatch(place -> Files.isExecutable(Path.of(place, tool)));
    }

    /** Prepares the runtime in a temporary folder, which goes with {@link #close}. */
    public static GuestCompiler create() throws IOException {
        GuestCompiler compiler = new GuestCompiler(Files.createTempDirectory("xenolith-guests"));
        try {
            GuestSources.copyRuntime(compiler.folder);
            compiler.compileRuntime();
            return compiler;
        } catch (IOException e) {
            compiler.close();
            throw e;
        }
    }

    private void compileRuntime() throws IOException {
        List<String> command = new ArrayList<>(List.of("gcc"));
        command.addAll(FLAGS);
        command.addAll(List.of("-I.", "-r", "-o", "runtime.o"));
        try (Stream<Path> files = Files.list(folder)) {
            files.map(file -> file.getFileName().toString())
                    .filter(name -> name.endsWith(".c"))
                    .sorted()
                    .forEach(command::add);
        }
        run(command, folder, PATIENCE);
    }

    /**
     * Builds a kernel from C files; the runtime's headers are found by their names.
     *
     * @param name what the guest calls itself: small letters, digits, dashes
     * @throws Refused with the compiler's messages, in which files have their names without folder
     */
    public Path build(String name, List<Path> sources) throws IOException {
        Path image = folder.resolve(name + "-" + built++ + ".elf");
        List<String> command = new ArrayList<>(List.of("gcc"));
        command.addAll(FLAGS);
        command.addAll(List.of("-I" + folder, "-DGUEST_NAME=" + name, "-DNAMED_GUEST"));
        command.addAll(LINK);
        command.addAll(List.of("-o", image.toString(), "entry.S", "runtime.o"));
        for (Path source : sources) {
            Path absolute = source.toAbsolutePath();
            command.add("-ffile-prefix-map=" + absolute.getParent() + "/=");
            command.add(absolute.toString());
        }
        try {
            run(command, folder, PATIENCE);
        } catch (Refused refused) {
            throw new Refused(withoutFolders(refused.getMessage(), sources));
        }
        return image;
    }

    /** gcc's prefix maps do not apply to what it says of a file. */
    private static String withoutFolders(String said, List<Path> sources) {
        String shorter = said;
        for (Path source : sources) {
            shorter = shorter.replace(source.toAbsolutePath().getParent() + "/", "");
        }
        return shorter;
    }

    /**
     * Runs a tool, which finds nothing to read. What it says goes into a file: a pipe's reader
     * would wait for its end without one who looks at the time.
     *
     * @throws Refused with what it said, if it fails
     * @throws IOException if it does not end in time
     */
    static void run(List<String> command, Path folder, Duration patience) throws IOException {
        Path said = Files.createTempFile(folder, "said", ".txt");
        try {
            ProcessBuilder builder =
                    new ProcessBuilder(command)
                            .directory(folder.toFile())
                            .redirectInput(NOTHING)
                            .redirectErrorStream(true)
                            .redirectOutput(said.toFile());
            builder.environment().put("LC_ALL", "C");
            if (exitStatus(builder.start(), patience) != 0) {
                byte[] output = Files.readAllBytes(said);
                throw new Refused(new String(output, StandardCharsets.UTF_8).strip());
            }
        } finally {
            Files.delete(said);
        }
    }

    private static int exitStatus(Process tool, Duration patience) throws IOException {
        try {
            if (tool.waitFor(patience.toNanos(), TimeUnit.NANOSECONDS)) {
                return tool.exitValue();
            }
            throw new IOException("gcc does not end");
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("gcc was interrupted", e);
        } finally {
            tool.descendants().forEach(ProcessHandle::destroyForcibly); // gcc itself only waits
            tool.destroyForcibly();
        }
    }

    /** Removes all images that were built. */
    @Override
    public void close() {
        try (Stream<Path> files = Files.list(folder)) {
            for (Path file : files.toList()) {
                Files.delete(file);
            }
            Files.delete(folder);
        } catch (IOException e) {
            System.err.println("vmm: " + folder + " cannot be removed: " + e.getMessage());
        }
    }
}

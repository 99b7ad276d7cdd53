package org.xenolith.devices.host;

import org.junit.jupiter.api.Assumptions;

import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * What a test needs of the host. Where it is missing the test is skipped and says so. On a build
 * server ({@code CI=true}) it fails instead, so that nobody ships untested; only what no package
 * brings, and what is too much to ask of every build server, may be missing there too. The tests of
 * all modules keep this rule through this class.
 */
public final class HostNeeds {
    private static final boolean ON_BUILD_SERVER = "true".equals(System.getenv("CI"));

    private HostNeeds() {}

    /**
     * Ends the test unless a build server has to have this, and has.
     *
     * @param what is needed and, if the name does not say it, the package that brings it
     */
    public static void require(boolean isThere, String what) {
        if (!isThere) {
            missing(what, null);
        }
    }

    /**
     * The same for what turned out not to be there.
     *
     * @param cause null when there is none
     * @return never
     */
    public static <T> T missing(String what, Exception cause) {
        return missing(what, cause, ON_BUILD_SERVER);
    }

    static <T> T missing(String what, Exception cause, boolean onBuildServer) {
        String because = cause == null ? what : what + ": " + cause.getMessage();
        if (onBuildServer) {
            throw new AssertionError("CI needs " + because, cause);
        }
        return skip(because);
    }

    /**
     * Skips the test, on a build server as well: it takes rights, a network, or a large program.
     */
    public static void skipWithout(boolean isThere, String what) {
        if (!isThere) {
            skip(what);
        }
    }

    /** Skips the test on any machine but Linux on x86-64. */
    public static void skipWithoutLinuxOnX86() {
        String arch = System.getProperty("os.arch");
        String os = System.getProperty("os.name");
        skipWithout(
                arch.equals("amd64") && os.equals("Linux"),
                "Linux on x86-64: this is " + os + " on " + arch);
    }

    private static <T> T skip(String missing) {
        String message = "SKIPPED for want of " + missing;
        System.err.println(message);
        return Assumptions.abort(message);
    }

    /** Where a program of the host is; root's programs may be outside of the search path. */
    public static Optional<Path> find(String program) {
        return Stream.concat(
                        Arrays.stream(System.getenv("PATH").split(File.pathSeparator)),
                        Stream.of("/usr/sbin", "/sbin"))
                .map(folder -> Path.of(folder, program))
                .filter(Files::isExecutable)
                .findFirst();
    }

    /** As {@link #require}, for programs. */
    public static void requirePrograms(String... programs) {
        for (String program : programs) {
            require(find(program).isPresent(), program);
        }
    }
}

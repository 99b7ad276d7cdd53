package org.xenolith.cpu;

import org.junit.jupiter.api.Assumptions;

/**
 * What a test needs of the machine it runs on and does not find. Where it could be installed, a
 * build server ({@code CI=true}) fails, so that nobody ships unproved; elsewhere the test is
 * skipped, and says so.
 */
public final class HostRequirement {
    private HostRequirement() {}

    /**
     * Ends a test for want of what every x86-64 Linux can have.
     *
     * @param what the tool or file, with its package
     */
    public static <T> T missing(String what) {
        return missing(what, "true".equals(System.getenv("CI")));
    }

    static <T> T missing(String what, boolean buildServer) {
        if (buildServer) {
            throw new AssertionError("CI needs " + what);
        }
        return impossible("no " + what + " on this machine");
    }

    /** Skips a test that no installation makes possible here: another processor, another gcc. */
    public static <T> T impossible(String why) {
        System.err.println("SKIPPED: " + why);
        return Assumptions.abort("SKIPPED: " + why);
    }

    /** Skips a test on any machine but Linux on x86-64. */
    public static void linuxOnX86() {
        String arch = System.getProperty("os.arch");
        String os = System.getProperty("os.name");
        if (!arch.equals("amd64") || !os.equals("Linux")) {
            impossible("this is " + os + " on " + arch + ", not Linux on x86-64");
        }
    }
}

package org.xenolith.cpu;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;

import javax.management.JMException;
import javax.management.MBeanServer;
import javax.management.ObjectName;

/**
 * What HotSpot's compilers are told about translated units, for a while: then they go on as before.
 */
final class HotSpotCompilers implements AutoCloseable {
    /** Whoever calls a unit that is due waits until it is compiled. */
    private static final String WAITED_FOR = "BackgroundCompilation: false";

    /**
     * C1 gives up on large units ("out of virtual registers", and half a second for each), and then
     * C2 gets them from the JVM's own interpreter.
     */
    private static final String C2_ONLY = WAITED_FOR + ", c1: { Exclude: true }";

    private HotSpotCompilers(String directive) {
        try {
            Path file = Files.createTempFile("directives", ".json");
            Files.writeString(
                    file,
                    "[{ match: [\"org/xenolith/cpu/translate/Unit*.run\"], " + directive + " }]");
            command("compilerDirectivesAdd", file.toString());
            Files.delete(file);
        } catch (IOException e) {
            throw new IllegalStateException("directives for HotSpot's compilers", e);
        }
    }

    /** The thread that makes a unit hot waits for the compilers. */
    static HotSpotCompilers waitedFor() {
        return new HotSpotCompilers(WAITED_FOR);
    }

    /** As {@link #waitedFor}, without C1. */
    static HotSpotCompilers waitedForC2Only() {
        return new HotSpotCompilers(C2_ONLY);
    }

    @Override
    public void close() {
        command("compilerDirectivesRemove");
    }

    /** What {@code jcmd} does for other processes. */
    private static void command(String name, String... arguments) {
        MBeanServer server = ManagementFactory.getPlatformMBeanServer();
        boolean bare = arguments.length == 0;
        try {
            server.invoke(
                    new ObjectName("com.sun.management:type=DiagnosticCommand"),
                    name,
                    bare ? null : new Object[] {arguments},
                    bare ? null : new String[] {String[].class.getName()});
        } catch (JMException e) {
            throw new IllegalStateException(name, e);
        }
    }
}

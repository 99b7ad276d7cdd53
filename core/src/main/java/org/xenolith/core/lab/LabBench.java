package org.xenolith.core.lab;

import org.xenolith.core.trace.TraceTopic;

import java.io.IOException;
import java.util.Set;

/**
 * What checks of labs are done with: a compiler, made when the first lab wants it, and what the
 * student wants to see. Not thread-safe.
 */
public final class LabBench implements AutoCloseable {
    private final Set<TraceTopic> trace;
    private GuestCompiler compiler;

    /**
     * @param trace topics that are written to standard error while a guest of a case runs
     */
    public LabBench(Set<TraceTopic> trace) {
        this.trace = Set.copyOf(trace);
    }

    Set<TraceTopic> trace() {
        return trace;
    }

    /**
     * @throws LabFailed if this machine has no tools for it
     */
    GuestCompiler compiler() throws IOException {
        if (compiler == null) {
            if (!GuestCompiler.missingTools().isEmpty()) {
                throw new LabFailed(
                        "This lab is built with gcc and ld, and here is no "
                                + String.join(" and no ", GuestCompiler.missingTools())
                                + " (packages gcc and binutils).");
            }
            compiler = GuestCompiler.create();
        }
        return compiler;
    }

    @Override
    public void close() {
        if (compiler != null) {
            compiler.close();
        }
    }
}

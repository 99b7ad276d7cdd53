package org.xenolith.core.cli;

import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

import java.io.PrintWriter;
import java.util.Optional;

/** {@code vmm version}. */
@Command(name = "version", header = "Tells the versions of vmm and of the Java it runs on.")
final class VersionCommand implements Runnable {
    @Spec private CommandSpec spec;

    @Option(
            names = {"-h", "--help"},
            usageHelp = true,
            description = "Shows this help.")
    private boolean help;

    @Override
    public void run() {
        tell(spec.commandLine().getOut());
    }

    static void tell(PrintWriter out) {
        String version =
                Optional.ofNullable(VersionCommand.class.getPackage().getImplementationVersion())
                        .orElse("(not packaged)");
        out.printf("Xenolith %s on Java %s%n", version, Runtime.version());
    }
}

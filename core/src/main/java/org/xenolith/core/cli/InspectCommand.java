package org.xenolith.core.cli;

import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.Callable;

/** {@code vmm inspect}: what a file is, before anyone tries to boot it. */
@Command(
        name = "inspect",
        header = "Tells what an image file is: format, compression, Xen notes, memory layout.",
        footer = {"", "Exit status: 0 it can be booted, 1 it cannot, 2 wrong usage."},
        optionListHeading = "%nOptions:%n")
final class InspectCommand implements Callable<Integer> {
    private final Services services;

    @Spec private CommandSpec spec;

    @Parameters(paramLabel = "FILE", description = "A kernel or an initial RAM disk.")
    private Path file;

    @Option(
            names = {"-h", "--help"},
            usageHelp = true,
            description = "Shows this help.")
    private boolean help;

    InspectCommand(Services services) {
        this.services = services;
    }

    @Override
    public Integer call() throws IOException {
        Services.Inspection inspection = services.inspector().inspect(file);
        spec.commandLine().getOut().println(inspection.text().stripTrailing());
        return inspection.bootable() ? ExitStatus.OK : ExitStatus.FAILED;
    }
}

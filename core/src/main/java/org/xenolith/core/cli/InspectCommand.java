package org.xenolith.core.cli;

import org.xenolith.core.cli.output.ExitStatus;

import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

import java.io.IOException;
import java.nio.file.Path;

/** {@code vmm inspect}: what a file is, before anyone tries to boot it. */
@Command(
        name = "inspect",
        header = "Tells what a kernel, an initial RAM disk or a disk is, and whether it boots.",
        footer = {"", "Exit status: 0 it can be booted, 1 it cannot, 2 wrong usage."})
final class InspectCommand extends ServiceCommand {
    @Parameters(paramLabel = "FILE", description = "A kernel, an initial RAM disk or a disk.")
    private Path file;

    InspectCommand(Services services) {
        super(services);
    }

    @Override
    public Integer call() throws IOException {
        Services.Inspection inspection = services.inspector().inspect(file);
        spec.commandLine().getOut().println(inspection.text().stripTrailing());
        return inspection.bootable() ? ExitStatus.OK : ExitStatus.FAILED;
    }
}

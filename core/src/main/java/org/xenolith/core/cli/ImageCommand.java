package org.xenolith.core.cli;

import org.xenolith.core.cli.output.ExitStatus;
import org.xenolith.core.cli.output.StatusLine;

import picocli.CommandLine.Command;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;

import java.io.IOException;
import java.io.PrintWriter;

/** {@code vmm image}: makes a guest's files, so that a later boot finds them ready. */
@Command(
        name = "image",
        header = "Makes the files of a known guest and keeps them in a cache.",
        description = {
            "",
            "'vmm image debian' fetches Debian's stock kernel and BusyBox with this machine's apt,"
                + " into lists and folders of its own (no root needed), and packs an initial RAM"
                + " disk.",
            "",
            "'vmm image lamp' makes the disk of a Debian 12 guest with Apache, MariaDB and PHP too,"
                    + " with debootstrap as root, with mmdebstrap otherwise; that takes minutes.",
            "",
            "'vmm boot' does the same by itself when needed.",
            ""
        })
final class ImageCommand extends ServiceCommand {
    @Parameters(paramLabel = "NAME", description = "The guest: debian or lamp.")
    private String name;

    ImageCommand(Services services) {
        super(services);
    }

    @Override
    public Integer call() throws IOException {
        if (!services.images().names().contains(name)) {
            throw new ParameterException(
                    spec.commandLine(),
                    "'"
                            + name
                            + "' is no known guest; there are "
                            + String.join(", ", services.images().names())
                            + ".");
        }
        KnownGuests.Files files;
        try (StatusLine status =
                new StatusLine(spec.commandLine().getErr(), services.errorIsTerminal())) {
            files = services.images().prepare(name, true, status);
        }
        PrintWriter out = spec.commandLine().getOut();
        out.println("kernel        " + files.kernel());
        files.initrd().ifPresent(initrd -> out.println("initrd        " + initrd));
        files.disk().ifPresent(disk -> out.println("disk          " + disk));
        out.println("command line  " + files.commandLine());
        return ExitStatus.OK;
    }
}

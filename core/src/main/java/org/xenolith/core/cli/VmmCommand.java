package org.xenolith.core.cli;

import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code vmm} itself: it only knows its commands. */
@Command(
        name = "vmm",
        header = "A Xen host in one Java process: boots x86-64 kernels as Xen PV guests.",
        description = {
            "",
            "Guests' code is interpreted, and becomes JVM bytecode where it is hot, so no"
                + " virtualization hardware, no root and no Xen is needed. Guests are unmodified:"
                + " they find the hypercalls, event channels, grants and devices that a real Xen"
                + " host gives a PV guest.",
            ""
        },
        synopsisSubcommandLabel = "COMMAND",
        commandListHeading = "%nCommands:%n",
        optionListHeading = "%nOptions:%n",
        footer = {
            "",
            "First steps:",
            "  vmm boot                 boots our own small guest; type 'help' in it",
            "  vmm boot debian          boots Debian's stock kernel to a shell",
            "  vmm up FILE              starts all guests that a file describes",
            "  vmm boot --help          tells what else can be booted, and how",
            "  vmm lab list             labs about how all this works; docs/labs/README.md",
            "",
            "In a guest, Ctrl-] leaves. XENOLITH_DEBUG=1 shows where an error comes from."
        })
final class VmmCommand implements Runnable {
    @Spec private CommandSpec spec;

    @Option(
            names = {"-h", "--help"},
            usageHelp = true,
            description = "Shows this help.")
    private boolean help;

    @Option(
            names = {"-V", "--version"},
            description = "Tells the versions, as 'vmm version' does.")
    private boolean version;

    @Override
    public void run() {
        if (version) {
            VersionCommand.tell(spec.commandLine().getOut());
            return;
        }
        throw new ParameterException(
                spec.commandLine(), "vmm needs a command, such as 'vmm boot'.");
    }
}

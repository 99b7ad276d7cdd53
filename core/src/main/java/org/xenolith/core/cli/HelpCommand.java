package org.xenolith.core.cli;

import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

import java.util.List;

/** {@code vmm help COMMAND}: as {@code vmm COMMAND --help}. */
@Command(name = "help", header = "Shows the help of vmm, or of one of its commands.")
final class HelpCommand implements Runnable {
    @Spec private CommandSpec spec;

    @Parameters(
            arity = "0..*",
            paramLabel = "COMMAND",
            description = "Such as boot, or xenstore ls.")
    private List<String> path = List.of();

    @Option(
            names = {"-h", "--help"},
            usageHelp = true,
            description = "Shows this help.")
    private boolean help;

    @Override
    public void run() {
        CommandLine command = spec.parent().commandLine();
        for (String name : path) {
            CommandLine named = command.getSubcommands().get(name);
            if (named == null) {
                throw new ParameterException(spec.commandLine(), Commands.thereIsNo(name));
            }
            command = named;
        }
        command.usage(command.getOut());
    }
}

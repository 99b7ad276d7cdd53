package org.xenolith.core.cli;

import org.xenolith.core.machine.Outcome;
import org.xenolith.core.machine.RestoreOptions;
import org.xenolith.cpu.translate.Tier;
import org.xenolith.devices.terminal.TerminalSession;

import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.Callable;

/** {@code vmm restore FILE}: a saved guest with its console on this terminal, until it ends. */
@Command(
        name = "restore",
        header = "Lets a guest that was saved go on, with its console on this terminal.",
        description = {
            "",
            "It has its disks and networks again, and its forwarded ports, if nobody else has them"
                    + " now. Ctrl-] leaves it.",
            ""
        },
        optionListHeading = "%nOptions:%n",
        footer = {
            "",
            "Exit status: 0 the guest powered off, was left or saved again, 1 it crashed, ran out"
                    + " of time or could not go on, 2 wrong usage.",
        })
final class RestoreCommand implements Callable<Integer> {
    private final Services services;

    @Spec private CommandSpec spec;

    @Parameters(paramLabel = "FILE", description = "What 'vmm save' has written.")
    private Path file;

    @Option(names = "-p", description = "Leaves the guest paused; 'vmm unpause' lets it go on.")
    private boolean paused;

    @Option(
            names = "--timeout",
            paramLabel = "TIME",
            converter = TimeSpan.class,
            description = "Stops the guest after 60s, 2m or 500ms of wall time.")
    private Duration timeout;

    @Option(
            names = "--stats",
            description = "Tells at the end what the run took: instructions, hypercalls, faults.")
    private boolean statistics;

    @Option(
            names = "--tier",
            paramLabel = "TIER",
            converter = TierName.class,
            description = "How the guest's code is executed: interp, jit or verify.")
    private Tier tier = Tier.standard();

    @Option(
            names = {"-h", "--help"},
            usageHelp = true,
            description = "Shows this help.")
    private boolean help;

    RestoreCommand(Services services) {
        this.services = services;
    }

    @Override
    public Integer call() throws IOException {
        RestoreOptions options =
                new RestoreOptions(paused, Optional.ofNullable(timeout), statistics, tier);
        Outcome outcome;
        try (TerminalSession console = services.console().get()) {
            outcome = services.restorer().restore(file, options, console);
        }
        return new Ended(spec.commandLine().getErr(), timeout).tell(outcome);
    }
}

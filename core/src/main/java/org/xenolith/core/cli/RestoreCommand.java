package org.xenolith.core.cli;

import org.xenolith.core.boot.EndedWithLosses;
import org.xenolith.core.boot.Outcome;
import org.xenolith.core.boot.RestoreOptions;
import org.xenolith.core.cli.output.StandardOutput;
import org.xenolith.devices.net.nat.Subnet;
import org.xenolith.devices.terminal.TerminalSession;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;

/** {@code vmm restore FILE}: a saved guest with its console on this terminal, until it ends. */
@Command(
        name = "restore",
        header = "Lets a guest that was saved go on, with its console on this terminal.",
        description = {
            "",
            "It has its disks and networks again, and its forwarded ports, if nobody else has them"
                + " now. It is refused when a disk was changed since it was saved. Ctrl-] leaves"
                + " it. When it reboots it boots what it booted before it was saved, from the same"
                + " files.",
            ""
        },
        footer = {
            "",
            "Exit status: 0 the guest powered off, was left or saved again, 1 it crashed, ran out"
                    + " of time or could not go on, or its output could not be written, 2 wrong"
                    + " usage.",
        })
final class RestoreCommand extends ServiceCommand {
    @Parameters(paramLabel = "FILE", description = "What 'vmm save' has written.")
    private Path file;

    @Mixin private RunOptions run;

    @Option(names = "-p", description = "Leaves the guest paused; 'vmm unpause' lets it go on.")
    private boolean paused;

    @Option(
            names = "--force",
            description = "Lets it go on on disks that were changed since it was saved.")
    private boolean force;

    @Option(
            names = "--network",
            paramLabel = "ADDRESS/BITS",
            description =
                    "The addresses of nat, for a guest that is given an interface there later. One"
                            + " that was saved with one goes on in its own network, and is refused"
                            + " in another.")
    private String natNetwork;

    RestoreCommand(Services services) {
        super(services);
    }

    @Override
    public Integer call() throws IOException {
        RestoreOptions options =
                new RestoreOptions(
                        paused,
                        run.timeout(),
                        run.statistics(),
                        run.tier(),
                        run.noReboot(),
                        run.timerSlack(),
                        force,
                        Optional.ofNullable(natNetwork).map(this::network));
        TerminalSession console = services.console().get();
        Ended ended = new Ended(spec.commandLine().getErr(), console, run.timeout());
        Outcome outcome;
        try (console) {
            outcome = services.restorer().restore(file, options, console, ended);
        } catch (EndedWithLosses failed) {
            ended.tellStatistics(failed.statistics());
            throw failed;
        }
        return StandardOutput.statusAfter(
                console, ended.tell(outcome), spec.commandLine().getErr());
    }

    private Subnet network(String text) {
        return NatNetwork.parse(spec, text);
    }
}

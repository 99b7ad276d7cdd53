package org.xenolith.core.cli;

import org.xenolith.core.control.ControlException;
import org.xenolith.core.control.ControlFolder;

import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

import java.io.IOException;
import java.io.PrintWriter;
import java.util.concurrent.Callable;

/** What the verbs that talk to running guests have in common. */
@Command(optionListHeading = "%nOptions:%n")
abstract class GuestVerb implements Callable<Integer> {
    @Spec CommandSpec spec;

    @Option(
            names = {"-h", "--help"},
            usageHelp = true,
            description = "Shows this help.")
    private boolean help;

    @Option(names = "--json", description = "Answers with JSON, one object or list on one line.")
    boolean json;

    private final ControlFolder folder;

    GuestVerb(ControlFolder folder) {
        this.folder = folder;
    }

    @Override
    public final Integer call() throws IOException {
        try (RunningHosts hosts = RunningHosts.connect(folder)) {
            perform(hosts);
            return ExitStatus.OK;
        } catch (ControlException refused) {
            spec.commandLine().getErr().println("vmm: " + refused.getMessage());
            return ExitStatus.FAILED;
        }
    }

    abstract void perform(RunningHosts hosts) throws IOException, ControlException;

    PrintWriter out() {
        return spec.commandLine().getOut();
    }
}

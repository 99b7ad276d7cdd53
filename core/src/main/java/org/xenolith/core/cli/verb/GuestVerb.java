package org.xenolith.core.cli.verb;

import org.xenolith.core.cli.output.ExitStatus;
import org.xenolith.core.cli.output.StandardOutput;
import org.xenolith.core.control.ControlException;
import org.xenolith.core.control.ControlFolder;
import org.xenolith.devices.console.Escaped;
import org.xenolith.devices.terminal.TerminalSession;

import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

import java.io.IOException;
import java.io.PrintWriter;
import java.util.List;
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

    private final ControlFolder folder;
    private boolean failed;

    GuestVerb(ControlFolder folder) {
        this.folder = folder;
    }

    @Override
    public final Integer call() throws IOException {
        check();
        try (RunningHosts hosts = RunningHosts.connect(folder)) {
            perform(hosts);
        } catch (ControlException refused) {
            tell(refused);
        }
        return failed ? ExitStatus.FAILED : ExitStatus.OK;
    }

    private void tell(ControlException refused) {
        spec.commandLine().getErr().println("vmm: " + Escaped.sentence(refused.getMessage()));
        failed = true;
    }

    /** What a console could not show makes a failure of the command. */
    final void tellLost(TerminalSession console) {
        PrintWriter err = spec.commandLine().getErr();
        failed |= StandardOutput.statusAfter(console, ExitStatus.OK, err) != ExitStatus.OK;
    }

    /** What is done with each of several guests. */
    @FunctionalInterface
    interface Action {
        void perform(RunningHosts.Found guest) throws IOException, ControlException;
    }

    /** One that is not there, or cannot, is told of and keeps nobody from the others. */
    final void forEach(List<String> guests, RunningHosts hosts, Action action) throws IOException {
        for (String guest : guests) {
            try {
                action.perform(hosts.find(guest));
            } catch (ControlException refused) {
                tell(refused);
            }
        }
    }

    /**
     * Looks at what the user wrote, before any guest is asked for.
     *
     * @throws ParameterException when it makes no sense with any guest
     */
    void check() {}

    /**
     * @param sentence without its full stop
     */
    final ParameterException usage(String sentence) {
        return new ParameterException(spec.commandLine(), sentence + ".");
    }

    /** As the host would say it. */
    final void requireFrom0(String option, int value, int most) {
        if (value < 0 || value > most) {
            throw usage("%s is a number from 0 to %d, not %d".formatted(option, most, value));
        }
    }

    abstract void perform(RunningHosts hosts) throws IOException, ControlException;

    PrintWriter out() {
        return spec.commandLine().getOut();
    }
}

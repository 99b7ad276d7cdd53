package org.xenolith.core.cli.verb;

import com.google.gson.JsonElement;

import org.xenolith.core.control.ControlFolder;

import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

import java.io.IOException;
import java.util.List;

/** Verbs that name a guest and nothing else: pause, unpause, shutdown, reboot, destroy. */
@Command
final class SimpleVerb extends AnsweringVerb {
    private final String verb;

    @Parameters(arity = "1..*", paramLabel = "GUEST", description = "Name or id.")
    private List<String> guests;

    private SimpleVerb(String verb, ControlFolder folder) {
        super(folder);
        this.verb = verb;
    }

    /** The verb as a command of its own. */
    static CommandLine command(String verb, String header, ControlFolder folder) {
        CommandLine command = new CommandLine(new SimpleVerb(verb, folder));
        command.getCommandSpec().name(verb).usageMessage().header(header);
        return command;
    }

    @Override
    void perform(RunningHosts hosts) throws IOException {
        forEach(
                guests,
                hosts,
                guest -> {
                    JsonElement result = guest.ask(RunningHosts.request(verb));
                    if (json) {
                        out().println(result);
                    }
                });
    }
}

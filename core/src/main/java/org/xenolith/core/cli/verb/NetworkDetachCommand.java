package org.xenolith.core.cli.verb;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;

import org.xenolith.core.control.ControlException;
import org.xenolith.core.control.ControlFolder;

import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

import java.io.IOException;

/** {@code vmm network-detach GUEST NUMBER}. */
@Command(
        name = "network-detach",
        header = "Asks a running guest to let go of a network interface.",
        description = {"", "The guest's own kernel does it, and needs a moment.", ""})
final class NetworkDetachCommand extends AnsweringVerb {
    @Parameters(index = "0", paramLabel = "GUEST", description = "Name or id.")
    private String guest;

    @Parameters(
            index = "1",
            paramLabel = "NUMBER",
            description = "What network-attach said; those it started with count from 0.")
    private int id;

    NetworkDetachCommand(ControlFolder folder) {
        super(folder);
    }

    @Override
    void perform(RunningHosts hosts) throws IOException, ControlException {
        JsonObject request = RunningHosts.request("network-detach");
        request.addProperty("id", id);
        JsonElement result = hosts.find(guest).ask(request);
        if (json) {
            out().println(result);
        }
    }
}

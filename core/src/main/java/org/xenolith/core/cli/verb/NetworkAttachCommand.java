package org.xenolith.core.cli.verb;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;

import org.xenolith.core.control.ControlException;
import org.xenolith.core.control.ControlFolder;
import org.xenolith.devices.net.NetworkSpec;

import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

import java.io.IOException;

/** {@code vmm network-attach GUEST NETWORK}. */
@Command(
        name = "network-attach",
        header = "Gives a running guest one more network interface.",
        description = {"", "It is there until it is detached; a reboot or a save keeps it.", ""})
final class NetworkAttachCommand extends AnsweringVerb {
    @Parameters(index = "0", paramLabel = "GUEST", description = "Name or id.")
    private String guest;

    @Parameters(
            index = "1",
            paramLabel = "NETWORK",
            description = "As the option --net of 'vmm boot' takes it: nat, none, tap:NAME, ...")
    private String network;

    NetworkAttachCommand(ControlFolder folder) {
        super(folder);
    }

    @Override
    void check() {
        try {
            NetworkSpec.parse(network);
        } catch (IllegalArgumentException e) {
            throw usage(e.getMessage());
        }
    }

    @Override
    void perform(RunningHosts hosts) throws IOException, ControlException {
        JsonObject request = RunningHosts.request("network-attach");
        request.addProperty("network", network);
        JsonElement id = hosts.find(guest).ask(request);
        out().println(json ? id.toString() : "Interface " + id + " is attached.");
    }
}

package org.xenolith.core.cli.verb;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;

import org.xenolith.core.control.ControlException;
import org.xenolith.core.control.ControlFolder;
import org.xenolith.devices.net.nat.ListeningPort;

import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

import java.io.IOException;

/** {@code vmm forward-remove GUEST PORT}. */
@Command(
        name = "forward-remove",
        header = "Takes back a port of the host that leads to a guest.",
        description = {"", "TCP connections that are open go on.", ""})
final class ForwardRemoveCommand extends AnsweringVerb {
    @Parameters(index = "0", paramLabel = "GUEST", description = "Name or id.")
    private String guest;

    @Parameters(
            index = "1",
            paramLabel = "PORT",
            description = "[ADDRESS:]PORT[/tcp|/udp] of the host, as forward-list shows it.")
    private String port;

    ForwardRemoveCommand(ControlFolder folder) {
        super(folder);
    }

    @Override
    void check() {
        try {
            ListeningPort.parse(port);
        } catch (IllegalArgumentException e) {
            throw usage(e.getMessage());
        }
    }

    @Override
    void perform(RunningHosts hosts) throws IOException, ControlException {
        JsonObject request = RunningHosts.request("forward-remove");
        request.addProperty("port", port);
        JsonElement result = hosts.find(guest).ask(request);
        if (json) {
            out().println(result);
        }
    }
}

package org.xenolith.core.cli.verb;

import com.google.gson.JsonObject;

import org.xenolith.core.control.ControlException;
import org.xenolith.core.control.ControlFolder;
import org.xenolith.devices.net.nat.PortForward;

import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

import java.io.IOException;

/** {@code vmm forward-add GUEST PORTS}. */
@Command(
        name = "forward-add",
        header = "Leads one more port of the host to a running guest.",
        description = {
            "",
            "The guest needs an interface on the network 'nat'. The port is open until it is taken"
                    + " back or the vmm that runs the guest ends; a reboot or a save keeps it.",
            ""
        })
final class ForwardAddCommand extends AnsweringVerb {
    @Parameters(index = "0", paramLabel = "GUEST", description = "Name or id.")
    private String guest;

    @Parameters(
            index = "1",
            paramLabel = "PORTS",
            description =
                    "[ADDRESS:]HOSTPORT:GUESTPORT[/tcp|/udp], as the option -p of 'vmm boot'; 0 is"
                            + " any port of the host that is free.")
    private String ports;

    ForwardAddCommand(ControlFolder folder) {
        super(folder);
    }

    @Override
    void check() {
        try {
            PortForward.parse(ports);
        } catch (IllegalArgumentException e) {
            throw usage(e.getMessage());
        }
    }

    @Override
    void perform(RunningHosts hosts) throws IOException, ControlException {
        JsonObject request = RunningHosts.request("forward-add");
        request.addProperty("forward", ports);
        RunningHosts.Found found = hosts.find(guest);
        JsonObject added = found.ask(request).getAsJsonObject();
        out().println(json ? added : ForwardListCommand.line(added) + " of " + found.name() + ".");
    }
}

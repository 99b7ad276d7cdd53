package org.xenolith.core.cli;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;

import org.xenolith.core.control.ControlException;
import org.xenolith.core.control.ControlFolder;

import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

import java.io.IOException;

/** {@code vmm forward-list GUEST}. */
@Command(name = "forward-list", header = "Lists the ports of the host that lead to a guest.")
final class ForwardListCommand extends GuestVerb {
    @Parameters(paramLabel = "GUEST", description = "Name or id.")
    private String guest;

    ForwardListCommand(ControlFolder folder) {
        super(folder);
    }

    @Override
    void perform(RunningHosts hosts) throws IOException, ControlException {
        JsonElement forwards = hosts.find(guest).ask(RunningHosts.request("forward-list"));
        if (json) {
            out().println(forwards);
            return;
        }
        for (JsonElement forward : forwards.getAsJsonArray()) {
            out().println(line(forward.getAsJsonObject()));
        }
    }

    static String line(JsonObject forward) {
        return "%s:%s/%s leads to port %s"
                .formatted(
                        forward.get("host_address").getAsString(),
                        forward.get("host_port").getAsString(),
                        forward.get("protocol").getAsString(),
                        forward.get("guest_port").getAsString());
    }
}

package org.xenolith.core.cli.verb;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;

import org.xenolith.core.control.ControlException;
import org.xenolith.core.control.ControlFolder;
import org.xenolith.devices.net.nat.ListeningPort;
import org.xenolith.devices.net.nat.PortForward.Protocol;

import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

import java.io.IOException;
import java.util.Locale;

/** {@code vmm forward-list GUEST}. */
@Command(name = "forward-list", header = "Lists the ports of the host that lead to a guest.")
final class ForwardListCommand extends AnsweringVerb {
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
        out().println(row("Port of the host", "Port of the guest"));
        for (JsonElement forward : forwards.getAsJsonArray()) {
            JsonObject each = forward.getAsJsonObject();
            out().println(row(port(each).toString(), each.get("guest_port").getAsString()));
        }
    }

    private static String row(String host, String guest) {
        return "%-28s %s".formatted(host, guest);
    }

    /** The port as forward-remove takes it, and where it leads. */
    static String line(JsonObject forward) {
        return "%s leads to port %s"
                .formatted(port(forward), forward.get("guest_port").getAsString());
    }

    private static ListeningPort port(JsonObject forward) {
        return new ListeningPort(
                Protocol.valueOf(forward.get("protocol").getAsString().toUpperCase(Locale.ROOT)),
                forward.get("host_address").getAsString(),
                forward.get("host_port").getAsInt());
    }
}

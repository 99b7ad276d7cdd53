package org.xenolith.core.cli.verb;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;

import org.xenolith.core.control.ControlException;
import org.xenolith.core.control.ControlFolder;

import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** {@code vmm where GUEST}: a paragraph for each vCPU. */
@Command(
        name = "where",
        header = "Tells where each vCPU of a guest is, who called that, and what it waits for.",
        description = {
            "",
            "Functions are those of the guest's kernel. '?' stands before words of the stack that"
                + " look like return addresses and may be left from earlier calls: all of them in a"
                + " kernel without frame pointers.",
            ""
        })
final class WhereCommand extends WatchCommand {
    private static final double MILLI = 1e6;

    @Parameters(paramLabel = "GUEST", description = "Name or id.")
    private String guest;

    WhereCommand(ControlFolder folder) {
        super(folder);
    }

    @Override
    void perform(RunningHosts hosts) throws IOException, ControlException {
        RunningHosts.Found found = hosts.find(guest);
        JsonElement report = found.ask(RunningHosts.request("where"));
        if (json) {
            out().println(report);
            return;
        }
        show(found.name(), report.getAsJsonObject());
    }

    private void show(String name, JsonObject report) {
        if (report.get("ended").getAsBoolean()) {
            out().println(name + " has ended.");
        } else if (report.get("paused").getAsBoolean()) {
            out().println(name + " is paused.");
        }
        for (JsonElement vcpu : report.getAsJsonArray("vcpus")) {
            show(vcpu.getAsJsonObject());
        }
    }

    private void show(JsonObject vcpu) {
        List<String> is = new ArrayList<>(List.of(text(vcpu, "state")));
        if (vcpu.has("mode")) {
            is.add(text(vcpu, "mode") + " mode");
        }
        if (vcpu.has("waits_for")) {
            is.add(waits(vcpu.getAsJsonObject("waits_for")));
        }
        out().println("vCPU " + text(vcpu, "vcpu") + ": " + String.join(", ", is));
        if (vcpu.has("rip")) {
            place("", vcpu, "rip");
        }
        if (vcpu.has("calls")) {
            for (JsonElement call : vcpu.getAsJsonArray("calls")) {
                JsonObject row = call.getAsJsonObject();
                place(row.get("certain").getAsBoolean() ? "" : "?", row, "return_address");
            }
        }
    }

    private void place(String mark, JsonObject row, String address) {
        String digits = text(row, address).substring(2);
        String function = row.has("function") ? text(row, "function") : "";
        String line =
                "  %1s %16s %s"
                        .formatted(mark, "0".repeat(16 - digits.length()) + digits, function);
        out().println(line.stripTrailing());
    }

    private static String waits(JsonObject waits) {
        StringBuilder text = new StringBuilder("waits for ");
        if (waits.has("ports")) {
            text.append(ports(waits.getAsJsonArray("ports")));
        } else {
            boolean masked = waits.get("upcalls_masked").getAsBoolean();
            text.append(masked ? "an event, with upcalls masked" : "an event");
        }
        if (waits.has("nanoseconds_left")) {
            long nanos = waits.get("nanoseconds_left").getAsLong();
            text.append(
                    nanos == 0
                            ? ", and its timer is due"
                            : String.format(Locale.ROOT, ", for %.3f ms at most", nanos / MILLI));
        }
        if (waits.has("slack_nanoseconds")) {
            long slack = waits.get("slack_nanoseconds").getAsLong();
            text.append(
                    String.format(
                            Locale.ROOT, ", which may be %.3f ms late while idle", slack / MILLI));
        }
        return text.toString();
    }

    private static String ports(JsonArray ports) {
        List<String> names = new ArrayList<>();
        for (JsonElement port : ports) {
            JsonObject row = port.getAsJsonObject();
            names.add("port %s (%s)".formatted(text(row, "port"), text(row, "use")));
        }
        return names.isEmpty() ? "no port" : String.join(" or ", names);
    }
}

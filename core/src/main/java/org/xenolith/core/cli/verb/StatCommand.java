package org.xenolith.core.cli.verb;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;

import org.xenolith.core.control.ControlException;
import org.xenolith.core.control.ControlFolder;

import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

import java.io.IOException;
import java.util.Locale;
import java.util.Map;

/** {@code vmm stat GUEST}: what a guest has done so far. */
@Command(
        name = "stat",
        header = "Tells what a running guest has done so far.",
        description = {"", "Instructions, hypercalls by name, faults, memory, time.", ""})
final class StatCommand extends AnsweringVerb {
    /** Its members are names as Xen has them, where the others are words of ours. */
    private static final String NAMES = "hypercalls_by_name";

    @Parameters(paramLabel = "GUEST", description = "Name or id.")
    private String guest;

    StatCommand(ControlFolder folder) {
        super(folder);
    }

    @Override
    void perform(RunningHosts hosts) throws IOException, ControlException {
        JsonElement stat = hosts.find(guest).ask(RunningHosts.request("stat"));
        if (json) {
            out().println(stat);
        } else {
            print("", stat.getAsJsonObject(), false);
        }
    }

    private void print(String indent, JsonObject figures, boolean areNames) {
        for (Map.Entry<String, JsonElement> figure : figures.entrySet()) {
            String key = figure.getKey();
            String label = indent + (areNames ? key : key.replace('_', ' '));
            if (figure.getValue().isJsonObject()) {
                out().println(label);
                print(indent + "  ", figure.getValue().getAsJsonObject(), key.equals(NAMES));
            } else {
                out().printf(Locale.ROOT, "%-24s %s%n", label, text(figure.getValue()));
            }
        }
    }

    private static String text(JsonElement value) {
        boolean whole =
                value.getAsJsonPrimitive().isNumber() && value.getAsString().matches("-?\\d+");
        return whole ? String.format(Locale.ROOT, "%,d", value.getAsLong()) : value.getAsString();
    }
}

package org.xenolith.core.cli;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;

import org.xenolith.core.control.ControlException;
import org.xenolith.core.control.ControlFolder;

import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

import java.io.IOException;
import java.util.List;
import java.util.Locale;

/** {@code vmm list}: the columns of {@code xl list}. */
@Command(
        name = "list",
        aliases = "ls",
        header = "Lists running guests.",
        description = {
            "",
            "State is a letter each for running, blocked, paused, shut down, crashed and dying, or"
                    + " '-'.",
            ""
        })
final class ListCommand extends AnsweringVerb {
    private static final String HEADER =
            "Name                                        ID   Mem VCPUs\tState\tTime(s)";

    @Parameters(arity = "0..1", paramLabel = "GUEST", description = "Only this one.")
    private String guest;

    ListCommand(ControlFolder folder) {
        super(folder);
    }

    @Override
    void perform(RunningHosts hosts) throws IOException, ControlException {
        List<RunningHosts.Found> found =
                guest == null ? hosts.guests() : List.of(hosts.find(guest));
        if (json) {
            JsonArray all = new JsonArray();
            found.forEach(entry -> all.add(entry.guest()));
            out().println(all);
        } else {
            out().println(HEADER);
            found.forEach(entry -> line(entry.guest()));
        }
        if (guest == null) {
            hosts.requireAnswers();
        }
    }

    private void line(JsonObject guest) {
        out().printf(
                        Locale.ROOT,
                        "%-40s %5d %5d %5d     %s  %8.1f%n",
                        guest.get("name").getAsString(),
                        guest.get("id").getAsInt(),
                        guest.get("memory_kib").getAsLong() >> 10,
                        guest.get("vcpus").getAsInt(),
                        guest.get("state").getAsString(),
                        guest.get("cpu_seconds").getAsDouble());
    }
}

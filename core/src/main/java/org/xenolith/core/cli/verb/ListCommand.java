package org.xenolith.core.cli.verb;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;

import org.xenolith.core.control.ControlException;
import org.xenolith.core.control.ControlFolder;

import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

import java.io.IOException;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/** {@code vmm list}: the columns of {@code xl list}. */
@Command(
        name = "list",
        aliases = "ls",
        header = "Lists running guests.",
        description = {
            "",
            "State is a letter each for running, blocked, paused, shut down, crashed and dying, or"
                    + " '-'; 'waiting' is a guest that has ended and starts again in a while.",
            "",
            "Where several vmm processes have a guest of one name, it is listed as PID/NAME. All"
                    + " commands know guests by that, too.",
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
            Set<String> ambiguous = ambiguous(found);
            found.forEach(entry -> line(name(entry, ambiguous), entry.guest()));
        }
        if (guest == null) {
            hosts.requireAnswers();
        }
    }

    /** Names that two processes have. */
    private static Set<String> ambiguous(List<RunningHosts.Found> guests) {
        Set<String> once = new HashSet<>();
        Set<String> twice = new HashSet<>();
        for (RunningHosts.Found guest : guests) {
            if (!once.add(guest.name())) {
                twice.add(guest.name());
            }
        }
        return twice;
    }

    private static String name(RunningHosts.Found guest, Set<String> ambiguous) {
        return ambiguous.contains(guest.name())
                ? guest.client().pid() + "/" + guest.name()
                : guest.name();
    }

    private void line(String name, JsonObject guest) {
        out().printf(
                        Locale.ROOT,
                        "%-40s %5d %5d %5d     %-7s %8.1f%n",
                        name,
                        guest.get("id").getAsInt(),
                        guest.get("memory_kib").getAsLong() >> 10,
                        guest.get("vcpus").getAsInt(),
                        guest.get("state").getAsString(),
                        guest.get("cpu_seconds").getAsDouble());
    }
}

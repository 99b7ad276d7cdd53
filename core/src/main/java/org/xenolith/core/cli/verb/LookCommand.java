package org.xenolith.core.cli.verb;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;

import org.xenolith.core.control.ControlException;
import org.xenolith.core.control.ControlFolder;
import org.xenolith.core.machine.HostVerbs;

import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

import java.io.IOException;

/** {@code vmm events}, {@code vmm grants} and {@code vmm rings}: a table or two each. */
@Command
final class LookCommand extends WatchCommand {
    private final String verb;

    @Parameters(paramLabel = "GUEST", description = "Name or id.")
    private String guest;

    @Option(
            names = "--limit",
            paramLabel = "N",
            defaultValue = "256",
            description = "Rows of a table at most, up to 10000. Default: 256.")
    private int limit;

    private LookCommand(String verb, ControlFolder folder) {
        super(folder);
        this.verb = verb;
    }

    static CommandLine events(ControlFolder folder) {
        return command("events", "Shows a guest's event channels.", folder);
    }

    static CommandLine grants(ControlFolder folder) {
        return command("grants", "Shows what a guest has granted, and mapped of others.", folder);
    }

    static CommandLine rings(ControlFolder folder) {
        return command("rings", "Shows where both sides of a guest's rings are.", folder);
    }

    private static CommandLine command(String verb, String header, ControlFolder folder) {
        CommandLine command = new CommandLine(new LookCommand(verb, folder));
        command.getCommandSpec().name(verb).usageMessage().header(header);
        return command;
    }

    @Override
    void check() {
        requireFrom0("--limit", limit, HostVerbs.MAX_LIMIT);
    }

    @Override
    void perform(RunningHosts hosts) throws IOException, ControlException {
        JsonObject request = RunningHosts.request(verb);
        request.addProperty("limit", limit);
        JsonElement report = hosts.find(guest).ask(request);
        if (json) {
            out().println(report);
            return;
        }
        switch (verb) {
            case "events" -> showEvents(report.getAsJsonObject());
            case "grants" -> showGrants(report.getAsJsonObject());
            case "rings" ->
                    table(
                            report.getAsJsonArray(),
                            "Device           Ring       Unit    Size   Producer   Consumer Pending"
                                    + "  Responses",
                            "%-16s %-10s %-5s %6s %10s %10s %7s %10s",
                            "device",
                            "ring",
                            "unit",
                            "size",
                            "producer",
                            "consumer",
                            "pending",
                            "responses");
            default -> throw new IllegalStateException("no table shows " + verb);
        }
    }

    private void showEvents(JsonObject report) {
        table(
                report.getAsJsonArray("channels"),
                "Port Kind        vCPU Pending Masked Remote  Port VIRQ         Use",
                "%4s %-11s %4s %-7s %-6s %6s %5s %-12s %s",
                "port",
                "kind",
                "vcpu",
                "pending",
                "masked",
                "remote_domain",
                "remote_port",
                "virq",
                "use");
        table(
                report.getAsJsonArray("vcpus"),
                "vCPU State    Pending Masked    Upcalls",
                "%4s %-8s %-7s %-6s %10s",
                "vcpu",
                "state",
                "upcall_pending",
                "upcall_mask",
                "upcalls");
    }

    private void showGrants(JsonObject report) {
        table(
                report.getAsJsonArray("granted"),
                "  Ref    To MFN        Access Users Writers Permitted",
                "%5s %5s %-10s %-6s %5s %7s %s",
                "ref",
                "to",
                "mfn",
                "access",
                "users",
                "writers",
                "permitted");
        more(report, "granted");
        if (report.get("mapped_count").getAsInt() > 0) {
            table(
                    report.getAsJsonArray("mapped"),
                    "Handle  From   Ref MFN        Access",
                    "%6s %5s %5s %-10s %s",
                    "handle",
                    "from",
                    "ref",
                    "mfn",
                    "access");
            more(report, "mapped");
        }
    }

    private void more(JsonObject report, String list) {
        int hidden = report.get(list + "_count").getAsInt() - report.getAsJsonArray(list).size();
        if (hidden > 0) {
            out().println("... and " + hidden + " more");
        }
    }
}

package org.xenolith.core.cli.verb;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;

import org.xenolith.core.cli.value.VcpuCount;
import org.xenolith.core.control.ControlException;
import org.xenolith.core.control.ControlFolder;
import org.xenolith.core.machine.HostVerbs;

import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

import java.io.IOException;

/** {@code vmm pages GUEST}: page types, page tables, who maps a frame. */
@Command(
        name = "pages",
        header = "Shows what a guest's frames are used as, and its page tables.",
        description = {
            "",
            "Types are Xen's: a frame is a page table of a level, a page of descriptors, or"
                + " writable, and never two of these at once. Flags of entries are w writable, u"
                + " user, x executable, a accessed, d dirty, g global.",
            ""
        })
final class PagesCommand extends WatchCommand {
    @Parameters(paramLabel = "GUEST", description = "Name or id.")
    private String guest;

    @Option(names = "--vcpu", paramLabel = "N", description = "Whose tables. Default: 0.")
    private int vcpu;

    @Option(names = "--user", description = "The tables of its process, not of the kernel.")
    private boolean user;

    @Option(
            names = "--depth",
            paramLabel = "N",
            defaultValue = "1",
            description = "Levels to show below the root, up to 4. Default: 1.")
    private int depth;

    @Option(names = "--map", description = "Also which frames are used as what.")
    private boolean map;

    @Option(names = "--mfn", paramLabel = "MFN", description = "Only who maps this frame.")
    private String mfn;

    @Option(
            names = "--limit",
            paramLabel = "N",
            defaultValue = "256",
            description = "Entries to show at most, up to 10000. Default: 256.")
    private int limit;

    PagesCommand(ControlFolder folder) {
        super(folder);
    }

    @Override
    void check() {
        requireFrom0("--limit", limit, HostVerbs.MAX_LIMIT);
        requireFrom0("--depth", depth, HostVerbs.MAX_DEPTH);
        requireFrom0("--vcpu", vcpu, VcpuCount.MAXIMUM - 1);
        if (mfn != null) {
            try {
                Long.decode(mfn);
            } catch (NumberFormatException e) {
                throw usage("'" + mfn + "' is no frame number");
            }
        }
    }

    @Override
    void perform(RunningHosts hosts) throws IOException, ControlException {
        JsonObject request = RunningHosts.request("pages");
        request.addProperty("vcpu", vcpu);
        request.addProperty("user", user);
        request.addProperty("depth", depth);
        request.addProperty("map", map);
        request.addProperty("limit", limit);
        if (mfn != null) {
            request.addProperty("mfn", mfn);
        }
        JsonObject report = hosts.find(guest).ask(request).getAsJsonObject();
        if (json) {
            out().println(report);
        } else if (mfn != null) {
            showFrame(report);
        } else {
            show(report);
        }
    }

    private void showFrame(JsonObject report) {
        JsonArray frame = new JsonArray();
        frame.add(report.get("frame"));
        table(
                frame,
                "MFN        PFN        Type          Uses   Refs Pinned",
                "%-10s %-10s %-11s %6s %6s %s",
                "mfn",
                "pfn",
                "type",
                "uses",
                "references",
                "pinned");
        table(
                report.getAsJsonArray("mapped_by"),
                "Table      Level Slot Flags  Vaddr",
                "%-10s %5s %4s %-6s %s",
                "table",
                "level",
                "slot",
                "flags",
                "vaddr");
    }

    private void show(JsonObject report) {
        table(
                report.getAsJsonArray("types"),
                "Type            Frames       Uses     Pinned",
                "%-11s %10s %10s %10s",
                "type",
                "frames",
                "uses",
                "pinned");
        if (report.has("map")) {
            table(
                    report.getAsJsonArray("map"),
                    "MFN        PFN            Frames Type        Pinned",
                    "%-10s %-10s %10s %-11s %s",
                    "mfn",
                    "pfn",
                    "frames",
                    "type",
                    "pinned");
        }
        if (report.get("tree").isJsonNull()) {
            out().println("vCPU " + vcpu + " has no " + text(report, "mode") + " page tables now.");
            return;
        }
        JsonObject tree = report.getAsJsonObject("tree");
        out().println(
                        "CR3 of vCPU %d, %s: mfn %s, %s entries"
                                .formatted(
                                        vcpu,
                                        text(report, "mode"),
                                        text(tree, "mfn"),
                                        text(tree, "present")));
        show(tree.getAsJsonArray("entries"), "  ");
        if (!tree.get("complete").getAsBoolean()) {
            out().println("  ... more than --limit " + limit);
        }
    }

    private void show(JsonArray entries, String indent) {
        for (JsonElement element : entries) {
            JsonObject entry = element.getAsJsonObject();
            String what =
                    entry.has("level")
                            ? "L"
                                    + text(entry, "level")
                                    + ", "
                                    + text(entry, "present")
                                    + " entries"
                            : text(entry, "type");
            out().println(
                            "%s[%3s] %-18s %s mfn %s %s"
                                    .formatted(
                                            indent,
                                            text(entry, "slot"),
                                            text(entry, "vaddr"),
                                            text(entry, "flags"),
                                            text(entry, "mfn"),
                                            what));
            if (entry.has("entries")) {
                show(entry.getAsJsonArray("entries"), indent + "  ");
            }
        }
    }
}

package org.xenolith.core.cli.verb;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;

import org.xenolith.core.config.ConfigException;
import org.xenolith.core.config.GuestName;
import org.xenolith.core.control.ControlException;
import org.xenolith.core.control.ControlFolder;
import org.xenolith.devices.net.nat.PortForward;

import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** {@code vmm fork GUEST NAME}. */
@Command(
        name = "fork",
        header = "Makes a copy of a running guest, which goes on where the guest is.",
        description = {
            "",
            "The copy is a guest of the same vmm with a name, a hardware address and ports of its"
                    + " own. Both share memory until one writes to it. Processes in the copy are"
                    + " not told: it has the first guest's address and secrets until something in"
                    + " it asks anew (docs/fleet.md). 'vmm console NAME' is its console.",
            "",
            "What it writes to its disks is forgotten when it ends, and it ends when it reboots,"
                    + " unless --overlay names a file for each disk that it may write to. A guest"
                    + " that has a writable disk without an overlay cannot be copied.",
            ""
        },
        footer = {
            "",
            "Examples:",
            "  vmm fork web1 try1",
            "  vmm fork web1 web2 --overlay xvda=web2.qcow2 -p 8081:80"
        })
final class ForkCommand extends AnsweringVerb {
    @Parameters(index = "0", paramLabel = "GUEST", description = "Name or id.")
    private String guest;

    @Parameters(
            index = "1",
            paramLabel = "NAME",
            description = "Of the copy: letters, digits, - _ and ., not digits alone.")
    private String name;

    @Option(
            names = "--overlay",
            paramLabel = "DISK=FILE",
            description =
                    "Keeps what the copy has on a disk in a new qcow2 file over the same image.")
    private Map<String, Path> overlays = new LinkedHashMap<>();

    @Option(
            names = {"-p", "--publish"},
            paramLabel = "[ADDR:]PORT:PORT[/udp]",
            description = "A port of this host that leads to a port of the copy: 8081:80.")
    private List<String> forwards = List.of();

    ForkCommand(ControlFolder folder) {
        super(folder);
    }

    @Override
    void check() {
        try {
            GuestName.check(name);
            forwards.forEach(PortForward::parse);
        } catch (ConfigException | IllegalArgumentException e) {
            throw usage(e.getMessage());
        }
    }

    @Override
    void perform(RunningHosts hosts) throws IOException, ControlException {
        JsonObject request = RunningHosts.request("fork");
        request.addProperty("name", name);
        JsonObject files = new JsonObject();
        // Relative to where this command runs, not to where the guest does.
        overlays.forEach(
                (disk, file) ->
                        files.addProperty(disk, file.toAbsolutePath().normalize().toString()));
        request.add("overlays", files);
        JsonArray ports = new JsonArray();
        forwards.forEach(ports::add);
        request.add("forwards", ports);
        JsonElement copy = hosts.find(guest).ask(request);
        if (json) {
            out().println(copy);
        }
    }
}

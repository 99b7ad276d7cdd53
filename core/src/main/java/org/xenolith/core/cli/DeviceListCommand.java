package org.xenolith.core.cli;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;

import org.xenolith.core.control.ControlFolder;

import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

import java.io.IOException;
import java.util.List;
import java.util.Locale;

/** {@code vmm network-list} and {@code vmm block-list}: the columns of xl's. */
@Command
final class DeviceListCommand extends GuestVerb {
    private final String verb;

    @Parameters(arity = "1..*", paramLabel = "GUEST", description = "Name or id.")
    private List<String> guests;

    private DeviceListCommand(String verb, ControlFolder folder) {
        super(folder);
        this.verb = verb;
    }

    static CommandLine network(ControlFolder folder) {
        return command("network-list", "Lists a guest's network interfaces.", folder);
    }

    static CommandLine block(ControlFolder folder) {
        return command("block-list", "Lists a guest's disks.", folder);
    }

    private static CommandLine command(String verb, String header, ControlFolder folder) {
        CommandLine command = new CommandLine(new DeviceListCommand(verb, folder));
        command.getCommandSpec().name(verb).usageMessage().header(header);
        return command;
    }

    @Override
    void perform(RunningHosts hosts) throws IOException {
        if (!json) {
            out().println(isNetwork() ? networkHeader() : blockHeader());
        }
        forEach(guests, hosts, guest -> show(guest.ask(RunningHosts.request(verb))));
    }

    private boolean isNetwork() {
        return verb.equals("network-list");
    }

    private void show(JsonElement devices) {
        if (json) {
            out().println(devices);
            return;
        }
        int index = 0;
        for (JsonElement device : devices.getAsJsonArray()) {
            JsonObject keys = device.getAsJsonObject();
            out().println(isNetwork() ? networkLine(index++, keys) : blockLine(keys));
        }
    }

    private static String networkHeader() {
        return String.format(
                Locale.ROOT,
                "%-3s %-2s %-17s %-6s %-5s %-6s %5s/%-5s %-30s",
                "Idx",
                "BE",
                "Mac Addr.",
                "handle",
                "state",
                "evt-ch",
                "tx-",
                "rx-ring-ref",
                "BE-path");
    }

    private static String networkLine(int index, JsonObject device) {
        return String.format(
                Locale.ROOT,
                "%-3d %-2s %-17s %6s %5s %6s %5s/%-11s %-30s",
                index,
                text(device, "backend_id"),
                text(device, "mac"),
                text(device, "handle"),
                text(device, "state"),
                text(device, "event-channel"),
                text(device, "tx-ring-ref"),
                text(device, "rx-ring-ref"),
                text(device, "backend_path"));
    }

    private static String blockHeader() {
        return String.format(
                Locale.ROOT,
                "%-5s %-3s %-6s %-5s %-6s %-8s %-30s",
                "Vdev",
                "BE",
                "handle",
                "state",
                "evt-ch",
                "ring-ref",
                "BE-path");
    }

    private static String blockLine(JsonObject device) {
        return String.format(
                Locale.ROOT,
                "%-5s %-3s %-6s %-5s %-6s %-8s %-30s",
                text(device, "id"),
                text(device, "backend_id"),
                "0",
                text(device, "state"),
                text(device, "event-channel"),
                text(device, "ring-ref"),
                text(device, "backend_path"));
    }

    private static String text(JsonObject device, String key) {
        return device.has(key) ? device.get(key).getAsString() : "-1";
    }
}

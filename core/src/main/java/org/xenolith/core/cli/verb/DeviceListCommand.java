package org.xenolith.core.cli.verb;

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
final class DeviceListCommand extends AnsweringVerb {
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
        for (JsonElement element : devices.getAsJsonArray()) {
            JsonObject device = element.getAsJsonObject();
            List<JsonObject> queues = queues(device);
            JsonObject first = queues.getFirst();
            out().println(
                            isNetwork()
                                    ? networkLine(index++, device, first)
                                    : blockLine(device, first));
            for (JsonObject queue : queues.subList(1, queues.size())) {
                out().println(isNetwork() ? networkQueue(queue) : blockQueue(queue));
            }
        }
    }

    /** Where the rings are told: each of several queues, or the device itself. */
    private static List<JsonObject> queues(JsonObject device) {
        if (!device.has("queues")) {
            return List.of(device);
        }
        return device.getAsJsonArray("queues").asList().stream()
                .map(JsonElement::getAsJsonObject)
                .toList();
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

    private static String networkLine(int index, JsonObject device, JsonObject queue) {
        return networkLine(
                "" + index,
                text(device, "backend_id"),
                text(device, "mac"),
                text(device, "handle"),
                text(device, "state"),
                queue,
                text(device, "backend_path"));
    }

    /** A further queue of the interface above. */
    private static String networkQueue(JsonObject queue) {
        return networkLine("", "", "", "", "", queue, "").stripTrailing();
    }

    private static String networkLine(
            String index,
            String backendId,
            String mac,
            String handle,
            String state,
            JsonObject queue,
            String backendPath) {
        return String.format(
                Locale.ROOT,
                "%-3s %-2s %-17s %6s %5s %6s %5s/%-11s %-30s",
                index,
                backendId,
                mac,
                handle,
                state,
                channels(queue),
                text(queue, "tx-ring-ref"),
                text(queue, "rx-ring-ref"),
                backendPath);
    }

    /** Two, where the directions have one each. */
    private static String channels(JsonObject queue) {
        return queue.has("event-channel-tx")
                ? text(queue, "event-channel-tx") + "/" + text(queue, "event-channel-rx")
                : text(queue, "event-channel");
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

    private static String blockLine(JsonObject device, JsonObject queue) {
        return blockLine(
                text(device, "id"),
                text(device, "backend_id"),
                "0",
                text(device, "state"),
                queue,
                text(device, "backend_path"));
    }

    /** A further queue of the disk above. */
    private static String blockQueue(JsonObject queue) {
        return blockLine("", "", "", "", queue, "").stripTrailing();
    }

    private static String blockLine(
            String id,
            String backendId,
            String handle,
            String state,
            JsonObject queue,
            String backendPath) {
        return String.format(
                Locale.ROOT,
                "%-5s %-3s %-6s %-5s %-6s %-8s %-30s",
                id,
                backendId,
                handle,
                state,
                text(queue, "event-channel"),
                text(queue, "ring-ref"),
                backendPath);
    }

    private static String text(JsonObject device, String key) {
        return device.has(key) ? device.get(key).getAsString() : "-1";
    }
}

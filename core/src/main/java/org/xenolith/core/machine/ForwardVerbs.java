package org.xenolith.core.machine;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;

import org.xenolith.core.control.ControlException;
import org.xenolith.devices.net.nat.ListeningPort;
import org.xenolith.devices.net.nat.PortForward;

import java.io.IOException;
import java.util.List;
import java.util.Locale;

/** Ports of the host that lead to a guest, given and taken back while it runs. */
final class ForwardVerbs {
    static final List<String> NAMES = List.of("forward-add", "forward-remove", "forward-list");

    private ForwardVerbs() {}

    static JsonElement perform(Host host, Guest guest, String verb, JsonObject arguments)
            throws ControlException {
        HostNetwork network = host.network();
        try {
            return switch (verb) {
                case "forward-add" -> {
                    if (guest.domain().hasEnded()) {
                        throw new ControlException("The guest '" + guest.name() + "' has ended.");
                    }
                    PortForward asked = PortForward.parse(text(arguments, verb, "forward"));
                    yield describe(network.forward(asked, guest.name()));
                }
                case "forward-remove" -> {
                    ListeningPort port = ListeningPort.parse(text(arguments, verb, "port"));
                    network.takeBack(port, guest.name());
                    yield JsonNull.INSTANCE;
                }
                case "forward-list" -> list(network.forwardsTo(guest.name()));
                default -> throw new IllegalStateException("no verb of ports is called " + verb);
            };
        } catch (IOException | IllegalArgumentException e) {
            throw new ControlException(e.getMessage() + ".");
        }
    }

    private static String text(JsonObject arguments, String verb, String member)
            throws ControlException {
        if (arguments.get(member) instanceof JsonPrimitive text) {
            return text.getAsString();
        }
        throw new ControlException("%s needs a '%s'.".formatted(verb, member));
    }

    private static JsonArray list(List<PortForward> forwards) {
        JsonArray list = new JsonArray();
        forwards.forEach(forward -> list.add(describe(forward)));
        return list;
    }

    private static JsonObject describe(PortForward forward) {
        JsonObject description = new JsonObject();
        description.addProperty("protocol", forward.protocol().name().toLowerCase(Locale.ROOT));
        description.addProperty("host_address", forward.hostAddress());
        description.addProperty("host_port", forward.hostPort());
        description.addProperty("guest_port", forward.guestPort());
        return description;
    }
}

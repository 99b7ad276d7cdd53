package org.xenolith.core.cli;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;

import org.xenolith.core.control.ControlClient;
import org.xenolith.core.control.ControlException;
import org.xenolith.core.control.ControlFolder;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/**
 * All running processes of this user, as the verbs ask them. A guest is named by its name or id, or
 * by {@code PID/NAME} where two processes have one of that name.
 */
final class RunningHosts implements AutoCloseable {
    private final List<ControlClient> clients;

    private RunningHosts(List<ControlClient> clients) {
        this.clients = clients;
    }

    static RunningHosts connect(ControlFolder folder) throws IOException {
        return new RunningHosts(ControlClient.connectToAll(folder));
    }

    /** What a verb found: the process that has the guest, and the guest's description. */
    record Found(ControlClient client, JsonObject guest) {
        String name() {
            return guest.get("name").getAsString();
        }

        /** Asks for a verb on the guest. */
        JsonElement ask(JsonObject request) throws IOException, ControlException {
            request.add("guest", guest.get("id"));
            return client.ask(request);
        }
    }

    static JsonObject request(String verb) {
        JsonObject request = new JsonObject();
        request.addProperty("verb", verb);
        return request;
    }

    /** Every guest, each with the process it runs in. */
    List<Found> guests() throws IOException, ControlException {
        List<Found> guests = new ArrayList<>();
        for (ControlClient client : clients) {
            JsonArray list = client.ask(request("list")).getAsJsonArray();
            for (JsonElement guest : list) {
                guest.getAsJsonObject().addProperty("pid", client.pid());
                guests.add(new Found(client, guest.getAsJsonObject()));
            }
        }
        return guests;
    }

    /**
     * The process with a guest, or the only one there is.
     *
     * @param guest name or id; null for none
     * @throws ControlException when there is none, or it is not clear which
     */
    ControlClient only(String guest) throws IOException, ControlException {
        if (guest != null) {
            return find(guest).client();
        }
        if (clients.size() == 1) {
            return clients.getFirst();
        }
        throw new ControlException(
                clients.isEmpty()
                        ? "No vmm of yours runs."
                        : "Several vmm processes run: name a guest of one with -g.");
    }

    /**
     * The one guest that the user means.
     *
     * @throws ControlException when there is none or more than one
     */
    Found find(String named) throws IOException, ControlException {
        List<Found> all = guests();
        List<Found> matches = all.stream().filter(found -> matches(found, named)).toList();
        if (matches.size() == 1) {
            return matches.getFirst();
        }
        if (!matches.isEmpty()) {
            List<String> choices =
                    matches.stream().map(found -> found.client.pid() + "/" + named).toList();
            throw new ControlException(
                    "Several guests are called '%s': say %s."
                            .formatted(named, String.join(" or ", choices)));
        }
        if (all.isEmpty()) {
            throw new ControlException(
                    "No guest is called '" + named + "': no vmm of yours runs any.");
        }
        throw new ControlException(
                "No guest is called '%s'; running are: %s."
                        .formatted(
                                named, String.join(", ", all.stream().map(Found::name).toList())));
    }

    private static boolean matches(Found found, String named) {
        String prefix = found.client.pid() + "/";
        String rest = named.startsWith(prefix) ? named.substring(prefix.length()) : named;
        return rest.equals(found.name()) || rest.equals(found.guest.get("id").getAsString());
    }

    @Override
    public void close() throws IOException {
        for (ControlClient client : clients) {
            client.close();
        }
    }
}

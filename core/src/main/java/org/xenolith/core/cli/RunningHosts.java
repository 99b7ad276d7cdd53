package org.xenolith.core.cli;

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

    /** Those that are there and do not answer; nobody asks them twice. */
    private final List<ControlClient.Silent> silent;

    private RunningHosts(List<ControlClient> clients, List<ControlClient.Silent> silent) {
        this.clients = clients;
        this.silent = silent;
    }

    static RunningHosts connect(ControlFolder folder) throws IOException {
        List<ControlClient.Silent> silent = new ArrayList<>();
        return new RunningHosts(ControlClient.connectToAll(folder, silent), silent);
    }

    /** What a verb found: the process that has the guest, and the guest's description. */
    record Found(ControlClient client, JsonObject guest) {
        String name() {
            return guest.get("name").getAsString();
        }

        /** Asks for a verb on the guest. */
        JsonElement ask(JsonObject request) throws IOException, ControlException {
            request.add("guest", guest.get("id"));
            try {
                return client.ask(request);
            } catch (ControlException refused) {
                throw isUnknown(request, refused) ? otherVersion(request) : refused;
            }
        }

        /** As every version says it. */
        private static boolean isUnknown(JsonObject request, ControlException refused) {
            String verb = request.get("verb").getAsString();
            return refused.getMessage().equals("There is no verb '" + verb + "'.");
        }

        private ControlException otherVersion(JsonObject request) {
            return new ControlException(
                    "vmm process %d, which runs %s, is of another version and knows no '%s'."
                            .formatted(client.pid(), name(), request.get("verb").getAsString()));
        }
    }

    static JsonObject request(String verb) {
        JsonObject request = new JsonObject();
        request.addProperty("verb", verb);
        return request;
    }

    /** Every guest of those processes that answer, each with the process it runs in. */
    List<Found> guests() throws IOException, ControlException {
        List<Found> guests = new ArrayList<>();
        for (ControlClient client : List.copyOf(clients)) {
            try {
                guests.addAll(guests(client));
            } catch (ControlClient.Silent e) {
                clients.remove(client);
                silent.add(e);
            }
        }
        return guests;
    }

    private static List<Found> guests(ControlClient client) throws IOException, ControlException {
        List<Found> guests = new ArrayList<>();
        for (JsonElement guest : client.ask(request("list")).getAsJsonArray()) {
            guest.getAsJsonObject().addProperty("pid", client.pid());
            guests.add(new Found(client, guest.getAsJsonObject()));
        }
        return guests;
    }

    /**
     * @throws ControlException that names a process which did not answer, if there is one
     */
    void requireAnswers() throws ControlException {
        if (!silent.isEmpty()) {
            throw new ControlException(silences());
        }
    }

    /** A sentence, or nothing. */
    private String silences() {
        List<String> each = silent.stream().map(IOException::getMessage).toList();
        return each.isEmpty() ? "" : String.join("; ", each) + ".";
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
                        ? silent.isEmpty() ? "No vmm of yours runs." : silences()
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
            String why = silent.isEmpty() ? "no vmm of yours runs any." : silences();
            throw new ControlException("No guest is called '" + named + "': " + why);
        }
        String names = String.join(", ", all.stream().map(Found::name).toList());
        throw new ControlException(
                "No guest is called '%s'; running are: %s. %s"
                        .formatted(named, names, silences())
                        .strip());
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

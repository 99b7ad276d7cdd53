package org.xenolith.core.cli.verb;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;

import org.xenolith.core.control.ControlClient;
import org.xenolith.core.control.ControlException;
import org.xenolith.core.control.ControlFolder;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/**
 * All running processes of this user, as the verbs ask them: all at the same time. A guest is named
 * by its name or id, or by {@code PID/NAME} where two processes have one of that name.
 */
final class RunningHosts implements AutoCloseable {
    /**
     * How long to wait for other processes that may have a guest of the same name, when one has
     * said that it has it. One that runs answers in milliseconds; one that was stopped never does.
     */
    private static final long NAMESAKES_MILLIS = 500;

    private final List<RunningHost> hosts;

    /** Those that are there and do not answer; nobody asks them twice. */
    private final List<ControlClient.Silent> silent = new ArrayList<>();

    private RunningHosts(List<RunningHost> hosts) {
        this.hosts = hosts;
    }

    static RunningHosts connect(ControlFolder folder) throws IOException {
        List<RunningHost> hosts = new ArrayList<>();
        ControlClient.connecting(folder)
                .forEach((pid, connecting) -> hosts.add(new RunningHost(pid, connecting)));
        return new RunningHosts(hosts);
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
        hosts.forEach(RunningHost::list);
        return listed();
    }

    /** Of the processes that were asked; waits for all of them. */
    private List<Found> listed() throws IOException, ControlException {
        List<Found> guests = new ArrayList<>();
        for (RunningHost host : List.copyOf(hosts)) {
            try {
                guests.addAll(host.listed());
            } catch (ControlClient.Silent e) {
                hosts.remove(host);
                silent.add(e);
            }
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
        List<ControlClient> clients = new ArrayList<>();
        for (RunningHost host : List.copyOf(hosts)) {
            try {
                host.client().ifPresent(clients::add);
            } catch (ControlClient.Silent e) {
                hosts.remove(host);
                silent.add(e);
            }
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
        List<Found> matches = soonMatching(named);
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
        List<Found> all = listed();
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

    /** Does not wait for processes that say nothing, once one has said that it has the guest. */
    private List<Found> soonMatching(String named) {
        CompletableFuture<Boolean> first = new CompletableFuture<>();
        List<CompletableFuture<Void>> each = new ArrayList<>();
        for (RunningHost host : hosts) {
            each.add(
                    host.list()
                            .handle(
                                    (guests, failure) -> {
                                        if (guests != null
                                                && guests.stream()
                                                        .anyMatch(found -> matches(found, named))) {
                                            first.complete(named.startsWith(host.pid() + "/"));
                                        }
                                        return null;
                                    }));
        }
        CompletableFuture<Void> all =
                CompletableFuture.allOf(each.toArray(CompletableFuture[]::new));
        CompletableFuture.anyOf(all, first).join();
        if (first.isDone() && !first.join()) {
            all.completeOnTimeout(null, NAMESAKES_MILLIS, TimeUnit.MILLISECONDS).join();
        }
        return hosts.stream()
                .flatMap(RunningHost::listedSoFar)
                .filter(found -> matches(found, named))
                .toList();
    }

    private static boolean matches(Found found, String named) {
        String prefix = found.client.pid() + "/";
        String rest = named.startsWith(prefix) ? named.substring(prefix.length()) : named;
        return rest.equals(found.name()) || rest.equals(found.guest.get("id").getAsString());
    }

    @Override
    public void close() {
        hosts.forEach(RunningHost::close);
    }
}

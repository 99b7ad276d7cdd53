package org.xenolith.core.cli.verb;

import com.google.gson.JsonElement;

import org.xenolith.core.control.ControlClient;
import org.xenolith.core.control.ControlException;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Future;
import java.util.stream.Stream;

/** One running process, or one that has just died, with what it has been asked. */
final class RunningHost {
    private final long pid;

    /** Empty for a process that is dead. */
    private final CompletableFuture<Optional<ControlClient>> connecting;

    private CompletableFuture<List<RunningHosts.Found>> listing; // null before it was asked

    RunningHost(long pid, CompletableFuture<Optional<ControlClient>> connecting) {
        this.pid = pid;
        this.connecting = connecting;
    }

    long pid() {
        return pid;
    }

    /** Waits until the process has let us in. */
    Optional<ControlClient> client() throws IOException, ControlException {
        return outcome(connecting);
    }

    /** Asks for its guests anew, unless it has not answered yet. */
    CompletableFuture<List<RunningHosts.Found>> list() {
        if (listing == null || listing.isDone()) {
            listing = connecting.thenCompose(RunningHost::ask);
        }
        return listing;
    }

    private static CompletableFuture<List<RunningHosts.Found>> ask(Optional<ControlClient> client) {
        return client.map(
                        alive ->
                                alive.asking(RunningHosts.request("list"))
                                        .thenApply(answer -> guests(alive, answer)))
                .orElseGet(() -> CompletableFuture.completedFuture(List.of()));
    }

    private static List<RunningHosts.Found> guests(ControlClient client, JsonElement answer) {
        List<RunningHosts.Found> guests = new ArrayList<>();
        for (JsonElement guest : answer.getAsJsonArray()) {
            guest.getAsJsonObject().addProperty("pid", client.pid());
            guests.add(new RunningHosts.Found(client, guest.getAsJsonObject()));
        }
        return guests;
    }

    /**
     * The guests that it has told of last; waits for them.
     *
     * @throws ControlClient.Silent when it does not answer
     */
    List<RunningHosts.Found> listed() throws IOException, ControlException {
        return outcome(listing);
    }

    /** The same without waiting: none when it has not answered. */
    Stream<RunningHosts.Found> listedSoFar() {
        return listing.state() == Future.State.SUCCESS
                ? listing.resultNow().stream()
                : Stream.empty();
    }

    private static <T> T outcome(CompletableFuture<T> future) throws IOException, ControlException {
        try {
            return future.join();
        } catch (CompletionException e) {
            switch (e.getCause()) {
                case IOException failure -> throw failure;
                case ControlException refusal -> throw refusal;
                default -> throw e;
            }
        }
    }

    /** Whoever still waits for an answer hears of the end. */
    void close() {
        connecting.thenAccept(client -> client.ifPresent(RunningHost::close));
    }

    private static void close(ControlClient client) {
        try {
            client.close();
        } catch (IOException gone) {
            // Closed is closed.
        }
    }
}

package org.xenolith.core.control;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.ConnectException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;

/** A connection to the control socket of a running process. */
public final class ControlClient implements AutoCloseable {
    /** How long a process may take to let us in, and then to answer for the first time. */
    static final Duration PATIENCE = Duration.ofSeconds(5);

    private final long pid;
    private final SocketChannel channel;
    private final InputStream in;
    private final OutputStream out;

    /** Whether it has answered before: what it takes its time for then, a save perhaps, it does. */
    private boolean isAlive;

    private ControlClient(long pid, SocketChannel channel) {
        this.pid = pid;
        this.channel = channel;
        this.in = new BufferedInputStream(Channels.newInputStream(channel));
        this.out = Channels.newOutputStream(channel);
    }

    /** A process listens and says nothing: it was stopped, or hangs. */
    public static final class Silent extends IOException {
        private static final long serialVersionUID = 1L;

        Silent(long pid) {
            super("vmm process " + pid + " does not answer");
        }
    }

    /**
     * Connects to every running process of this user. Sockets that dead ones have left are removed.
     *
     * @throws IOException with the reason of one that does not let us in
     */
    public static List<ControlClient> connectToAll(ControlFolder folder) throws IOException {
        List<ControlClient> clients = new ArrayList<>();
        for (CompletableFuture<Optional<ControlClient>> each : connecting(folder).values()) {
            try {
                each.join().ifPresent(clients::add);
            } catch (CompletionException e) {
                throw new IOException(e.getCause().getMessage(), e.getCause());
            }
        }
        return clients;
    }

    /**
     * The same without waiting: one that does not let us in keeps nobody from the others.
     *
     * @return by number of the process, in their order: empty if it is dead, or {@link Silent}
     */
    public static SortedMap<Long, CompletableFuture<Optional<ControlClient>>> connecting(
            ControlFolder folder) throws IOException {
        SortedMap<Long, CompletableFuture<Optional<ControlClient>>> all = new TreeMap<>();
        for (long pid : folder.pids()) {
            all.put(pid, aside(() -> connect(folder, pid)));
        }
        return all;
    }

    /** On a thread of its own, for sockets make whoever uses them wait. */
    private static <T> CompletableFuture<T> aside(Callable<T> task) {
        CompletableFuture<T> outcome = new CompletableFuture<>();
        Thread.ofVirtual()
                .name("control-client")
                .start(
                        () -> {
                            try {
                                outcome.complete(task.call());
                            } catch (Exception e) {
                                outcome.completeExceptionally(e);
                            }
                        });
        return outcome;
    }

    /** Empty when the process is dead; its socket is removed then. */
    private static Optional<ControlClient> connect(ControlFolder folder, long pid)
            throws IOException {
        Path path = folder.socketOf(pid);
        SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX);
        // A process that has accepted nobody for long lets nobody in any more.
        try (Deadline deadline = new Deadline(channel, PATIENCE)) {
            try {
                channel.connect(UnixDomainSocketAddress.of(path));
                return Optional.of(new ControlClient(pid, channel));
            } catch (IOException e) {
                channel.close();
                if (deadline.hasPassed()) {
                    throw new Silent(pid);
                }
                if (e instanceof ConnectException || !Files.exists(path)) {
                    Files.deleteIfExists(path);
                    return Optional.empty();
                }
                throw e;
            }
        }
    }

    /** Number of the process that answers. */
    public long pid() {
        return pid;
    }

    /**
     * Asks and waits for the answer: as long as it takes, but for the first answer of a process,
     * which has to come soon.
     *
     * @param request with its {@code verb}
     * @throws ControlException with the sentence of the other side when it refuses
     * @throws Silent when no first answer comes; the connection is closed then
     */
    public JsonElement ask(JsonObject request) throws IOException, ControlException {
        JsonObject answer = isAlive ? answerTo(request) : firstAnswerTo(request);
        if (answer.has("error")) {
            throw new ControlException(answer.get("error").getAsString());
        }
        return answer.get("result");
    }

    /** Asks without waiting; nothing else may be asked before the answer is there. */
    public CompletableFuture<JsonElement> asking(JsonObject request) {
        return aside(() -> ask(request));
    }

    private JsonObject firstAnswerTo(JsonObject request) throws IOException {
        try (Deadline deadline = new Deadline(channel, PATIENCE)) {
            try {
                JsonObject answer = answerTo(request);
                isAlive = true;
                return answer;
            } catch (IOException e) {
                throw deadline.hasPassed() ? new Silent(pid) : e;
            }
        }
    }

    private JsonObject answerTo(JsonObject request) throws IOException {
        try {
            out.write((request + "\n").getBytes(StandardCharsets.UTF_8));
            out.flush();
        } catch (IOException e) {
            throw new IOException("vmm process " + pid + " ended before it could be asked", e);
        }
        return JsonParser.parseString(readLine()).getAsJsonObject();
    }

    private String readLine() throws IOException {
        ByteArrayOutputStream line = new ByteArrayOutputStream();
        for (int b = in.read(); b != '\n'; b = in.read()) {
            if (b < 0) {
                throw new IOException("vmm process " + pid + " ended while it was asked");
            }
            line.write(b);
        }
        return line.toString(StandardCharsets.UTF_8);
    }

    /** After the verb trace: no more of it is wanted; what is under way still comes. */
    public void endInput() throws IOException {
        channel.shutdownOutput();
    }

    /** After the verbs console and trace: what the guest prints, or does. */
    public InputStream output() {
        return in;
    }

    /** After the verb console: what is typed. */
    public OutputStream input() {
        return out;
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}

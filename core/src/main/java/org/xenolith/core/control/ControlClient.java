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
import java.net.UnixDomainSocketAddress;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** A connection to the control socket of a running process. */
public final class ControlClient implements AutoCloseable {
    private final long pid;
    private final SocketChannel channel;
    private final InputStream in;
    private final OutputStream out;

    private ControlClient(long pid, SocketChannel channel) {
        this.pid = pid;
        this.channel = channel;
        this.in = new BufferedInputStream(Channels.newInputStream(channel));
        this.out = Channels.newOutputStream(channel);
    }

    /**
     * Connects to every running process of this user. Sockets that dead ones have left are removed.
     */
    public static List<ControlClient> connectToAll(ControlFolder folder) throws IOException {
        List<ControlClient> clients = new ArrayList<>();
        for (long pid : folder.pids()) {
            connect(folder, pid).ifPresent(clients::add);
        }
        return clients;
    }

    /** Empty when the process is dead; its socket is removed then. */
    private static Optional<ControlClient> connect(ControlFolder folder, long pid)
            throws IOException {
        Path path = folder.socketOf(pid);
        try {
            return Optional.of(
                    new ControlClient(pid, SocketChannel.open(UnixDomainSocketAddress.of(path))));
        } catch (ConnectException | NoSuchFileException dead) {
            Files.deleteIfExists(path);
            return Optional.empty();
        }
    }

    /** Number of the process that answers. */
    public long pid() {
        return pid;
    }

    /**
     * Asks and waits for the answer.
     *
     * @param request with its {@code verb}
     * @throws ControlException with the sentence of the other side when it refuses
     */
    public JsonElement ask(JsonObject request) throws IOException, ControlException {
        out.write((request + "\n").getBytes(StandardCharsets.UTF_8));
        out.flush();
        JsonObject answer = JsonParser.parseString(readLine()).getAsJsonObject();
        if (answer.has("error")) {
            throw new ControlException(answer.get("error").getAsString());
        }
        return answer.get("result");
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

    /** After the verb console: what the guest prints. */
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

package org.xenolith.core.control;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.Channels;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;

/**
 * Answers on this process's control socket: one JSON object a line, {@code {"verb": ..., ...}},
 * gets one line back, {@code {"result": ...}} or {@code {"error": "a sentence"}}. After the verb
 * {@code console} the connection carries the console's bytes both ways instead, after {@code trace}
 * what a guest does.
 */
public final class ControlServer implements AutoCloseable {
    /** A longer request is no request of ours. */
    private static final int MAX_REQUEST_BYTES = 64 << 10;

    private static final int MAX_CONNECTIONS = 64;

    /** For answers when the process is about to end, perhaps because of what was asked. */
    private static final int LAST_ANSWERS_SECONDS = 2;

    /** How long to wait when no connection can be accepted. */
    private static final long RETRY_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

    private final Path path;
    private final ServerSocketChannel server;
    private final Verbs verbs;
    private final Set<SocketChannel> connections = ConcurrentHashMap.newKeySet();

    private final Set<Verbs.Trace> traces = ConcurrentHashMap.newKeySet();

    /** Its read lock is held from a request to its answer, and while a trace is written. */
    private final ReadWriteLock answering = new ReentrantReadWriteLock();

    private ControlServer(Path path, ServerSocketChannel server, Verbs verbs) {
        this.path = path;
        this.server = server;
        this.verbs = verbs;
    }

    /** Listens in the folder under this process's number. */
    public static ControlServer start(ControlFolder folder, Verbs verbs) throws IOException {
        return start(folder, ServerSocketChannel.open(StandardProtocolFamily.UNIX), verbs);
    }

    /** A socket has its name before it listens, and who finds it then takes it for a dead one's. */
    static ControlServer start(ControlFolder folder, ServerSocketChannel channel, Verbs verbs)
            throws IOException {
        folder.prepare();
        folder.removeUnfinished();
        long pid = ProcessHandle.current().pid();
        Path path = folder.socketOf(pid);
        Path unfinished = folder.unfinishedSocketOf(pid);
        Files.deleteIfExists(unfinished); // left by an earlier process of the same number
        channel.bind(UnixDomainSocketAddress.of(unfinished));
        Files.setPosixFilePermissions(unfinished, PosixFilePermissions.fromString("rw-------"));
        path.toFile().deleteOnExit();
        Files.move(unfinished, path, StandardCopyOption.ATOMIC_MOVE);
        return start(path, channel, verbs);
    }

    static ControlServer start(Path path, ServerSocketChannel channel, Verbs verbs) {
        ControlServer started = new ControlServer(path, channel, verbs);
        Thread.ofPlatform().daemon().name("control").start(started::accept);
        return started;
    }

    private void accept() {
        while (server.isOpen()) {
            try {
                SocketChannel connection = server.accept();
                if (connections.size() >= MAX_CONNECTIONS) {
                    refuse(connection);
                    continue;
                }
                connections.add(connection);
                Thread.ofVirtual().name("control-connection").start(() -> serve(connection));
            } catch (IOException e) {
                // Closed; or out of files, of which guests' connections may take many for a while.
                LockSupport.parkNanos(RETRY_NANOS);
            }
        }
    }

    /** A sentence fits into the socket's buffer: nobody waits. */
    private static void refuse(SocketChannel connection) {
        String most = "%d connections are open already.".formatted(MAX_CONNECTIONS);
        try (connection) {
            send(Channels.newOutputStream(connection), refusal(new ControlException(most)));
        } catch (IOException gone) {
            // Whoever asked has left.
        }
    }

    private void serve(SocketChannel connection) {
        try (connection) {
            InputStream in = new BufferedInputStream(Channels.newInputStream(connection));
            OutputStream out = Channels.newOutputStream(connection);
            try {
                String line = readLine(in);
                while (line != null && answer(line, in, out)) {
                    line = readLine(in);
                }
            } catch (ControlException tooLong) {
                send(out, refusal(tooLong));
            }
        } catch (IOException gone) {
            // Whoever asked has left.
        } finally {
            connections.remove(connection);
        }
    }

    /** Returns false when the connection has become a console or a trace and is used up. */
    private boolean answer(String line, InputStream in, OutputStream out) throws IOException {
        try {
            JsonObject request = parse(line);
            String verb = text(request, "verb");
            if (verb.equals("console")) {
                console(text(request, "guest"), in, out);
                return false;
            }
            if (verb.equals("trace")) {
                trace(request, in, out);
                return false;
            }
            perform(verb, request, out);
        } catch (ControlException refused) {
            send(out, refusal(refused));
        }
        return true;
    }

    private void perform(String verb, JsonObject request, OutputStream out) throws IOException {
        answering.readLock().lock();
        try {
            send(out, answerTo(verb, request));
        } finally {
            answering.readLock().unlock();
        }
    }

    private JsonObject answerTo(String verb, JsonObject request) {
        try {
            JsonObject answer = new JsonObject();
            answer.add("result", verbs.perform(verb, request));
            return answer;
        } catch (ControlException refused) {
            return refusal(refused);
        }
    }

    private static JsonObject refusal(ControlException refused) {
        JsonObject answer = new JsonObject();
        answer.addProperty("error", refused.getMessage());
        return answer;
    }

    private void console(String guest, InputStream in, OutputStream out)
            throws ControlException, IOException {
        ConsoleStream stream = new ConsoleStream(in, out);
        try (Verbs.Attachment attachment = verbs.attach(guest, stream, stream::close)) {
            JsonObject answer = new JsonObject();
            answer.addProperty("result", guest);
            send(out, answer);
            stream.pump(attachment.keys());
        }
    }

    private void trace(JsonObject request, InputStream in, OutputStream out)
            throws ControlException, IOException {
        try (Verbs.Trace trace = verbs.trace(request)) {
            JsonObject answer = new JsonObject();
            answer.add("result", request.get("guest"));
            send(out, answer);
            Thread.ofVirtual().name("control-trace").start(() -> stopAtTheEnd(trace, in));
            pump(trace, out);
        }
    }

    private void pump(Verbs.Trace trace, OutputStream out) throws IOException {
        answering.readLock().lock();
        traces.add(trace);
        try {
            if (!server.isOpen()) {
                trace.stop(true);
            }
            trace.pump(out);
        } finally {
            traces.remove(trace);
            answering.readLock().unlock();
        }
    }

    /** A reader who has had enough, or died, ends what he would have sent. */
    private static void stopAtTheEnd(Verbs.Trace trace, InputStream in) {
        try {
            in.transferTo(OutputStream.nullOutputStream());
        } catch (IOException gone) {
            // The same as the end of the stream.
        }
        trace.stop(false);
    }

    private static JsonObject parse(String line) throws ControlException {
        try {
            JsonElement element = JsonParser.parseString(line);
            if (element.isJsonObject()) {
                return element.getAsJsonObject();
            }
        } catch (JsonParseException notJson) {
            // Said below.
        }
        throw new ControlException("A request is one JSON object on one line.");
    }

    /** A member that has to be a text. */
    static String text(JsonObject request, String name) throws ControlException {
        JsonElement value = request.get(name);
        if (value == null || !value.isJsonPrimitive()) {
            throw new ControlException("The request has no '" + name + "'.");
        }
        return value.getAsString();
    }

    private static String readLine(InputStream in) throws IOException, ControlException {
        byte[] line = new byte[MAX_REQUEST_BYTES];
        for (int length = 0; length < line.length; length++) {
            int b = in.read();
            if (b < 0) {
                return null;
            }
            if (b == '\n') {
                return new String(line, 0, length, StandardCharsets.UTF_8);
            }
            line[length] = (byte) b;
        }
        throw new ControlException(
                "A request has %d KiB at most.".formatted(MAX_REQUEST_BYTES >> 10));
    }

    private static void send(OutputStream out, JsonObject answer) throws IOException {
        out.write((answer + "\n").getBytes(StandardCharsets.UTF_8));
        out.flush();
    }

    /** Whoever has asked gets the answer first, or the end of a trace, unless it takes long. */
    @Override
    public void close() {
        try {
            server.close();
            Files.deleteIfExists(path);
            for (Verbs.Trace trace : traces) {
                Thread.ofVirtual().start(() -> trace.stop(true));
            }
            awaitAnswers();
            for (SocketChannel connection : connections) {
                connection.close();
            }
        } catch (IOException e) {
            // The process ends anyway; a socket that stays is told from a live one by connecting.
        }
    }

    private void awaitAnswers() {
        try {
            if (answering.writeLock().tryLock(LAST_ANSWERS_SECONDS, TimeUnit.SECONDS)) {
                answering.writeLock().unlock();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}

package org.xenolith.core.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.xenolith.devices.console.ConsoleSink;
import org.xenolith.devices.terminal.InputListener;

import java.io.IOException;
import java.io.OutputStream;
import java.net.SocketAddress;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

@Timeout(30)
class ControlSocketTest {
    @TempDir Path parent;

    private final BlockingQueue<String> typed = new LinkedBlockingQueue<>();
    private final BlockingQueue<Runnable> endings = new LinkedBlockingQueue<>();

    private ControlServer started;

    private ControlFolder folder() {
        return ControlFolder.in(parent.resolve("sockets"));
    }

    /** Answers with the request's own text; a guest's console echoes. */
    private final class Echo implements Verbs {
        @Override
        public JsonElement perform(String verb, JsonObject arguments) throws ControlException {
            if (verb.equals("fail")) {
                throw new ControlException("No guest is called 'x'.");
            }
            if (verb.equals("end")) {
                endTheProcess();
            }
            return new JsonPrimitive(arguments.toString());
        }

        /** What this leads to happens on another thread, and before the answer. */
        private void endTheProcess() {
            Thread closing = Thread.ofPlatform().start(started::close);
            while (closing.getState() != Thread.State.TIMED_WAITING && closing.isAlive()) {
                Thread.onSpinWait();
            }
        }

        /** Writes until it is stopped, and then a last word. */
        @Override
        public Trace trace(JsonObject request) throws ControlException {
            if (request.has("bad")) {
                throw new ControlException("'bad' is no topic.");
            }
            CountDownLatch stopped = new CountDownLatch(1);
            return new Trace() {
                @Override
                public void pump(OutputStream out) throws IOException {
                    out.write("first\n".getBytes(StandardCharsets.UTF_8));
                    try {
                        stopped.await();
                    } catch (InterruptedException e) {
                        Thread.currentThread().interrupt();
                    }
                    out.write("last\n".getBytes(StandardCharsets.UTF_8));
                }

                @Override
                public void stop(boolean hostEnds) {
                    typed.add(hostEnds ? "host" : "reader");
                    stopped.countDown();
                }

                @Override
                public void close() {
                    typed.add("closed");
                }
            };
        }

        @Override
        public Attachment attach(String guest, ConsoleSink sink, Runnable ended) {
            byte[] greeting = "hello\n".getBytes(StandardCharsets.UTF_8);
            sink.write(greeting, 0, greeting.length);
            endings.add(ended);
            return new Attachment() {
                @Override
                public InputListener keys() {
                    return new Keys();
                }

                @Override
                public void close() {
                    typed.add("closed");
                }
            };
        }
    }

    private final class Keys implements InputListener {
        @Override
        public void typed(byte[] bytes, int length) {
            typed.add(new String(bytes, 0, length, StandardCharsets.UTF_8));
        }

        @Override
        public void endOfInput() {}

        @Override
        public void leave() {}
    }

    private static JsonObject request(String verb) {
        JsonObject request = new JsonObject();
        request.addProperty("verb", verb);
        request.addProperty("guest", "x");
        return request;
    }

    @Test
    void processThatHadNoFileLeftAnswersLater() throws Exception {
        ControlFolder sockets = folder();
        sockets.prepare();
        Path path = sockets.socketOf(ProcessHandle.current().pid());
        ServerSocketChannel channel = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        channel.bind(UnixDomainSocketAddress.of(path));
        try (ControlServer _ =
                        ControlServer.start(
                                path, new FailingServerChannel(channel, 3), new Echo());
                ControlClient client = ControlClient.connectToAll(sockets).getFirst()) {
            JsonObject request = new JsonObject();
            request.addProperty("verb", "list");
            assertThat(client.ask(request).getAsString()).contains("list");
        }
    }

    @Test
    void everyRequestGetsItsAnswer() throws Exception {
        try (ControlServer _ = ControlServer.start(folder(), new Echo());
                ControlClient client = ControlClient.connectToAll(folder()).getFirst()) {
            assertThat(client.pid()).isEqualTo(ProcessHandle.current().pid());
            assertThat(client.ask(request("list")).getAsString()).contains("\"verb\":\"list\"");
            assertThatThrownBy(() -> client.ask(request("fail")))
                    .isInstanceOf(ControlException.class)
                    .hasMessage("No guest is called 'x'.");
            assertThat(client.ask(request("again")).getAsString()).contains("again");
        }
    }

    @Test
    void whoAsksForTheEndOfTheProcessGetsAnAnswerFirst() throws Exception {
        started = ControlServer.start(folder(), new Echo());
        try (ControlClient client = ControlClient.connectToAll(folder()).getFirst()) {
            assertThat(client.ask(request("end")).getAsString()).contains("\"verb\":\"end\"");
        }
    }

    /** Whoever asks all processes meanwhile would remove it, and never find this one. */
    @Test
    void socketIsNotThereForOthersBeforeItListens() throws Exception {
        List<Long> seen = new ArrayList<>();
        ServerSocketChannel channel =
                new FailingServerChannel(ServerSocketChannel.open(StandardProtocolFamily.UNIX), 0) {
                    @Override
                    public ServerSocketChannel bind(SocketAddress local, int backlog)
                            throws IOException {
                        ServerSocketChannel bound = super.bind(local, backlog);
                        seen.addAll(folder().pids());
                        return bound;
                    }
                };
        try (ControlServer _ = ControlServer.start(folder(), channel, new Echo())) {
            assertThat(seen).as("when it was bound").isEmpty();
            assertThat(folder().pids()).containsExactly(ProcessHandle.current().pid());
        }
    }

    @Test
    void socketOfAProcessThatDiedBeforeItListenedGoesWhenAnotherStarts() throws Exception {
        ControlServer.start(folder(), new Echo()).close(); // makes the folder
        Process dead = new ProcessBuilder("true").start();
        dead.waitFor();
        Path left = Files.createFile(folder().unfinishedSocketOf(dead.pid()));
        Path living = Files.createFile(folder().unfinishedSocketOf(1));
        try (ControlServer _ = ControlServer.start(folder(), new Echo())) {
            assertThat(left).doesNotExist();
            assertThat(living).as("it is about to listen").exists();
        }
    }

    @Test
    void onlyItsUserMayOpenTheSocket() throws Exception {
        try (ControlServer _ = ControlServer.start(folder(), new Echo())) {
            Path sockets = parent.resolve("sockets");
            assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(sockets)))
                    .isEqualTo("rwx------");
            Path socket = sockets.resolve(ProcessHandle.current().pid() + ".sock");
            assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(socket)))
                    .isEqualTo("rw-------");
        }
    }

    @Test
    void folderThatOthersMayEnterIsRefused() throws IOException {
        Files.createDirectory(
                parent.resolve("sockets"),
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwxr-xr-x")));
        assertThatThrownBy(() -> ControlServer.start(folder(), new Echo()))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("no private folder of yours");
    }

    @Test
    void socketOfADeadProcessIsRemovedAndNotAsked() throws Exception {
        folder().prepare();
        Path dead = folder().socketOf(4_000_000_000L);
        try (ServerSocketChannel left = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            left.bind(UnixDomainSocketAddress.of(dead));
        }
        assertThat(dead).exists();
        assertThat(ControlClient.connectToAll(folder())).isEmpty();
        assertThat(dead).doesNotExist();
    }

    @Test
    void nobodyIsThereWhenNothingEverRan() throws IOException {
        assertThat(ControlClient.connectToAll(folder())).isEqualTo(List.of());
    }

    private SocketChannel raw() throws IOException {
        return SocketChannel.open(
                UnixDomainSocketAddress.of(folder().socketOf(ProcessHandle.current().pid())));
    }

    /** All that comes until the other end closes. */
    private static String rest(SocketChannel raw) throws IOException {
        ByteBuffer answer = ByteBuffer.allocate(1000);
        try {
            while (raw.read(answer) >= 0) {
                assertThat(answer.hasRemaining()).isTrue();
            }
        } catch (IOException reset) {
            // The other end had not read all.
        }
        return new String(answer.array(), 0, answer.position(), StandardCharsets.UTF_8);
    }

    @Test
    void requestThatIsTooLongGetsASentence() throws Exception {
        try (ControlServer _ = ControlServer.start(folder(), new Echo());
                SocketChannel raw = raw()) {
            raw.write(ByteBuffer.wrap("x".repeat(65 << 10).getBytes(StandardCharsets.UTF_8)));
            assertThat(rest(raw)).isEqualTo("{\"error\":\"A request has 64 KiB at most.\"}\n");
        }
    }

    @Test
    void connectionThatIsOneTooManyGetsASentence() throws Exception {
        List<SocketChannel> open = new ArrayList<>();
        try (ControlServer _ = ControlServer.start(folder(), new Echo())) {
            for (int i = 0; i <= 64; i++) {
                open.add(raw());
            }
            assertThat(rest(open.getLast()))
                    .isEqualTo("{\"error\":\"64 connections are open already.\"}\n");
            for (SocketChannel each : open) {
                each.close();
            }
        }
    }

    @Test
    void garbageIsAnsweredWithASentenceAndTheConnectionLivesOn() throws Exception {
        try (ControlServer _ = ControlServer.start(folder(), new Echo());
                SocketChannel raw =
                        SocketChannel.open(
                                UnixDomainSocketAddress.of(
                                        folder().socketOf(ProcessHandle.current().pid())))) {
            for (String line : List.of("nonsense\n", "[1]\n", "{}\n", "{\"verb\":{}}\n")) {
                raw.write(ByteBuffer.wrap(line.getBytes(StandardCharsets.UTF_8)));
                ByteBuffer answer = ByteBuffer.allocate(1000);
                while (answer.position() == 0 || answer.get(answer.position() - 1) != '\n') {
                    assertThat(raw.read(answer)).isPositive();
                }
                assertThat(new String(answer.array(), StandardCharsets.UTF_8))
                        .startsWith("{\"error\":");
            }
        }
    }

    @Test
    void consoleCarriesBytesBothWaysUntilTheGuestEnds() throws Exception {
        try (ControlServer _ = ControlServer.start(folder(), new Echo());
                ControlClient client = ControlClient.connectToAll(folder()).getFirst()) {
            client.ask(request("console"));
            assertThat(new String(client.output().readNBytes(6), StandardCharsets.UTF_8))
                    .isEqualTo("hello\n");
            client.input().write("ls\n".getBytes(StandardCharsets.UTF_8));
            assertThat(typed.poll(10, TimeUnit.SECONDS)).isEqualTo("ls\n");
            endings.take().run();
            assertThat(client.output().read()).isEqualTo(-1);
            assertThat(typed.poll(10, TimeUnit.SECONDS)).isEqualTo("closed");
        }
    }

    @Test
    void traceThatIsRefusedLeavesTheConnectionForOtherRequests() throws Exception {
        try (ControlServer _ = ControlServer.start(folder(), new Echo());
                ControlClient client = ControlClient.connectToAll(folder()).getFirst()) {
            JsonObject bad = request("trace");
            bad.addProperty("bad", true);
            assertThatThrownBy(() -> client.ask(bad))
                    .isInstanceOf(ControlException.class)
                    .hasMessage("'bad' is no topic.");
            assertThat(client.ask(request("again")).getAsString()).contains("again");
        }
    }

    @Test
    void readerWhoHasHadEnoughOfATraceGetsItsEnd() throws Exception {
        try (ControlServer _ = ControlServer.start(folder(), new Echo());
                ControlClient client = ControlClient.connectToAll(folder()).getFirst()) {
            assertThat(client.ask(request("trace")).getAsString()).isEqualTo("x");
            assertThat(new String(client.output().readNBytes(6), StandardCharsets.UTF_8))
                    .isEqualTo("first\n");
            client.endInput();
            assertThat(new String(client.output().readAllBytes(), StandardCharsets.UTF_8))
                    .isEqualTo("last\n");
            assertThat(typed.poll(10, TimeUnit.SECONDS)).isEqualTo("reader");
            assertThat(typed.poll(10, TimeUnit.SECONDS)).isEqualTo("closed");
        }
    }

    @Test
    void readerWhoDiesEndsHisTrace() throws Exception {
        try (ControlServer _ = ControlServer.start(folder(), new Echo())) {
            try (ControlClient client = ControlClient.connectToAll(folder()).getFirst()) {
                client.ask(request("trace"));
            }
            String said = typed.poll(10, TimeUnit.SECONDS);
            // What is written to nobody may end it before anybody is missed.
            assertThat("reader".equals(said) ? typed.poll(10, TimeUnit.SECONDS) : said)
                    .isEqualTo("closed");
        }
    }

    @Test
    void processThatEndsSendsTheEndsOfItsTraces() throws Exception {
        try (ControlServer server = ControlServer.start(folder(), new Echo());
                ControlClient client = ControlClient.connectToAll(folder()).getFirst()) {
            client.ask(request("trace"));
            assertThat(client.output().readNBytes(6)).hasSize(6);
            server.close();
            assertThat(typed.poll(10, TimeUnit.SECONDS)).isEqualTo("host");
            assertThat(new String(client.output().readAllBytes(), StandardCharsets.UTF_8))
                    .isEqualTo("last\n");
        }
    }
}

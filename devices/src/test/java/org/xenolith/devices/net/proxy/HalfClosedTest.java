package org.xenolith.devices.net.proxy;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelPromise;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.channel.socket.ChannelInputShutdownEvent;
import io.netty.channel.socket.DuplexChannel;
import io.netty.handler.timeout.IdleStateHandler;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.xenolith.devices.net.NetworkLoop;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** Connections of which one end sends no more and goes on reading. */
@Timeout(120)
final class HalfClosedTest {
    private static final String UPGRADE =
            "GET / HTTP/1.1\r\nHost: web1\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n";

    private static final String CONSENT =
            "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n";

    private final NetworkLoop network = NetworkLoop.create();
    private final ExecutorService threads = Executors.newCachedThreadPool();
    private final BlockingQueue<String> outcomes = new LinkedBlockingQueue<>();
    private ServerSocket server;
    private ReverseProxy proxy;

    @BeforeEach
    void openProxy() throws IOException {
        InetAddress loopback = InetAddress.getLoopbackAddress();
        server = new ServerSocket(0, 50, loopback);
        Map<String, InetSocketAddress> guests =
                Map.of("web1", (InetSocketAddress) server.getLocalSocketAddress());
        proxy =
                ReverseProxy.open(
                        network,
                        new InetSocketAddress(loopback, 0),
                        new SocketDirectory(network, () -> guests));
    }

    @AfterEach
    void closeAll() throws IOException {
        proxy.close();
        network.close();
        server.close();
        threads.shutdownNow();
    }

    @Test
    void clientThatSendsNoMoreGetsTheWholeAnswer() throws Exception {
        int length = 5_000_000;
        serve(
                socket -> {
                    readHead(socket.getInputStream());
                    assertThat(staysOpen(socket)).as("the proxy waits").isTrue();
                    say(socket, "HTTP/1.1 200 OK\r\nContent-Length: " + length + "\r\n\r\n");
                    socket.getOutputStream().write(new byte[length]);
                });
        for (String request :
                new String[] {
                    "GET / HTTP/1.0\r\nHost: web1\r\n\r\n", "GET / HTTP/1.1\r\nHost: web1\r\n\r\n"
                }) {
            try (Socket socket = connect()) {
                say(socket, request);
                socket.shutdownOutput();
                InputStream in = socket.getInputStream();
                assertThat(readHead(in)).startsWith("HTTP/1.1 200 ");
                assertThat(in.readAllBytes()).hasSize(length);
            }
        }
    }

    @Test
    void allRequestsThatWereSentBeforeTheEndAreAnswered() throws Exception {
        serve(
                socket -> {
                    for (int i = 1; i <= 3; i++) {
                        assertThat(readHead(socket.getInputStream())).startsWith("GET /" + i);
                        say(socket, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n" + i);
                    }
                });
        try (Socket socket = connect()) {
            for (int i = 1; i <= 3; i++) {
                say(socket, "GET /" + i + " HTTP/1.1\r\nHost: web1\r\n\r\n");
            }
            socket.shutdownOutput();
            for (int i = 1; i <= 3; i++) {
                assertThat(readHead(socket.getInputStream())).startsWith("HTTP/1.1 200 ");
                assertThat(socket.getInputStream().read()).isEqualTo('0' + i);
            }
            assertThat(socket.getInputStream().read()).isEqualTo(-1);
        }
    }

    @Test
    void requestWithoutTheRestOfItsBodyIsRefused() throws Exception {
        serve(socket -> socket.getInputStream().transferTo(OutputStream.nullOutputStream()));
        assertThat(ask("POST / HTTP/1.1\r\nHost: web1\r\nContent-Length: 1000\r\n\r\n0123456789"))
                .startsWith("HTTP/1.1 400 ")
                .endsWith("The request ended before its body did.\n");
        assertThat(ask("GET / HTTP/1.1\r\nHos")).startsWith("HTTP/1.1 400 ");
        assertThat(ask("")).isEmpty();
    }

    @Test
    void clientThatHasGoneIsNoticedWhenTheGuestSpeaks() throws Exception {
        serve(
                socket -> {
                    readHead(socket.getInputStream());
                    assertThat(staysOpen(socket)).isTrue();
                    say(socket, "HTTP/1.1 200 OK\r\n\r\nfirst");
                    while (staysOpen(socket)) {
                        say(socket, "next");
                    }
                });
        try (Socket socket = connect()) {
            say(socket, "GET / HTTP/1.1\r\nHost: web1\r\n\r\n");
        }
        served();
    }

    @Test
    void clientsEndPassesATunnelAndTheGuestMaySpeakOn() throws Exception {
        serve(
                socket -> {
                    readHead(socket.getInputStream());
                    say(socket, CONSENT);
                    byte[] all = socket.getInputStream().readAllBytes();
                    assertThat(new String(all, StandardCharsets.US_ASCII)).isEqualTo("question");
                    socket.getOutputStream().write(new byte[1_000_000]);
                });
        try (Socket socket = connect()) {
            say(socket, UPGRADE);
            assertThat(readHead(socket.getInputStream())).startsWith("HTTP/1.1 101 ");
            say(socket, "question");
            socket.shutdownOutput();
            assertThat(socket.getInputStream().readAllBytes()).hasSize(1_000_000);
        }
        served();
    }

    @Test
    void guestsEndPassesATunnelAndTheClientMaySpeakOn() throws Exception {
        serve(
                socket -> {
                    readHead(socket.getInputStream());
                    say(socket, CONSENT + "all");
                    socket.shutdownOutput();
                    assertThat(socket.getInputStream().readAllBytes()).hasSize(1_000_000);
                });
        try (Socket socket = connect()) {
            say(socket, UPGRADE);
            assertThat(readHead(socket.getInputStream())).startsWith("HTTP/1.1 101 ");
            assertThat(socket.getInputStream().readAllBytes()).hasSize(3);
            socket.getOutputStream().write(new byte[1_000_000]);
            socket.shutdownOutput();
            served();
        }
    }

    @Test
    void tunnelWithOneDirectionLeftIsNotKeptWhenNothingMoves() {
        EmbeddedChannel client = new EmbeddedSocket();
        EmbeddedChannel guest = new EmbeddedSocket();
        client.freezeTime();
        Relay fromClient = new Relay(guest);
        Relay fromGuest = new Relay(client);
        fromClient.isOppositeOf(fromGuest);
        client.pipeline()
                .addLast(new IdleStateHandler(0, 0, ReverseProxy.IDLE_SECONDS), fromClient);
        guest.pipeline().addLast(fromGuest);
        client.pipeline().fireChannelActive();

        pass(client, 3_600);
        client.pipeline().fireUserEventTriggered(ChannelInputShutdownEvent.INSTANCE);
        pass(client, 200);
        guest.writeInbound(Unpooled.copiedBuffer("late", StandardCharsets.US_ASCII));
        pass(client, 299);
        assertThat(client.isOpen()).isTrue();
        pass(client, 2);
        assertThat(client.isOpen()).isFalse();
        assertThat(guest.isOpen()).isFalse();
        client.finishAndReleaseAll();
        guest.finishAndReleaseAll();
    }

    private static void pass(EmbeddedChannel client, long seconds) {
        for (long i = 0; i < seconds; i++) {
            client.advanceTimeBy(1, TimeUnit.SECONDS);
            client.runPendingTasks();
        }
    }

    /** A channel whose directions end one by one, and without a socket. */
    private static final class EmbeddedSocket extends EmbeddedChannel implements DuplexChannel {
        @Override
        public boolean isInputShutdown() {
            return false;
        }

        @Override
        public boolean isOutputShutdown() {
            return false;
        }

        @Override
        public boolean isShutdown() {
            return false;
        }

        @Override
        public ChannelFuture shutdownInput() {
            return newSucceededFuture();
        }

        @Override
        public ChannelFuture shutdownOutput() {
            return newSucceededFuture();
        }

        @Override
        public ChannelFuture shutdown() {
            return newSucceededFuture();
        }

        @Override
        public ChannelFuture shutdownInput(ChannelPromise promise) {
            return promise.setSuccess();
        }

        @Override
        public ChannelFuture shutdownOutput(ChannelPromise promise) {
            return promise.setSuccess();
        }

        @Override
        public ChannelFuture shutdown(ChannelPromise promise) {
            return promise.setSuccess();
        }
    }

    private interface Conversation {
        void hold(Socket socket) throws IOException;
    }

    /** A server that does with each connection what it is told, and closes it. */
    private void serve(Conversation conversation) {
        threads.execute(
                () -> {
                    while (!server.isClosed()) {
                        try (Socket socket = server.accept()) {
                            conversation.hold(socket);
                            outcomes.add("done");
                        } catch (IOException | AssertionError end) {
                            outcomes.add(end.toString());
                        }
                    }
                });
    }

    /** Waits until the server has held a conversation to its end. */
    private void served() throws InterruptedException {
        assertThat(outcomes.poll(60, TimeUnit.SECONDS)).isEqualTo("done");
    }

    /** Whether the other side has not ended its direction. */
    private static boolean staysOpen(Socket socket) throws IOException {
        socket.setSoTimeout(300);
        try {
            return socket.getInputStream().read() >= 0;
        } catch (SocketTimeoutException silent) {
            return true;
        } finally {
            socket.setSoTimeout(0);
        }
    }

    private static void say(Socket socket, String text) throws IOException {
        socket.getOutputStream().write(text.getBytes(StandardCharsets.US_ASCII));
    }

    private static String readHead(InputStream in) throws IOException {
        StringBuilder head = new StringBuilder();
        while (head.indexOf("\r\n\r\n") < 0) {
            int next = in.read();
            if (next < 0) {
                throw new IOException("ended within the head: " + head);
            }
            head.append((char) next);
        }
        return head.toString();
    }

    private Socket connect() throws IOException {
        return new Socket(proxy.localAddress().getAddress(), proxy.localAddress().getPort());
    }

    /** All that comes for a request after which the client sends no more. */
    private String ask(String request) throws IOException {
        try (Socket socket = connect()) {
            say(socket, request);
            socket.shutdownOutput();
            return new String(socket.getInputStream().readAllBytes(), StandardCharsets.US_ASCII);
        }
    }
}

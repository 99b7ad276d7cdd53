package org.xenolith.devices.net.proxy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.Socket;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.regex.Pattern;

/** Bodies, connections and tunnels through the proxy: what is long, waits, or breaks off. */
@Timeout(300)
final class ProxyStreamTest {
    private ProxyLab lab;

    @BeforeEach
    void open() throws IOException {
        lab = new ProxyLab();
    }

    @AfterEach
    void close() throws Exception {
        lab.close();
    }

    @Test
    void bodiesOfAnySizeAreStreamedBothWays() throws Exception {
        byte[] body = new byte[20_000_000];
        for (int i = 0; i < body.length; i++) {
            body[i] = (byte) (i * 31);
        }
        lab.serve(
                "web1",
                exchange -> {
                    byte[] received = exchange.getRequestBody().readAllBytes();
                    exchange.sendResponseHeaders(200, received.length);
                    exchange.getResponseBody().write(received);
                    exchange.close();
                });
        HttpResponse<byte[]> known =
                lab.client.send(
                        lab.to("web1", "/").POST(BodyPublishers.ofByteArray(body)).build(),
                        BodyHandlers.ofByteArray());
        HttpResponse<byte[]> chunked =
                lab.client.send(
                        lab.to("web1", "/")
                                .POST(
                                        BodyPublishers.ofInputStream(
                                                () -> new ByteArrayInputStream(body)))
                                .build(),
                        BodyHandlers.ofByteArray());

        assertThat(known.body()).isEqualTo(body);
        assertThat(chunked.body()).isEqualTo(body);
    }

    @Test
    void clientThatDoesNotReadStopsTheGuestFromSending() throws Exception {
        AtomicLong written = new AtomicLong();
        Semaphore stuck = new Semaphore(0);
        byte[] block = new byte[1 << 20];
        long limit = 200;
        lab.serveRaw(
                "web1",
                socket -> {
                    ProxyLab.readHead(socket.getInputStream());
                    OutputStream out = socket.getOutputStream();
                    out.write(
                            ("HTTP/1.1 200 OK\r\nContent-Length: "
                                            + limit * block.length
                                            + "\r\n\r\n")
                                    .getBytes(StandardCharsets.UTF_8));
                    for (int i = 0; i < limit; i++) {
                        out.write(block);
                        written.addAndGet(block.length);
                    }
                    stuck.release();
                });
        try (Socket socket = lab.connect()) {
            socket.getOutputStream()
                    .write("GET / HTTP/1.1\r\nHost: web1\r\n\r\n".getBytes(StandardCharsets.UTF_8));
            assertThat(socket.getInputStream().read()).isEqualTo('H');
            // Only the kernel's socket buffers take something while nobody reads. A busy machine
            // takes its time until they are full.
            for (long before = -1; before != written.get(); ) {
                before = written.get();
                assertThat(stuck.tryAcquire(500, TimeUnit.MILLISECONDS)).isFalse();
            }
            assertThat(written.get()).isLessThan(100L << 20);

            long rest = 0;
            byte[] buffer = new byte[1 << 16];
            while (rest < limit * block.length) {
                rest += socket.getInputStream().read(buffer);
            }
            stuck.acquire();
        }
    }

    @Test
    void oneConnectionServesManyRequestsAndTheGuestSeesOne() throws Exception {
        List<Integer> ports = Collections.synchronizedList(new ArrayList<>());
        lab.serve(
                "web1",
                exchange -> {
                    ports.add(exchange.getRemoteAddress().getPort());
                    ProxyLab.answer(exchange, "x");
                });
        String answer =
                lab.raw(
                        """
                        GET /1 HTTP/1.1
                        Host: web1

                        GET /2 HTTP/1.1
                        Host: web1

                        GET /3 HTTP/1.1
                        Host: web1
                        Connection: close

                        """);
        assertThat(count(answer, "HTTP/1.1 200 OK")).isEqualTo(3);
        assertThat(ports).hasSize(3);
        assertThat(ports.stream().distinct()).hasSize(1);
    }

    @Test
    void requestOnAConnectionThatTheGuestHasJustClosedIsSentAgain() throws Exception {
        // Says that it keeps the connection, and closes it when the second request comes.
        lab.serveRaw(
                "web1",
                socket -> {
                    ProxyLab.readHead(socket.getInputStream());
                    socket.getOutputStream()
                            .write(
                                    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
                                            .getBytes(StandardCharsets.UTF_8));
                    ProxyLab.readHead(socket.getInputStream());
                });
        String answer =
                lab.raw(
                        """
                        GET /1 HTTP/1.1
                        Host: web1

                        GET /2 HTTP/1.1
                        Host: web1
                        Connection: close

                        """);
        assertThat(count(answer, "HTTP/1.1 200 OK")).isEqualTo(2);
    }

    @Test
    void bodyThatEndsWithTheConnectionBecomesChunks() throws Exception {
        lab.serveRaw(
                "web1",
                socket -> {
                    ProxyLab.readHead(socket.getInputStream());
                    socket.getOutputStream()
                            .write(
                                    "HTTP/1.0 200 OK\r\n\r\nall of it"
                                            .getBytes(StandardCharsets.UTF_8));
                });
        assertThat(lab.get("web1", "/").body()).isEqualTo("all of it");
        String old = lab.raw("GET / HTTP/1.0\nHost: web1\n\n");
        assertThat(old).endsWith("\r\n\r\nall of it").doesNotContainIgnoringCase("chunked");
    }

    @Test
    void answerThatBreaksOffIsNotTakenForAWholeOne() throws Exception {
        lab.serveRaw(
                "web1",
                socket -> {
                    ProxyLab.readHead(socket.getInputStream());
                    socket.getOutputStream()
                            .write(
                                    "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"
                                            .getBytes(StandardCharsets.UTF_8));
                });
        assertThatThrownBy(() -> lab.get("web1", "/")).isInstanceOf(IOException.class);
    }

    @Test
    void headHasTheLengthAndNoBody() throws Exception {
        lab.serveRaw(
                "web1",
                socket -> {
                    for (int i = 0; i < 2; i++) {
                        ProxyLab.readHead(socket.getInputStream());
                        socket.getOutputStream()
                                .write(
                                        ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"
                                                        + (i == 1 ? "ok" : ""))
                                                .getBytes(StandardCharsets.UTF_8));
                    }
                });
        String answer =
                lab.raw(
                        """
                        HEAD / HTTP/1.1
                        Host: web1

                        GET / HTTP/1.1
                        Host: web1
                        Connection: close

                        """);
        assertThat(count(answer, "content-length: 2")).isEqualTo(2);
        assertThat(answer).endsWith("\r\n\r\nok");
    }

    @Test
    void clientThatWaitsToSendItsBodyIsToldToContinue() throws Exception {
        lab.serve(
                "web1",
                exchange ->
                        ProxyLab.answer(
                                exchange,
                                new String(
                                        exchange.getRequestBody().readAllBytes(),
                                        StandardCharsets.UTF_8)));
        HttpResponse<String> response =
                lab.client.send(
                        lab.to("web1", "/")
                                .expectContinue(true)
                                .POST(BodyPublishers.ofString("body"))
                                .build(),
                        BodyHandlers.ofString());
        assertThat(response.body()).isEqualTo("body");
    }

    @Test
    void upgradedConnectionIsATunnel() throws Exception {
        lab.serveRaw(
                "web1",
                socket -> {
                    String head = ProxyLab.readHead(socket.getInputStream());
                    assertThat(head)
                            .containsIgnoringCase("upgrade: websocket")
                            .containsIgnoringCase("connection: upgrade");
                    socket.getOutputStream()
                            .write(
                                    ("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n"
                                                    + "Upgrade: websocket\r\n\r\nhello")
                                            .getBytes(StandardCharsets.UTF_8));
                    byte[] echo = new byte[4];
                    while (socket.getInputStream().readNBytes(echo, 0, 4) == 4) {
                        socket.getOutputStream().write(echo);
                    }
                });
        try (Socket socket = lab.connect()) {
            OutputStream out = socket.getOutputStream();
            out.write(
                    ("GET /chat HTTP/1.1\r\n"
                                    + "Host: web1.localhost\r\n"
                                    + "Connection: keep-alive, Upgrade\r\n"
                                    + "Upgrade: websocket\r\n\r\n")
                            .getBytes(StandardCharsets.UTF_8));
            InputStream in = socket.getInputStream();
            assertThat(ProxyLab.readHead(in))
                    .startsWith("HTTP/1.1 101 ")
                    .containsIgnoringCase("upgrade: websocket");
            assertThat(new String(in.readNBytes(5), StandardCharsets.UTF_8)).isEqualTo("hello");
            for (int i = 0; i < 100; i++) {
                byte[] bytes = {(byte) 0x81, (byte) i, 0, (byte) 0xff};
                out.write(bytes);
                assertThat(in.readNBytes(4)).isEqualTo(bytes);
            }
            socket.shutdownOutput();
            assertThat(in.read()).isEqualTo(-1);
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "GET / HTTP/1.1\r\nHost: web1\r\n\r\n",
                "GET / HTTP/1.1\r\nHost: web1\r\n\r\nGET /2 HTTP/1.1\r\nHost: web1\r\n\r\n",
                "POST / HTTP/1.1\r\nHost: web1\r\nContent-Length: 1000\r\n\r\n0123456789",
            })
    void clientThatHasGoneTakesTheConnectionToASilentGuestWithIt(String request) throws Exception {
        Semaphore asked = new Semaphore(0);
        Semaphore left = new Semaphore(0);
        lab.serveRaw(
                "web1",
                socket -> {
                    ProxyLab.readHead(socket.getInputStream());
                    asked.release();
                    socket.getInputStream().transferTo(OutputStream.nullOutputStream());
                    left.release();
                });
        try (Socket socket = lab.connect()) {
            socket.getOutputStream().write(request.getBytes(StandardCharsets.UTF_8));
            asked.acquire();
            socket.setSoLinger(true, 0); // as a client goes that is ended, or has bytes unread
        }
        assertThat(left.tryAcquire(60, TimeUnit.SECONDS)).as("the guest is left").isTrue();
    }

    @Test
    void whatFollowsAnUpgradeAtOnceReachesTheGuestAsItIs() throws Exception {
        byte[] bytes = {(byte) 0x81, 0, 13, 10, 13, 10, (byte) 0xff};
        Semaphore asked = new Semaphore(0);
        Semaphore sent = new Semaphore(0);
        lab.serveRaw(
                "web1",
                socket -> {
                    ProxyLab.readHead(socket.getInputStream());
                    asked.release();
                    sent.acquireUninterruptibly();
                    socket.getOutputStream()
                            .write(
                                    ("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n"
                                                    + "Upgrade: echo\r\n\r\n")
                                            .getBytes(StandardCharsets.UTF_8));
                    socket.getOutputStream()
                            .write(socket.getInputStream().readNBytes(bytes.length));
                });
        try (Socket socket = lab.connect()) {
            OutputStream out = socket.getOutputStream();
            out.write(
                    "GET / HTTP/1.1\r\nHost: web1\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n"
                            .getBytes(StandardCharsets.UTF_8));
            asked.acquire();
            out.write(bytes);
            sent.release();
            assertThat(ProxyLab.readHead(socket.getInputStream())).startsWith("HTTP/1.1 101 ");
            assertThat(socket.getInputStream().readNBytes(bytes.length)).isEqualTo(bytes);
        }
    }

    @Test
    void answerToAnUploadThatIsStillBeingSentReachesTheClient() throws Exception {
        lab.serveRaw(
                "web1",
                socket -> {
                    ProxyLab.readHead(socket.getInputStream());
                    String answer = "HTTP/1.1 413 Too much\r\nContent-Length: 4\r\n\r\nfull";
                    socket.getOutputStream().write(answer.getBytes(StandardCharsets.UTF_8));
                    socket.getInputStream().transferTo(OutputStream.nullOutputStream());
                });
        for (int i = 0; i < 20; i++) {
            try (Socket socket = lab.connect()) {
                String head = "POST / HTTP/1.1\r\nHost: web1\r\nContent-Length: 5000000\r\n\r\n";
                socket.getOutputStream().write(head.getBytes(StandardCharsets.UTF_8));
                for (int sent = 0; sent < 5_000_000; sent += 100_000) {
                    socket.getOutputStream().write(new byte[100_000]);
                }
                assertThat(new String(socket.getInputStream().readAllBytes()))
                        .startsWith("HTTP/1.1 413 ")
                        .endsWith("full");
            }
        }
    }

    private static long count(String text, String part) {
        return Pattern.compile(Pattern.quote(part), Pattern.CASE_INSENSITIVE)
                .matcher(text)
                .results()
                .count();
    }
}

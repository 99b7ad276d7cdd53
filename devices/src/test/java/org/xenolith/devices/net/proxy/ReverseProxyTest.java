package org.xenolith.devices.net.proxy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpHandler;
import com.sun.net.httpserver.HttpServer;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.xenolith.devices.host.HostNeeds;
import org.xenolith.devices.net.NetworkLoop;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.NetworkInterface;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.regex.Pattern;

@Timeout(300)
final class ReverseProxyTest {
    static {
        // Read once, when the client's first class loads: these requests name their own Host.
        System.setProperty("jdk.httpclient.allowRestrictedHeaders", "host,connection");
    }

    private static final InetSocketAddress ANY_PORT =
            new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);

    private final NetworkLoop network = NetworkLoop.create();
    private final Map<String, InetSocketAddress> guests =
            Collections.synchronizedMap(new LinkedHashMap<>());
    private final ExecutorService threads = Executors.newCachedThreadPool();
    private final List<AutoCloseable> open = new ArrayList<>();
    private final HttpClient client =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    private ReverseProxy proxy;

    @BeforeEach
    void openProxy() throws IOException {
        proxy = ReverseProxy.open(network, ANY_PORT, new SocketDirectory(network, () -> guests));
    }

    @AfterEach
    void closeAll() throws Exception {
        client.shutdownNow();
        proxy.close();
        network.close();
        for (AutoCloseable closeable : open) {
            closeable.close();
        }
        threads.shutdownNow();
    }

    @Test
    void firstLabelOfTheHostSelectsTheGuest() throws Exception {
        serve("web1", exchange -> answer(exchange, "one " + exchange.getRequestURI()));
        serve("web2", exchange -> answer(exchange, "two"));

        assertThat(get("web1.localhost:8080", "/a?b=c").body()).isEqualTo("one /a?b=c");
        assertThat(get("WEB2.localhost", "/").body()).isEqualTo("two");
        assertThat(get("web2", "/").body()).isEqualTo("two");
    }

    @Test
    void nameWithDotsLeadsToTheGuestThatHasItAndToNoOther() throws Exception {
        serve("web", exchange -> answer(exchange, "web"));
        serve("web.1", exchange -> answer(exchange, "one"));

        assertThat(get("web.1.localhost:8080", "/").body()).isEqualTo("one");
        assertThat(get("Web.1.LocalHost.", "/").body()).isEqualTo("one");
        assertThat(get("web.2.localhost:8080", "/").body())
                .startsWith("There is no guest called web.2. There are:\n");
        assertThat(get("web.lab.example:8080", "/").body()).isEqualTo("web");
    }

    @Test
    void unknownNameGetsTheListOfTheKnown() throws Exception {
        serve("web1", exchange -> answer(exchange, ""));
        serve("web2", exchange -> answer(exchange, ""));
        HttpResponse<String> response = get("shop.localhost", "/");

        int port = proxy.localAddress().getPort();
        assertThat(response.statusCode()).isEqualTo(404);
        assertThat(response.body())
                .isEqualTo(
                        """
                        There is no guest called shop. There are:
                        http://web1.localhost:%d/
                        http://web2.localhost:%d/
                        """
                                .formatted(port, port));
        assertThat(response.headers().firstValue("content-type"))
                .hasValue("text/plain; charset=utf-8");
    }

    @Test
    void guestThatDoesNotAnswerIsOneSentence() throws Exception {
        try (ServerSocket closed = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            guests.put("web1", (InetSocketAddress) closed.getLocalSocketAddress());
        }
        HttpResponse<String> response = get("web1.localhost", "/");
        assertThat(response.statusCode()).isEqualTo(502);
        assertThat(response.body())
                .startsWith("web1 does not answer: Connection refused")
                .endsWith(".\n");
    }

    @Test
    void guestThatHangsUpOrTalksNonsenseIsOneSentence() throws Exception {
        serveRaw("mute", socket -> socket.getInputStream().read());
        serveRaw(
                "drunk",
                socket -> {
                    socket.getInputStream().read();
                    socket.getOutputStream()
                            .write("hello?\r\n\r\n".getBytes(StandardCharsets.UTF_8));
                    socket.getInputStream().read();
                });
        for (String name : List.of("mute", "drunk")) {
            HttpResponse<String> response = get(name, "/");
            assertThat(response.statusCode()).isEqualTo(502);
            assertThat(response.body())
                    .isEqualTo(name + " closed the connection without an answer.\n");
        }
    }

    @Test
    void guestLearnsWhoAskedAndForWhatAndNothingThatTheClientMadeUp() throws Exception {
        Map<String, String> seen = new ConcurrentHashMap<>();
        serve(
                "web1",
                exchange -> {
                    exchange.getRequestHeaders()
                            .forEach((name, values) -> seen.put(name, String.join("|", values)));
                    answer(exchange, "");
                });
        client.send(
                to("web1.localhost:8080", "/")
                        .header("X-Forwarded-For", "1.2.3.4")
                        .header("Forwarded", "for=1.2.3.4")
                        .build(),
                BodyHandlers.ofString());

        assertThat(seen)
                .containsEntry("Host", "web1.localhost:8080")
                .containsEntry("X-forwarded-for", "127.0.0.1")
                .containsEntry("X-forwarded-host", "web1.localhost:8080")
                .containsEntry("X-forwarded-proto", "http")
                .doesNotContainKey("Forwarded");
    }

    @Test
    void headersOfOneHopDoNotTravelOn() throws Exception {
        Map<String, String> seen = new ConcurrentHashMap<>();
        serve(
                "web1",
                exchange -> {
                    exchange.getRequestHeaders()
                            .forEach((name, values) -> seen.put(name, values.getFirst()));
                    answer(exchange, "");
                });
        String answer =
                raw(
                        """
                        GET / HTTP/1.1
                        Host: web1
                        Connection: close, X-Secret, Host
                        X-Secret: 1
                        X-Public: 2
                        TE: trailers
                        Proxy-Connection: keep-alive

                        """);
        assertThat(answer)
                .startsWith("HTTP/1.1 200 OK\r\n")
                .containsIgnoringCase("connection: close");
        assertThat(seen)
                .containsKeys("X-public", "Host")
                .doesNotContainKeys("X-secret", "Te", "Proxy-connection");
    }

    @Test
    void bodiesOfAnySizeAreStreamedBothWays() throws Exception {
        byte[] body = new byte[20_000_000];
        for (int i = 0; i < body.length; i++) {
            body[i] = (byte) (i * 31);
        }
        serve(
                "web1",
                exchange -> {
                    byte[] received = exchange.getRequestBody().readAllBytes();
                    exchange.sendResponseHeaders(200, received.length);
                    exchange.getResponseBody().write(received);
                    exchange.close();
                });
        HttpResponse<byte[]> known =
                client.send(
                        to("web1", "/").POST(BodyPublishers.ofByteArray(body)).build(),
                        BodyHandlers.ofByteArray());
        HttpResponse<byte[]> chunked =
                client.send(
                        to("web1", "/")
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
        serveRaw(
                "web1",
                socket -> {
                    readHead(socket.getInputStream());
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
        try (Socket socket = connect()) {
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
        serve(
                "web1",
                exchange -> {
                    ports.add(exchange.getRemoteAddress().getPort());
                    answer(exchange, "x");
                });
        String answer =
                raw(
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
        serveRaw(
                "web1",
                socket -> {
                    readHead(socket.getInputStream());
                    socket.getOutputStream()
                            .write(
                                    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
                                            .getBytes(StandardCharsets.UTF_8));
                    readHead(socket.getInputStream());
                });
        String answer =
                raw(
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
        serveRaw(
                "web1",
                socket -> {
                    readHead(socket.getInputStream());
                    socket.getOutputStream()
                            .write(
                                    "HTTP/1.0 200 OK\r\n\r\nall of it"
                                            .getBytes(StandardCharsets.UTF_8));
                });
        assertThat(get("web1", "/").body()).isEqualTo("all of it");
        String old = raw("GET / HTTP/1.0\nHost: web1\n\n");
        assertThat(old).endsWith("\r\n\r\nall of it").doesNotContainIgnoringCase("chunked");
    }

    @Test
    void answerThatBreaksOffIsNotTakenForAWholeOne() throws Exception {
        serveRaw(
                "web1",
                socket -> {
                    readHead(socket.getInputStream());
                    socket.getOutputStream()
                            .write(
                                    "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"
                                            .getBytes(StandardCharsets.UTF_8));
                });
        assertThatThrownBy(() -> get("web1", "/")).isInstanceOf(IOException.class);
    }

    @Test
    void headHasTheLengthAndNoBody() throws Exception {
        serveRaw(
                "web1",
                socket -> {
                    for (int i = 0; i < 2; i++) {
                        readHead(socket.getInputStream());
                        socket.getOutputStream()
                                .write(
                                        ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"
                                                        + (i == 1 ? "ok" : ""))
                                                .getBytes(StandardCharsets.UTF_8));
                    }
                });
        String answer =
                raw(
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
        serve(
                "web1",
                exchange ->
                        answer(
                                exchange,
                                new String(
                                        exchange.getRequestBody().readAllBytes(),
                                        StandardCharsets.UTF_8)));
        HttpResponse<String> response =
                client.send(
                        to("web1", "/")
                                .expectContinue(true)
                                .POST(BodyPublishers.ofString("body"))
                                .build(),
                        BodyHandlers.ofString());
        assertThat(response.body()).isEqualTo("body");
    }

    @Test
    void upgradedConnectionIsATunnel() throws Exception {
        serveRaw(
                "web1",
                socket -> {
                    String head = readHead(socket.getInputStream());
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
        try (Socket socket = connect()) {
            OutputStream out = socket.getOutputStream();
            out.write(
                    ("GET /chat HTTP/1.1\r\n"
                                    + "Host: web1.localhost\r\n"
                                    + "Connection: keep-alive, Upgrade\r\n"
                                    + "Upgrade: websocket\r\n\r\n")
                            .getBytes(StandardCharsets.UTF_8));
            InputStream in = socket.getInputStream();
            assertThat(readHead(in))
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
        serveRaw(
                "web1",
                socket -> {
                    readHead(socket.getInputStream());
                    asked.release();
                    socket.getInputStream().transferTo(OutputStream.nullOutputStream());
                    left.release();
                });
        try (Socket socket = connect()) {
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
        serveRaw(
                "web1",
                socket -> {
                    readHead(socket.getInputStream());
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
        try (Socket socket = connect()) {
            OutputStream out = socket.getOutputStream();
            out.write(
                    "GET / HTTP/1.1\r\nHost: web1\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n"
                            .getBytes(StandardCharsets.UTF_8));
            asked.acquire();
            out.write(bytes);
            sent.release();
            assertThat(readHead(socket.getInputStream())).startsWith("HTTP/1.1 101 ");
            assertThat(socket.getInputStream().readNBytes(bytes.length)).isEqualTo(bytes);
        }
    }

    /** What two servers could read differently reaches no guest. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "POST / HTTP/1.1\r\n"
                        + "Host: web1\r\n"
                        + "Content-Length: 5\r\n"
                        + "Transfer-Encoding: chunked\r\n\r\n"
                        + "0\r\n\r\n",
                "POST / HTTP/1.1\r\n"
                        + "Host: web1\r\n"
                        + "Content-Length: 5\r\n"
                        + "Content-Length: 6\r\n\r\n"
                        + "hello!",
                "POST / HTTP/1.1\r\nHost: web1\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
                "POST / HTTP/1.1\r\nHost: web1\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
                "POST / HTTP/1.1\r\nHost: web1\r\nContent-Length: +5\r\n\r\nhello",
                "GET / HTTP/1.1\r\nHost: web1\r\nHost: web2\r\n\r\n",
                "GET / HTTP/1.1\r\nHost: web1/../x\r\n\r\n",
                "GET / HTTP/1.1\r\n\r\n",
                "GET / HTTP/1.1\r\nHost: web1\r\n folded: yes\r\n\r\n",
                "nonsense\r\n\r\n",
            })
    void ambiguousRequestIsRefused(String request) throws Exception {
        List<String> seen = Collections.synchronizedList(new ArrayList<>());
        serve(
                "web1",
                exchange -> {
                    seen.add(exchange.getRequestMethod());
                    answer(exchange, "");
                });
        assertThat(rawExactly(request)).startsWith("HTTP/1.1 400 ");
        assertThat(seen).isEmpty();
    }

    @Test
    void headerWithoutEndIsRefused() throws Exception {
        assertThat(rawExactly("GET / HTTP/1.1\r\nX: " + "x".repeat(40_000)))
                .startsWith("HTTP/1.1 431 ");
        assertThat(rawExactly("GET /" + "x".repeat(10_000))).startsWith("HTTP/1.1 414 ");
    }

    @Test
    void refusalReachesAClientThatIsStillSending() throws Exception {
        HttpResponse<String> response =
                client.send(
                        to("nobody", "/")
                                .POST(BodyPublishers.ofByteArray(new byte[5_000_000]))
                                .build(),
                        BodyHandlers.ofString());
        assertThat(response.statusCode()).isEqualTo(404);
    }

    @Test
    void answerToAnUploadThatIsStillBeingSentReachesTheClient() throws Exception {
        serveRaw(
                "web1",
                socket -> {
                    readHead(socket.getInputStream());
                    String answer = "HTTP/1.1 413 Too much\r\nContent-Length: 4\r\n\r\nfull";
                    socket.getOutputStream().write(answer.getBytes(StandardCharsets.UTF_8));
                    socket.getInputStream().transferTo(OutputStream.nullOutputStream());
                });
        for (int i = 0; i < 20; i++) {
            try (Socket socket = connect()) {
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

    @Test
    void absoluteTargetCountsMoreThanTheHost() throws Exception {
        serve("web2", exchange -> answer(exchange, "two " + exchange.getRequestURI()));
        String answer =
                raw("GET http://web2.localhost/x HTTP/1.1\nHost: web1\nConnection: close\n\n");
        assertThat(answer).endsWith("two /x");
    }

    /** What browsers try first for {@code *.localhost}. */
    @Test
    void proxyListensOnAnIpv6AddressToo() throws Exception {
        HostNeeds.skipWithout(
                NetworkInterface.getByInetAddress(InetAddress.getByName("::1")) != null,
                "the address ::1");
        serve("web1", exchange -> answer(exchange, "one"));
        InetSocketAddress local = new InetSocketAddress("::1", 0);
        try (ReverseProxy other =
                        ReverseProxy.open(
                                network, local, new SocketDirectory(network, () -> guests));
                Socket socket = new Socket("::1", other.localAddress().getPort())) {
            socket.getOutputStream().write("GET / HTTP/1.0\r\nHost: web1\r\n\r\n".getBytes());
            assertThat(new String(socket.getInputStream().readAllBytes())).endsWith("one");
        }
    }

    @Test
    void addressInUseIsOneSentence() {
        assertThatThrownBy(
                        () ->
                                ReverseProxy.open(
                                        network,
                                        proxy.localAddress(),
                                        new SocketDirectory(network, Map::of)))
                .isInstanceOf(IOException.class)
                .hasMessageMatching(
                        "Cannot listen on \\S+ for the guests' web servers: Address already in"
                                + " use");
    }

    private void serve(String name, HttpHandler handler) throws IOException {
        HttpServer server = HttpServer.create(ANY_PORT, 0);
        server.createContext("/", handler);
        server.setExecutor(threads);
        server.start();
        open.add(() -> server.stop(0));
        guests.put(name, server.getAddress());
    }

    private interface Conversation {
        void hold(Socket socket) throws IOException;
    }

    /** A server that does with each connection what it is told, and closes it. */
    private void serveRaw(String name, Conversation conversation) throws IOException {
        ServerSocket server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        open.add(server);
        guests.put(name, (InetSocketAddress) server.getLocalSocketAddress());
        threads.execute(
                () -> {
                    while (!server.isClosed()) {
                        try (Socket socket = server.accept()) {
                            conversation.hold(socket);
                        } catch (IOException closed) {
                            // By the other side, or by the end of the test.
                        }
                    }
                });
    }

    private static void answer(HttpExchange exchange, String text) throws IOException {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        exchange.sendResponseHeaders(200, bytes.length == 0 ? -1 : bytes.length);
        exchange.getResponseBody().write(bytes);
        exchange.close();
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

    private HttpRequest.Builder to(String host, String path) {
        return HttpRequest.newBuilder(
                        URI.create("http://127.0.0.1:" + proxy.localAddress().getPort() + path))
                .header("Host", host);
    }

    private HttpResponse<String> get(String host, String path) throws Exception {
        return client.send(to(host, path).build(), BodyHandlers.ofString());
    }

    private Socket connect() throws IOException {
        return new Socket(proxy.localAddress().getAddress(), proxy.localAddress().getPort());
    }

    /** Sends lines as they are and returns all that comes until the proxy closes. */
    private String raw(String lines) throws IOException {
        return rawExactly(lines.replace("\n", "\r\n"));
    }

    private String rawExactly(String request) throws IOException {
        try (Socket socket = connect()) {
            socket.getOutputStream().write(request.getBytes(StandardCharsets.ISO_8859_1));
            return new String(socket.getInputStream().readAllBytes(), StandardCharsets.ISO_8859_1);
        }
    }

    private static long count(String text, String part) {
        return Pattern.compile(Pattern.quote(part), Pattern.CASE_INSENSITIVE)
                .matcher(text)
                .results()
                .count();
    }
}

package org.xenolith.devices.net.proxy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.xenolith.devices.host.HostNeeds;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.NetworkInterface;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** Which guest a request is led to, what it learns of the client, and what is refused. */
@Timeout(300)
final class ReverseProxyTest {
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
    void firstLabelOfTheHostSelectsTheGuest() throws Exception {
        lab.serve("web1", exchange -> ProxyLab.answer(exchange, "one " + exchange.getRequestURI()));
        lab.serve("web2", exchange -> ProxyLab.answer(exchange, "two"));

        assertThat(lab.get("web1.localhost:8080", "/a?b=c").body()).isEqualTo("one /a?b=c");
        assertThat(lab.get("WEB2.localhost", "/").body()).isEqualTo("two");
        assertThat(lab.get("web2", "/").body()).isEqualTo("two");
    }

    @Test
    void nameWithDotsLeadsToTheGuestThatHasItAndToNoOther() throws Exception {
        lab.serve("web", exchange -> ProxyLab.answer(exchange, "web"));
        lab.serve("web.1", exchange -> ProxyLab.answer(exchange, "one"));

        assertThat(lab.get("web.1.localhost:8080", "/").body()).isEqualTo("one");
        assertThat(lab.get("Web.1.LocalHost.", "/").body()).isEqualTo("one");
        assertThat(lab.get("web.2.localhost:8080", "/").body())
                .startsWith("There is no guest called web.2. There are:\n");
        assertThat(lab.get("web.lab.example:8080", "/").body()).isEqualTo("web");
    }

    @Test
    void unknownNameGetsTheListOfTheKnown() throws Exception {
        lab.serve("web1", exchange -> ProxyLab.answer(exchange, ""));
        lab.serve("web2", exchange -> ProxyLab.answer(exchange, ""));
        HttpResponse<String> response = lab.get("shop.localhost", "/");

        int port = lab.proxy.localAddress().getPort();
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
            lab.guests.put("web1", (InetSocketAddress) closed.getLocalSocketAddress());
        }
        HttpResponse<String> response = lab.get("web1.localhost", "/");
        assertThat(response.statusCode()).isEqualTo(502);
        assertThat(response.body())
                .startsWith("web1 does not answer: Connection refused")
                .endsWith(".\n");
    }

    @Test
    void guestThatHangsUpOrTalksNonsenseIsOneSentence() throws Exception {
        lab.serveRaw("mute", socket -> socket.getInputStream().read());
        lab.serveRaw(
                "drunk",
                socket -> {
                    socket.getInputStream().read();
                    socket.getOutputStream()
                            .write("hello?\r\n\r\n".getBytes(StandardCharsets.UTF_8));
                    socket.getInputStream().read();
                });
        for (String name : List.of("mute", "drunk")) {
            HttpResponse<String> response = lab.get(name, "/");
            assertThat(response.statusCode()).isEqualTo(502);
            assertThat(response.body())
                    .isEqualTo(name + " closed the connection without an answer.\n");
        }
    }

    @Test
    void guestLearnsWhoAskedAndForWhatAndNothingThatTheClientMadeUp() throws Exception {
        Map<String, String> seen = new ConcurrentHashMap<>();
        lab.serve(
                "web1",
                exchange -> {
                    exchange.getRequestHeaders()
                            .forEach((name, values) -> seen.put(name, String.join("|", values)));
                    ProxyLab.answer(exchange, "");
                });
        lab.client.send(
                lab.to("web1.localhost:8080", "/")
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
        lab.serve(
                "web1",
                exchange -> {
                    exchange.getRequestHeaders()
                            .forEach((name, values) -> seen.put(name, values.getFirst()));
                    ProxyLab.answer(exchange, "");
                });
        String answer =
                lab.raw(
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
        lab.serve(
                "web1",
                exchange -> {
                    seen.add(exchange.getRequestMethod());
                    ProxyLab.answer(exchange, "");
                });
        assertThat(lab.rawExactly(request)).startsWith("HTTP/1.1 400 ");
        assertThat(seen).isEmpty();
    }

    @Test
    void headerWithoutEndIsRefused() throws Exception {
        assertThat(lab.rawExactly("GET / HTTP/1.1\r\nX: " + "x".repeat(40_000)))
                .startsWith("HTTP/1.1 431 ");
        assertThat(lab.rawExactly("GET /" + "x".repeat(10_000))).startsWith("HTTP/1.1 414 ");
    }

    @Test
    void refusalReachesAClientThatIsStillSending() throws Exception {
        HttpResponse<String> response =
                lab.client.send(
                        lab.to("nobody", "/")
                                .POST(BodyPublishers.ofByteArray(new byte[5_000_000]))
                                .build(),
                        BodyHandlers.ofString());
        assertThat(response.statusCode()).isEqualTo(404);
    }

    @Test
    void absoluteTargetCountsMoreThanTheHost() throws Exception {
        lab.serve("web2", exchange -> ProxyLab.answer(exchange, "two " + exchange.getRequestURI()));
        String answer =
                lab.raw("GET http://web2.localhost/x HTTP/1.1\nHost: web1\nConnection: close\n\n");
        assertThat(answer).endsWith("two /x");
    }

    /** What browsers try first for {@code *.localhost}. */
    @Test
    void proxyListensOnAnIpv6AddressToo() throws Exception {
        HostNeeds.skipWithout(
                NetworkInterface.getByInetAddress(InetAddress.getByName("::1")) != null,
                "the address ::1");
        lab.serve("web1", exchange -> ProxyLab.answer(exchange, "one"));
        InetSocketAddress local = new InetSocketAddress("::1", 0);
        try (ReverseProxy other =
                        ReverseProxy.open(
                                lab.network,
                                local,
                                new SocketDirectory(lab.network, () -> lab.guests));
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
                                        lab.network,
                                        lab.proxy.localAddress(),
                                        new SocketDirectory(lab.network, Map::of)))
                .isInstanceOf(IOException.class)
                .hasMessageMatching(
                        "Cannot listen on \\S+ for the guests' web servers: Address already in"
                                + " use");
    }
}

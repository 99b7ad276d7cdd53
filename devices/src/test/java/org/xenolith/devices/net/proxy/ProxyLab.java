package org.xenolith.devices.net.proxy;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpHandler;
import com.sun.net.httpserver.HttpServer;

import org.xenolith.devices.net.NetworkLoop;

import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** A proxy, guests that are sockets of this process, and clients of theirs. */
final class ProxyLab implements AutoCloseable {
    static {
        // Read once, when the client's first class loads: these requests name their own Host.
        System.setProperty("jdk.httpclient.allowRestrictedHeaders", "host,connection");
    }

    private static final InetSocketAddress ANY_PORT =
            new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);

    final NetworkLoop network = NetworkLoop.create();
    final Map<String, InetSocketAddress> guests =
            Collections.synchronizedMap(new LinkedHashMap<>());
    final ExecutorService threads = Executors.newCachedThreadPool();
    final List<AutoCloseable> open = new ArrayList<>();
    final HttpClient client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    final ReverseProxy proxy;

    ProxyLab() throws IOException {
        proxy = ReverseProxy.open(network, ANY_PORT, new SocketDirectory(network, () -> guests));
    }

    @Override
    public void close() throws Exception {
        client.shutdownNow();
        proxy.close();
        network.close();
        for (AutoCloseable closeable : open) {
            closeable.close();
        }
        threads.shutdownNow();
    }

    /** A guest that answers requests. */
    void serve(String name, HttpHandler handler) throws IOException {
        HttpServer server = HttpServer.create(ANY_PORT, 0);
        server.createContext("/", handler);
        server.setExecutor(threads);
        server.start();
        open.add(() -> server.stop(0));
        guests.put(name, server.getAddress());
    }

    interface Conversation {
        void hold(Socket socket) throws IOException;
    }

    /** A server that does with each connection what it is told, and closes it. */
    void serveRaw(String name, Conversation conversation) throws IOException {
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

    static void answer(HttpExchange exchange, String text) throws IOException {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        exchange.sendResponseHeaders(200, bytes.length == 0 ? -1 : bytes.length);
        exchange.getResponseBody().write(bytes);
        exchange.close();
    }

    static String readHead(InputStream in) throws IOException {
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

    HttpRequest.Builder to(String host, String path) {
        return HttpRequest.newBuilder(
                        URI.create("http://127.0.0.1:" + proxy.localAddress().getPort() + path))
                .header("Host", host);
    }

    HttpResponse<String> get(String host, String path) throws Exception {
        return client.send(to(host, path).build(), BodyHandlers.ofString());
    }

    Socket connect() throws IOException {
        return new Socket(proxy.localAddress().getAddress(), proxy.localAddress().getPort());
    }

    /** Sends lines as they are and returns all that comes until the proxy closes. */
    String raw(String lines) throws IOException {
        return rawExactly(lines.replace("\n", "\r\n"));
    }

    String rawExactly(String request) throws IOException {
        try (Socket socket = connect()) {
            socket.getOutputStream().write(request.getBytes(StandardCharsets.ISO_8859_1));
            return new String(socket.getInputStream().readAllBytes(), StandardCharsets.ISO_8859_1);
        }
    }
}

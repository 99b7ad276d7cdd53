package org.xenolith.devices.net.nat;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpServer;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.xenolith.devices.host.HostNeeds;
import org.xenolith.devices.net.NetworkLoop;
import org.xenolith.devices.net.PortSettings;
import org.xenolith.devices.net.Tshark;
import org.xenolith.devices.net.VirtualSwitch;

import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;

/** The NAT against the TCP of the Linux kernel, which is the guest here. Loopback only. */
@Timeout(120)
class LinuxInteropTest {
    private static final byte[] FILE = new byte[48 << 20];

    static {
        new Random(5).nextBytes(FILE);
    }

    @TempDir Path directory;
    private final NetworkLoop network = NetworkLoop.create();
    private final HttpServer server = server();
    private final VirtualSwitch ports = new VirtualSwitch(network);
    private final UserModeNat nat = UserModeNat.create(NatConfig.builder().build(), network);
    private TapGuest guest;

    @BeforeEach
    void startGuest() throws Exception {
        HostNeeds.requirePrograms("ip", "curl");
        HostNeeds.skipWithout(
                Files.isWritable(Path.of("/dev/net/tun")), "the right to open a TAP device");
        nat.plugInto(ports, PortSettings.PLAIN);
        try {
            guest = new TapGuest(network, ports, directory.resolve("pcap"));
        } catch (IOException refused) {
            HostNeeds.skipWithout(false, "the right to make TAP devices, namespaces: " + refused);
        }
    }

    @AfterEach
    void stop() throws Exception {
        if (guest != null) {
            guest.close();
        }
        nat.close();
        ports.close();
        server.stop(0);
        network.close();
    }

    @Test
    void curlInTheGuestFetchesALargeFileFromTheHost() throws Exception {
        Path copy = directory.resolve("copy");
        guest.inside("curl", "-sS", "-o", copy.toString(), url("/file"));
        assertThat(Files.mismatch(copy, written(FILE))).as("first wrong byte").isEqualTo(-1);
        guest.close();
        assertThat(guest.largest(true))
                .as("segments to the guest stay large")
                .isGreaterThan(32_000);
        assertNothingMalformed();
    }

    @Test
    void curlInTheGuestUploadsALargeFileToTheHost() throws Exception {
        Path file = written(FILE);
        String answer = guest.inside("curl", "-sS", "-T", file.toString(), url("/upload"));
        assertThat(answer).isEqualTo(String.valueOf(Arrays.hashCode(FILE)));
        guest.close();
        assertThat(guest.largest(false)).as("segments of the guest too").isGreaterThan(32_000);
        assertNothingMalformed();
    }

    private void assertNothingMalformed() throws Exception {
        assertThat(Tshark.of(directory.resolve("pcap")).malformed()).isEmpty();
    }

    @Test
    void pingOfTheGatewayIsAnswered() throws Exception {
        HostNeeds.requirePrograms("ping");
        assertThat(guest.inside("ping", "-c", "2", "-i", "0.2", "10.0.2.2")).contains("2 received");
    }

    @Test
    void theKernelMakesAnIpv6AddressAndReachesTheHost() throws Exception {
        requireIpv6();
        guest.awaitIpv6();
        assertThat(guest.inside("ip", "-6", "route", "show", "default")).contains("via fe80::2");
        HttpServer onLoopback = server(InetAddress.getByName("::1"));
        try {
            String url = "http://[fd00::2]:" + onLoopback.getAddress().getPort();
            Path copy = directory.resolve("copy");
            guest.inside("curl", "-sS", "-o", copy.toString(), url + "/file");
            assertThat(Files.mismatch(copy, written(FILE))).as("first wrong byte").isEqualTo(-1);
            String file = directory.resolve("original").toString();
            assertThat(guest.inside("curl", "-sS", "-T", file, url + "/upload"))
                    .isEqualTo(String.valueOf(Arrays.hashCode(FILE)));
        } finally {
            onLoopback.stop(0);
        }
        assertThatThrownBy(() -> guest.inside("bash", "-c", "exec 3<>/dev/tcp/fd00::2/1"))
                .hasMessageContaining("Connection refused");
        if (HostNeeds.find("ping").isPresent()) {
            for (String own : new String[] {"fd00::2", "fd00::3", "fe80::2%" + guest.device()}) {
                assertThat(guest.inside("ping", "-6", "-c", "1", own)).contains("1 received");
                assertThat(guest.inside("ping", "-6", "-c", "1", "-s", "5000", own))
                        .as("in fragments")
                        .contains("1 received");
            }
        }
        guest.close();
        assertThat(guest.largest(true))
                .as("segments to the guest stay large")
                .isGreaterThan(32_000);
        assertThat(guest.largest(false)).as("segments of the guest too").isGreaterThan(32_000);
        assertNothingMalformed();
    }

    static void requireIpv6() {
        HostNeeds.skipWithout(hasIpv6(), "the address ::1");
    }

    private static boolean hasIpv6() {
        try (ServerSocket _ = new ServerSocket(0, 1, InetAddress.getByName("::1"))) {
            return true;
        } catch (IOException e) {
            return false;
        }
    }

    @Test
    void aPortThatNobodyListensOnIsRefusedAtOnce() {
        assertThatThrownBy(() -> guest.inside("bash", "-c", "exec 3<>/dev/tcp/10.0.2.2/1"))
                .hasMessageContaining("Connection refused");
    }

    @Test
    void theHostReachesTheGuestThroughAForward() throws Exception {
        HostNeeds.requirePrograms("iperf3");
        Process server = guest.startInside("iperf3", "-s", "-1", "-p", "5201");
        int port = nat.forward(PortForward.parse("0:5201"), "10.0.2.15").forward().hostPort();
        awaitListener();
        TapGuest.command("iperf3", "-c", "127.0.0.1", "-p", "" + port, "-n", "64M");
        assertThat(server.waitFor(10, TimeUnit.SECONDS)).isTrue();
        assertThat(server.exitValue()).isZero();
    }

    @Test
    void parallelStreamsInBothDirectionsEndWithoutError() throws Exception {
        HostNeeds.requirePrograms("iperf3");
        int port = 20_000 + (int) (ProcessHandle.current().pid() % 10_000);
        Process server =
                new ProcessBuilder(
                                "iperf3",
                                "-s",
                                "-1",
                                "--forceflush",
                                "-B",
                                "127.0.0.1",
                                "-p",
                                "" + port)
                        .redirectErrorStream(true)
                        .start();
        server.inputReader(StandardCharsets.US_ASCII).readLine();
        guest.inside("iperf3", "-c", "10.0.2.2", "-p", "" + port, "-P", "8", "--bidir", "-t", "2");
        assertThat(server.waitFor(10, TimeUnit.SECONDS)).isTrue();
    }

    @Test
    void aThousandConnectionsAreHeldAndAllEcho() throws Exception {
        HostNeeds.requirePrograms("python3");
        try (ServerSocket echo = new ServerSocket(0, 1000, InetAddress.getLoopbackAddress())) {
            Thread.ofVirtual().start(() -> echoAll(echo));
            String script =
                    """
                    import socket
                    held = [socket.create_connection(('10.0.2.2', %d), 30) for _ in range(1000)]
                    for number, each in enumerate(held):
                        each.sendall(b'%%04d' %% number)
                    assert all(each.recv(4) == b'%%04d' %% n for n, each in enumerate(held))
                    print('held', len(held))
                    """
                            .formatted(echo.getLocalPort());
            assertThat(guest.inside("python3", "-c", script)).contains("held 1000");
        }
    }

    private static void echoAll(ServerSocket echo) {
        try {
            while (true) {
                Socket socket = echo.accept();
                Thread.ofVirtual().start(() -> echo(socket));
            }
        } catch (IOException closed) {
            // the test is over
        }
    }

    private static void echo(Socket socket) {
        try (socket) {
            socket.getInputStream().transferTo(socket.getOutputStream());
        } catch (IOException gone) {
            // the guest's program is over
        }
    }

    @Test
    void datagramsGoToTheHostAndThroughAForwardToTheGuest() throws Exception {
        HostNeeds.requirePrograms("python3");
        try (DatagramSocket host = new DatagramSocket(0, InetAddress.getLoopbackAddress())) {
            host.setSoTimeout(20_000);
            String script =
                    """
                    import socket
                    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                    s.bind(('', 5201))
                    s.sendto(b'ready', ('10.0.2.2', %d))
                    data, peer = s.recvfrom(9000)
                    s.sendto(data[::-1], peer)
                    """
                            .formatted(host.getLocalPort());
            Process guestProgram = guest.startInside("python3", "-c", script);
            assertThat(receive(host)).isEqualTo("ready");
            ForwardedPort forwarded = nat.forward(PortForward.parse("0:5201/udp"), "10.0.2.15");
            InetSocketAddress port =
                    new InetSocketAddress("127.0.0.1", forwarded.forward().hostPort());
            byte[] large = "x".repeat(5000).concat("y").getBytes(StandardCharsets.US_ASCII);
            host.send(new DatagramPacket(large, large.length, port));
            assertThat(receive(host)).isEqualTo("y" + "x".repeat(5000));
            assertThat(guestProgram.waitFor(10, TimeUnit.SECONDS)).isTrue();
        }
    }

    @Test
    void largeDatagramsGoToTheHostAndBackOverIpv6() throws Exception {
        HostNeeds.requirePrograms("python3");
        requireIpv6();
        guest.awaitIpv6();
        try (DatagramSocket host = new DatagramSocket(0, InetAddress.getByName("::1"))) {
            host.setSoTimeout(20_000);
            String script =
                    """
                    import socket
                    s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
                    s.sendto(b'x' * 6000 + b'y', ('fd00::2', %d))
                    print(len(s.recvfrom(9000)[0]), 'bytes came back')
                    """
                            .formatted(host.getLocalPort());
            Process guestProgram = guest.startInside("python3", "-c", script);
            DatagramPacket packet = new DatagramPacket(new byte[9000], 9000);
            host.receive(packet);
            assertThat(packet.getLength()).isEqualTo(6001);
            packet.setLength(5000);
            host.send(packet);
            assertThat(guestProgram.inputReader().readLine()).isEqualTo("5000 bytes came back");
        }
        guest.close();
        assertNothingMalformed();
        Tshark capture = Tshark.of(directory.resolve("pcap"));
        assertThat(capture.packets("ipv6.fraghdr && eth.src == 52:55:0a:00:02:02"))
                .as("fragments to the guest")
                .hasSize(4);
        assertThat(capture.packets("udp.checksum.status == 1 && ipv6.fragments"))
                .as("datagrams that tshark has joined")
                .hasSize(2);
    }

    @Test
    void theHostReachesTheGuestThroughAForwardOfAnIpv6Address() throws Exception {
        HostNeeds.requirePrograms("iperf3");
        requireIpv6();
        Process server = guest.startInside("iperf3", "-s", "-1", "-p", "5201");
        PortForward forward = PortForward.parse("[::1]:0:5201");
        int port = nat.forward(forward, "10.0.2.15").forward().hostPort();
        guest.awaitIpv6();
        guest.inside("curl", "-s", "-o", "/dev/null", url("/")); // now it is known who 10.0.2.15 is
        awaitListener();
        TapGuest.command("iperf3", "-6", "-c", "::1", "-p", "" + port, "-n", "8M");
        assertThat(server.waitFor(10, TimeUnit.SECONDS)).isTrue();
        assertThat(server.exitValue()).isZero();
        guest.close();
        Tshark capture = Tshark.of(directory.resolve("pcap"));
        assertThat(capture.packets("tcp.dstport == 5201 && ipv6")).isNotEmpty();
        assertThat(capture.packets("tcp.dstport == 5201 && ip")).isEmpty();
    }

    private static String receive(DatagramSocket socket) throws IOException {
        DatagramPacket packet = new DatagramPacket(new byte[9000], 9000);
        socket.receive(packet);
        return new String(packet.getData(), 0, packet.getLength(), StandardCharsets.US_ASCII);
    }

    @Test
    void aChannelReachesAServerInTheGuest() throws Exception {
        HostNeeds.requirePrograms("python3");
        Files.writeString(directory.resolve("page"), "hello from the guest");
        Process server =
                guest.startInside(
                        "python3", "-m", "http.server", "-d", directory.toString(), "5201");
        awaitListener();
        CompletableFuture<String> page = new CompletableFuture<>();
        ChannelFuture connected = nat.connectToGuest("10.0.2.15", 5201, new Reader(page)).sync();
        connected.channel().writeAndFlush(bytes("GET /page HTTP/1.0\r\n\r\n"));
        assertThat(page.get(20, TimeUnit.SECONDS)).endsWith("hello from the guest");
        server.destroy();
    }

    @Test
    void aChannelToAClosedPortIsRefusedWithASentence() {
        ChannelFuture connected =
                nat.connectToGuest("10.0.2.15", 81, new ChannelInboundHandlerAdapter())
                        .awaitUninterruptibly();
        assertThat(connected.cause())
                .hasMessage(
                        "Cannot connect to 10.0.2.15:81: the guest refuses connections to port 81");
    }

    private static ByteBuf bytes(String text) {
        return Unpooled.copiedBuffer(text, StandardCharsets.US_ASCII);
    }

    /** Collects what the guest sends until it ends. */
    private static final class Reader extends ChannelInboundHandlerAdapter {
        private final StringBuilder text = new StringBuilder();
        private final CompletableFuture<String> result;

        Reader(CompletableFuture<String> result) {
            this.result = result;
        }

        @Override
        public void channelRead(ChannelHandlerContext context, Object message) {
            ByteBuf bytes = (ByteBuf) message;
            text.append(bytes.toString(StandardCharsets.US_ASCII));
            bytes.release();
        }

        @Override
        public void channelInactive(ChannelHandlerContext context) {
            result.complete(text.toString());
        }
    }

    private void awaitListener() throws Exception {
        while (!guest.inside("ss", "-ltn").contains(":5201")) {
            Thread.onSpinWait();
        }
    }

    private String url(String path) {
        return "http://10.0.2.2:" + server.getAddress().getPort() + path;
    }

    private Path written(byte[] bytes) throws IOException {
        return Files.write(directory.resolve("original"), bytes);
    }

    private static HttpServer server() {
        return server(InetAddress.getLoopbackAddress());
    }

    private static HttpServer server(InetAddress address) {
        try {
            HttpServer server = HttpServer.create(new InetSocketAddress(address, 0), 0);
            server.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
            server.createContext(
                    "/file",
                    exchange -> {
                        exchange.sendResponseHeaders(200, FILE.length);
                        exchange.getResponseBody().write(FILE);
                        exchange.close();
                    });
            server.createContext(
                    "/upload",
                    exchange -> {
                        byte[] bytes = exchange.getRequestBody().readAllBytes();
                        byte[] answer =
                                String.valueOf(Arrays.hashCode(bytes))
                                        .getBytes(StandardCharsets.US_ASCII);
                        exchange.sendResponseHeaders(200, answer.length);
                        exchange.getResponseBody().write(answer);
                        exchange.close();
                    });
            server.start();
            return server;
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }
}
